"""One run: its story with the version it runs with, and what can be done about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields

from connector.runtime.operations import locked_run
from connector.runtime.operations.errors import InputError, UnknownError
from connector.runtime.operations.runs import CommandResult
from connector.runtime.operations.validation import LONGEST_REASON
from connector.storage.stores import page_queries, run_queries
from connector.storage.stores.run_queries import RunStory
from connector.web.admin import rendering
from connector.web.admin.forms import line, one_of
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.rendering import labels
from connector.web.admin.running import statuses
from connector.web.admin.words import later


class _SeenSchema(Schema):
    """What every action on a run brings: up to when the person had read its story."""

    seen = line(40, load_default="")


class EndRunSchema(_SeenSchema):
    """Ending it."""

    reason = line(LONGEST_REASON, load_default="")


class RetryRunSchema(_SeenSchema):
    """From where, and whether with new calls."""

    step = line(120)
    anew = fields.Boolean(load_default=False)


class SkipStepSchema(_SeenSchema):
    """Which step, and its result by hand."""

    at = line(120, load_default="")
    output = line(64_000, load_default="")


class DoubtAnswerSchema(_SeenSchema):
    """Whether it happened."""

    happened = one_of(("yes", "no"), required=True, error_messages={"required": later("Say whether it happened.")})
    result = line(64_000, load_default="")


def _show(visit: AdminVisit) -> ResponseReturnValue:
    run_id = visit.path["run_id"]
    with visit.services.database.read() as tx:
        story = run_queries.run_story(tx, run_id) if run_id.isalnum() and run_id.isascii() else None
        if story is None:
            raise UnknownError("run", run_id[:60], "")
        calls = page_queries.calls(tx, run_id)
        body = page_queries.definition_of(tx, run_id)
        names = page_queries.names(tx, [story.line.customer_id])
    return rendering.page(
        visit, "admin/run.html", story=story, run=story.line, calls=calls, body=body, section="runs",
        name=visit.shown(names.get(story.line.customer_id or "", "")), fresh_from=_fresh_from(visit), last=_last(story),
        possible=locked_run.possible(story.line.status), steps=[(step, step) for step in _steps(story)],
        statuses=labels(visit.say, statuses.RUN), call_statuses=labels(visit.say, statuses.CALL),
    )  # fmt: skip


def _cancel(visit: AdminVisit) -> ResponseReturnValue:
    [done] = visit.services.controls.cancel([visit.path["run_id"]], visit.by, visit.given["reason"])
    return _done(visit, done)


def _dismiss(visit: AdminVisit) -> ResponseReturnValue:
    return _done(visit, visit.services.controls.dismiss(visit.path["run_id"], visit.by, visit.given["reason"]))


def _retry(visit: AdminVisit) -> ResponseReturnValue:
    given, run_id = visit.given, visit.path["run_id"]
    return _done(visit, visit.services.controls.retry(run_id, visit.by, step=given.get("step"), anew=given["anew"]))


def _skip(visit: AdminVisit) -> ResponseReturnValue:
    output = _json(visit, "output")
    return _done(visit, visit.services.controls.skip(visit.path["run_id"], visit.given["at"], output, visit.by))


def _review(visit: AdminVisit) -> ResponseReturnValue:
    happened, output = visit.given["happened"] == "yes", _json(visit, "result")
    controls = visit.services.controls
    return _done(visit, controls.answer_review(visit.path["run_id"], happened, visit.by, output=output))


def _restart(visit: AdminVisit) -> ResponseReturnValue:
    return _done(visit, visit.services.controls.restart(visit.path["run_id"], visit.by))


def _done(visit: AdminVisit, done: CommandResult) -> ResponseReturnValue:
    told = visit.say("Done. The run is now: {status}.", status=visit.say(statuses.RUN[done.status]))
    if done.new_run:
        told = visit.say("Restarted: this is the new run.")
    return rendering.back(visit, told, "run", run_id=done.new_run or done.run)


def _json(visit: AdminVisit, field: str) -> Mapping[str, Any]:
    """What was written into a field as JSON. Raises InputError."""
    text = visit.given[field].strip()
    if not text:
        return {}
    remedy = visit.say('Write {"field": "value"}, or nothing.')
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        place = {"line": getattr(error, "lineno", 1), "sign": getattr(error, "colno", 1)}
        raise InputError(field, visit.say("This is no JSON: see line {line}, sign {sign}.", **place), remedy) from None
    if not isinstance(value, dict):
        raise InputError(field, visit.say("This is JSON, but no object."), remedy)
    return value


def _fresh_from(visit: AdminVisit) -> datetime | None:
    """After a refusal: what happened since the person read the page."""
    try:
        return datetime.fromisoformat(visit.typed.get("seen", "")) if visit.refused else None
    except ValueError:
        return None


def _last(story: RunStory) -> str:
    return story.lines[-1].at.isoformat() if story.lines else story.line.started_at.isoformat()


def _steps(story: RunStory) -> list[str]:
    """The steps that the run came by, the latest first."""
    return list(dict.fromkeys(line.step for line in reversed(story.lines) if line.step))


_ONE = "/runs/<run_id>"

PAGES = (
    Page("GET", _ONE, "run", "runs:read", _show),
    Page("POST", f"{_ONE}/cancel", "run_cancel", "runs:write", _cancel, takes=EndRunSchema(), back=_show),
    Page("POST", f"{_ONE}/dismiss", "run_dismiss", "runs:write", _dismiss, takes=EndRunSchema(), back=_show),
    Page("POST", f"{_ONE}/retry", "run_retry", "runs:write", _retry, takes=RetryRunSchema(), back=_show),
    Page("POST", f"{_ONE}/skip", "run_skip", "runs:write", _skip, takes=SkipStepSchema(), back=_show),
    Page("POST", f"{_ONE}/review", "run_review", "runs:write", _review, takes=DoubtAnswerSchema(), back=_show),
    Page("POST", f"{_ONE}/restart", "run_restart", "runs:write", _restart, takes=_SeenSchema(), back=_show),
)
