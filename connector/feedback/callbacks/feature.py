"""Callbacks as a feature: what is done on tickets, and the loop that follows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy import Row, select

from connector.config.customer_value import Valuation
from connector.config.file import Team
from connector.feedback.base.actions import Clients, Handler
from connector.feedback.base.feature import Feature, HookStage, OwnedTable, StagedHook, blank
from connector.feedback.base.timeline_source import TimelineSource
from connector.feedback.callbacks import store
from connector.feedback.callbacks.actions import CountCallbacks, ReadCallback, ReopenCallback, RequestCall
from connector.feedback.callbacks.answer_changes import NoteCallback
from connector.feedback.callbacks.custom_field_ids import FieldIdsOf
from connector.feedback.callbacks.open_ticket import OpenTicket, Rules
from connector.feedback.callbacks.state_machine import CallbackStatus
from connector.feedback.callbacks.update_ticket import ChangeTicket
from connector.storage.schema.tables import callbacks, runs
from workflows.calendars import BusinessCalendar
from workflows.runs import Status


class CallbackParts(Protocol):
    """What callbacks need of the house."""

    @property
    def clients(self) -> Clients: ...

    @property
    def calendar(self) -> BusinessCalendar: ...

    @property
    def country(self) -> str: ...

    @property
    def valuation(self) -> Valuation: ...

    @property
    def teams(self) -> Mapping[str, Team]: ...

    @property
    def ticket_fields(self) -> FieldIdsOf: ...


def _actions(parts: CallbackParts) -> Mapping[str, Handler]:
    clients, fields = parts.clients, parts.ticket_fields
    change = ChangeTicket(clients, parts.calendar, fields)
    rules = Rules(parts.calendar, parts.country, parts.valuation, parts.teams)
    return {
        "ticket.open": OpenTicket(clients, rules, fields),
        "ticket.comment": change,
        "ticket.update": change,
        "ticket.escalate": change,
        "callback.read": ReadCallback(clients, fields),
        "callback.reopen": ReopenCallback(clients, rules, fields),
        "callback.count": CountCallbacks(clients),
        "callback.note": NoteCallback(clients),
        "call.request": RequestCall(clients, rules.country),
    }


_ENDED_BADLY = (Status.FAILED, Status.DEAD, Status.DONE_WITH_FAILURE)
_WITH_RUNS = select(callbacks, runs.c.status.label("run_status")).outerjoin(runs, runs.c.id == callbacks.c.run_id)


def _callback(row: Row[Any]) -> dict[str, Any]:
    """A callback ticket and where its loop stands: "not_opened", with the run to retry, when it was refused."""
    names = ("connection", "ticket_id", "status", "cycle", "outcome", "root_cause")
    told = {name: getattr(row, name) for name in names if getattr(row, name) is not None}
    is_refused = row.status == CallbackStatus.ASKED and not row.ticket_id and row.run_status in _ENDED_BADLY
    return {**told, "status": "not_opened", "run": row.run_id} if is_refused else told


FEATURE: Feature[CallbackParts] = Feature(
    name="callbacks",
    actions=_actions,
    hooks=lambda _parts: (StagedHook(HookStage.LOOPS, store.record),),
    owned=(OwnedTable(callbacks, blank("customer_id", "ticket_id")),),  # how long it took stays in reports
    timeline=(
        TimelineSource(
            "callback", _WITH_RUNS,
            callbacks.c.customer_id, callbacks.c.created_at, callbacks.c.id, _callback,
        ),
    ),
)  # fmt: skip
