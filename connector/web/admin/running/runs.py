"""Runs: a list whose filters stand in the address, and one action for many of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import request
from flask.typing import ResponseReturnValue
from marshmallow import fields
from sqlalchemy import Connection

from connector.feedback.surveys.overview import plan
from connector.runtime.operations import bulk
from connector.runtime.operations.bulk import RunFilter
from connector.runtime.operations.errors import InputError
from connector.storage.stores import page_queries, run_queries
from connector.web.admin import rendering
from connector.web.admin.forms import day, line, one_of
from connector.web.admin.lists import ROWS, CursorSchema, listing
from connector.web.admin.page import AdminVisit, Page
from connector.web.admin.rendering import labels
from connector.web.admin.running import by_hand, statuses
from connector.web.admin.words import later
from workflows.runs import Status

_NOBODY = "-"
"""The customer of a filter that names somebody whom nobody knows."""
_ANY_STOPPED = "stopped"


class RunListSchema(CursorSchema):
    """Which runs."""

    workflow = line(100)
    status = one_of((*statuses.RUN, _ANY_STOPPED))
    step = line(100)
    customer = line(320)
    since = day()
    until = day()


class BulkRunsSchema(RunListSchema):
    """Which runs, and what becomes of them: those that were chosen, or all that the filters find."""

    action = one_of(by_hand.BY_NAME, required=True, error_messages={"required": later("Choose what to do.")})
    which = one_of(("chosen", "all"), load_default="chosen")
    run = fields.List(line(26), load_default=list)
    after = line(26, load_default="")
    reason = line(500, load_default="")


def _list(visit: AdminVisit) -> ResponseReturnValue:
    with visit.services.database.read() as tx:
        where = _filter(visit, tx, visit.given).conditions()
        rows = run_queries.list_runs(tx, limit=ROWS + 1, before=visit.given.get("before"), where=where)
        names = page_queries.names(tx, (row.customer_id for row in rows))
        slugs = page_queries.workflow_slugs(tx)
    return rendering.page(
        visit, "admin/runs.html", list=listing(rows, lambda row: row.id), slugs=[(slug, slug) for slug in slugs],
        names={id_: visit.shown(name) for id_, name in names.items()},
        statuses=labels(visit.say, statuses.RUN), states=_state_choices(visit), actions=by_hand.ACTIONS,
    )  # fmt: skip


def _state_choices(visit: AdminVisit) -> list[tuple[str, str]]:
    every = labels(visit.say, statuses.RUN)
    return [(_ANY_STOPPED, visit.say("stopped: waits for a person")), *every.items()]


def _ask(visit: AdminVisit) -> ResponseReturnValue:
    """The page before many runs are changed: how many, which, and what it means."""
    action = by_hand.BY_NAME.get(visit.given.get("action", ""))
    with visit.services.database.read() as tx:
        ids, matched = _chosen(visit, tx, visit.given) if action else ([], 0)
        rows = run_queries.list_runs(tx, limit=10, where=[page_queries.is_one_of(ids)]) if ids else []
    return rendering.page(
        visit, "admin/runs_act.html", action=action, rows=rows, matched=matched, at_once=by_hand.AT_ONCE,
        sent=[(name, value) for name, value in request.values.items(multi=True) if name not in _OWN_FIELDS],
        statuses=labels(visit.say, statuses.RUN), section="runs",
    )  # fmt: skip


_OWN_FIELDS = {"form_token", "reason", "before"}


def _act(visit: AdminVisit) -> ResponseReturnValue:
    given = visit.given
    with visit.services.database.read() as tx:
        ids, matched = _chosen(visit, tx, given)
    if not ids:
        raise InputError("run", visit.say("No run is chosen."), visit.say("Choose some in the list."))
    lines = by_hand.do(visit, given["action"], ids, given["reason"])
    said, warning = by_hand.outcome(visit, lines)
    if matched > len(ids):
        again = {**request.form.to_dict(), "after": ids[-1]}
        kept = {name: value for name, value in again.items() if name not in {"form_token", "reason"}}
        return rendering.back(visit, f"{said} {visit.say('There are more: go on with those.')}", "runs_ask",
                              warning=True, **kept)  # fmt: skip
    filters: Any = {name: value for name, value in request.form.items() if name in RunListSchema().fields}
    return rendering.back(visit, said, "runs", warning=warning, **filters)


def _chosen(visit: AdminVisit, tx: Connection, given: Mapping[str, Any]) -> tuple[list[str], int]:
    """The ids of one request, and how many there are of them in all."""
    if given.get("which") != "all":
        ids = list(dict.fromkeys(given.get("run", ())))[: by_hand.AT_ONCE]
        return ids, len(ids)
    chosen = _filter(visit, tx, given)
    if chosen.is_empty:  # every run there ever was: nobody means that
        return [], 0
    found = bulk.find(tx, chosen, after=given.get("after", ""), limit=by_hand.AT_ONCE + 1)
    return list(found[: by_hand.AT_ONCE]), bulk.count(tx, chosen) if len(found) > by_hand.AT_ONCE else len(found)


def _filter(visit: AdminVisit, tx: Connection, given: Mapping[str, Any]) -> RunFilter:
    zone = ZoneInfo(visit.services.config.calendar.timezone)
    until = given.get("until")
    return RunFilter(
        given.get("workflow"),
        _states(given.get("status")),
        _midnight(until + timedelta(days=1), zone) if until else None,
        given.get("step"),
        _customer(tx, given.get("customer")),
        _midnight(given["since"], zone) if given.get("since") else None,
    )


def _states(status: str | None) -> tuple[Status, ...]:
    names = statuses.STOPPED if status == _ANY_STOPPED else (status,) if status else ()
    return tuple(Status(name) for name in names)


def _customer(tx: Connection, person: str | None) -> str | None:
    """Our id of somebody by their address, "connection:id" or our own id."""
    if person is None:
        return None
    found = plan.find(tx, person.strip())
    return found.id if found else _NOBODY


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


PAGES = (
    Page("GET", "/runs", "runs", "runs:read", _list, title=later("Runs"), group="running", icon="runs",
         takes=RunListSchema()),
    Page("GET", "/runs/act", "runs_ask", "runs:write", _ask, takes=BulkRunsSchema()),
    Page("POST", "/runs/act", "runs_act", "runs:write", _act, takes=BulkRunsSchema(), back=_ask),
)  # fmt: skip
