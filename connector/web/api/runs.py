"""Runs: list, tell, cancel, retry, skip, review, restart, and many at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.runtime.operations import bulk as controls_bulk
from connector.runtime.operations.bulk import Action, RunFilter
from connector.runtime.operations.errors import InputError, UnknownError
from connector.runtime.operations.runs import CommandResult
from connector.storage.stores import run_queries
from connector.web.api import schemas
from connector.web.api.operation import Call, Operation
from workflows.runs import Status


def _list(call: Call) -> dict[str, Any]:
    limit, before = call.given["limit"], call.given.get("before")
    with call.parts.database.read() as tx:
        lines = run_queries.list_runs(tx, limit=limit, before=before, where=_filter(call.given).conditions())
    return {"items": lines, "next": lines[-1].id if len(lines) == limit else None}


def _show(call: Call) -> Any:
    run_id = call.path["run_id"]
    with call.parts.database.read() as tx:
        story = run_queries.run_story(tx, run_id) if run_id.isalnum() else None
    if story is None:
        raise UnknownError("run", run_id[:60], "GET /api/v1/runs shows those there are.")
    return story


def _cancel(call: Call) -> CommandResult:
    return call.parts.controls.cancel([call.path["run_id"]], call.by, call.given["reason"])[0]


def _retry(call: Call) -> CommandResult:
    step, anew = call.given.get("step"), call.given["anew"]
    return call.parts.controls.retry(call.path["run_id"], call.by, step=step, anew=anew)


def _dismiss(call: Call) -> CommandResult:
    return call.parts.controls.dismiss(call.path["run_id"], call.by, call.given["reason"])


def _skip(call: Call) -> CommandResult:
    return call.parts.controls.skip(call.path["run_id"], call.given["step"], call.given["output"], call.by)


def _review(call: Call) -> CommandResult:
    happened, output = call.given["happened"], call.given["output"]
    return call.parts.controls.answer_review(call.path["run_id"], happened, call.by, output=output)


def _restart(call: Call) -> CommandResult:
    return call.parts.controls.restart(call.path["run_id"], call.by)


def _bulk(call: Call) -> dict[str, Any]:
    """Count, and unless it is a dry run take a page of them; the caller goes on with ``next``."""
    chosen, limit, is_dry = _filter(call.given["filter"]), call.given["limit"], call.given["dry_run"]
    action = _action(call)
    with call.parts.database.read() as tx:
        ids = controls_bulk.find(tx, chosen, after=call.given["after"], limit=limit)
        matched = controls_bulk.count(tx, chosen)
    lines = [] if is_dry else list(controls_bulk.each(action, ids))
    following = ids[-1] if len(ids) == limit and not is_dry else None
    return {"matched": matched, "dry_run": is_dry, "items": lines, "next": following}


def _action(call: Call) -> Action:
    controls, by, name = call.parts.controls, call.by, call.given["action"]
    reason = call.given.get("reason", "")
    if name in ("cancel", "dismiss") and not reason:
        raise InputError(
            "reason", f"is missing, and {name} needs it.", "Write a few words; they stand in the history."
        )
    actions: Mapping[str, Action] = {
        "cancel": lambda run_id: controls.cancel([run_id], by, reason)[0],
        "retry": lambda run_id: controls.retry(run_id, by),
        "restart": lambda run_id: controls.restart(run_id, by),
        "dismiss": lambda run_id: controls.dismiss(run_id, by, reason),
    }
    return actions[name]


def _filter(given: Mapping[str, Any]) -> RunFilter:
    statuses = tuple(Status(each) for each in given.get("status", ()))
    return RunFilter(given.get("workflow"), statuses, given.get("started_before"), given.get("step"))


_READ, _WRITE, _ONE = "runs:read", "runs:write", "/runs/<run_id>"

OPERATIONS = (
    Operation("GET", "/runs", "listRuns", "Runs, newest first", _READ, _list,
              schemas.RunsSchema(), schemas.RunQuerySchema()),
    Operation("GET", _ONE, "getRun", "One run with every decision", _READ, _show, schemas.StorySchema(), can=(404,)),
    Operation("POST", f"{_ONE}/cancel", "cancelRun", "End a run that is going", _WRITE, _cancel,
              schemas.DoneSchema(), schemas.ReasonSchema(), can=(404, 409)),
    Operation("POST", f"{_ONE}/retry", "retryRun", "Let a run that stopped go on", _WRITE, _retry,
              schemas.DoneSchema(), schemas.RetrySchema(), can=(404, 409)),
    Operation("POST", f"{_ONE}/dismiss", "dismissRun", "Say of a run that stopped that nothing more is to be done",
              _WRITE, _dismiss, schemas.DoneSchema(), schemas.ReasonSchema(), can=(404, 409)),
    Operation("POST", f"{_ONE}/skip", "skipStep", "Give a step its output by hand", _WRITE, _skip,
              schemas.DoneSchema(), schemas.SkipSchema(), can=(404, 409)),
    Operation("POST", f"{_ONE}/review", "answerReview", "Say whether a doubtful call happened", _WRITE, _review,
              schemas.DoneSchema(), schemas.ReviewSchema(), can=(404, 409)),
    Operation("POST", f"{_ONE}/restart", "restartRun", "Begin anew with the newest version", _WRITE, _restart,
              schemas.DoneSchema(), can=(404, 409)),
    Operation("POST", "/runs/bulk", "bulkRuns", "One action for many runs; counts only, unless told otherwise",
              _WRITE, _bulk, schemas.BulkDoneSchema(), schemas.BulkSchema()),
)  # fmt: skip
