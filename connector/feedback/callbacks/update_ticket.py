"""``ticket.comment``, ``ticket.update`` and ``ticket.escalate``: changes of an existing ticket."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connector.feedback.base.actions import (
    ActionContext,
    Clients,
    CompletionContext,
    Effect,
    Intent,
    NotPossibleError,
    Output,
    Result,
    Write,
)
from connector.feedback.callbacks.custom_field_ids import FieldIdsOf, by_id
from integrations.errors import IntegrationError
from integrations.limits import TICKETS_UPDATE
from workflows import durations
from workflows.calendars import BusinessCalendar
from workflows.parameters import flag, texts
from workflows.sentences import say

Changes = Mapping[str, Any]
Call = Callable[[Any, Effect, datetime], Result]
"""(helpdesk, effect, now) → what came of it."""


class ChangeTicket:
    """One change; a comment that is longer than the helpdesk takes goes on in further ones."""

    def __init__(self, clients: Clients, calendar: BusinessCalendar, fields: FieldIdsOf) -> None:
        self._clients, self._calendar, self._fields = clients, calendar, fields

    def batch(self, connection: str) -> int:
        return 1

    def prepare(self, ask: ActionContext) -> Intent | Output:
        connection, ticket_id = split(str(ask.params["ticket"]))
        helpdesk = self._clients.helpdesk(connection)  # says now, not later, when there is no such connection
        changes = {k: v for k, v in self._changes(ask, connection).items() if v is not None}
        if not changes:
            return Output({"done": False, "reason": say("reason.no_fields")})
        pages = helpdesk.pages(changes["comment"]) if changes.get("comment") else ("",)
        if changes.get("comment"):
            changes["comment"] = paged(pages[0], 1, len(pages))
        request = {"ticket_id": ticket_id, "changes": changes, "pages": list(pages[1:])}
        return Intent(connection, request, serial=serial_of(ticket_id), bucket=TICKETS_UPDATE, cost=cost_of(changes))

    def _changes(self, ask: ActionContext, connection: str) -> dict[str, Any]:
        changes = _CHANGES[ask.wanted.action](ask.params)
        if changes.get("custom_fields") is not None:
            changes["custom_fields"] = by_id(changes["custom_fields"], self._fields(connection)) or None
        if ask.params.get("due"):
            due = durations.parse(str(ask.params["due"])).after(ask.now, self._calendar)
            changes |= {"type": "task", "due_at": due.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        return changes

    def perform(self, effects: Sequence[Effect], now: datetime) -> list[Result]:
        return [attempt(change_once, self._clients, effect, now) for effect in effects]

    def finish(self, done: CompletionContext) -> Intent | Output:
        request = done.effect.request
        if "output" in request:
            return note_intent(done) or Output(request["output"])
        ticket_id, output = request["ticket_id"], {"ticket": f"{done.effect.connection}:{request['ticket_id']}"}
        more = note_intent(done, ticket_id, request.get("pages") or (), output, public=request["changes"].get("public"))
        return more or Output(output)


def serial_of(ticket_id: str) -> str:
    """Changes of one ticket go one after the other."""
    return f"ticket:{ticket_id}"


def cost_of(changes: Changes) -> int:
    """Requests: tags are added, and taken away, by one of their own each."""
    parts = (changes.get("tags"), changes.get("remove_tags"), set(changes) - {"tags", "remove_tags", "public"})
    return max(1, sum(map(bool, parts)))


def note_intent(
    done: CompletionContext,
    ticket_id: str | None = None,
    pages: Sequence[str] | None = None,
    output: Mapping[str, Any] | None = None,
    writes: tuple[Write, ...] = (),
    *,
    public: bool | None = None,
) -> Intent | None:
    """The next page of a long text as a comment of its own; None when it is told whole. Without arguments: go on where
    the call before left off."""
    before = done.effect.request
    number = before.get("page", 1) + 1
    waiting = before["pages"] if pages is None else pages
    if not waiting:
        return None
    count = before.get("page", 1) + len(waiting)
    if ticket_id is None:
        ticket_id, output, public = before["ticket_id"], before["output"], before["changes"].get("public")
    changes = {"comment": paged(waiting[0], number, count), "public": public is True}
    request = {"do": "note", "ticket_id": ticket_id, "changes": changes, "page": number}
    request |= {"pages": list(waiting[1:]), "output": output}
    stage = done.effect.stage + 1
    serial = serial_of(str(ticket_id))
    return Intent(done.effect.connection, request, serial, writes=writes, stage=stage, bucket=TICKETS_UPDATE)


def paged(text: str, number: int, count: int) -> str:
    """A page of a long text, saying which one it is."""
    return text if count == 1 else f"(page {number} of {count})\n{text}"


def _comment(params: Changes) -> dict[str, Any]:
    return {"comment": str(params["body"]), "public": flag(params.get("public"))}


def _update(params: Changes) -> dict[str, Any]:
    named = {"group_id": params.get("group"), "assignee_id": params.get("assignee")}
    tags = {name: texts(params[name]) for name in ("tags", "remove_tags") if params.get(name) is not None}
    return named | tags | {name: params.get(name) for name in ("status", "priority", "custom_fields")}


def _escalate(params: Changes) -> dict[str, Any]:
    reason = params.get("reason") or "Nobody has touched this callback in the time we promised."
    raised = {"priority": params.get("priority") or "urgent", "tags": ["ringback_escalated"]}
    return _update({**params, **raised}) | {"comment": f"Escalated by Ringback: {reason}", "public": False}


_CHANGES = {"ticket.comment": _comment, "ticket.update": _update, "ticket.escalate": _escalate}


def change_once(helpdesk: Any, effect: Effect, now: datetime) -> Result:
    """Make the change in ``request.changes``; a comment that may be there already is looked for by its mark."""
    request = effect.request
    changed: Result = helpdesk.update_ticket(
        request["ticket_id"], request["changes"], key=effect.key, repeated=effect.unsure
    )
    return changed


def attempt(call: Call, clients: Clients, effect: Effect, now: datetime) -> Result:
    """A vendor's error is a result: it concerns this effect and no other of its batch."""
    try:
        result: Result = call(clients.helpdesk(effect.connection), effect, now)
    except IntegrationError as error:
        return error
    return result


def split(ticket: str) -> tuple[str, str]:
    """(connection, the helpdesk's id). Raises ``NotPossibleError``."""
    connection, colon, ticket_id = ticket.partition(":")
    if not colon or not ticket_id:
        raise NotPossibleError(
            f"ticket: {ticket!r} names no ticket. Use the output of ticket.open ({{{{ steps.<id>.ticket }}}}) "
            "or event.ticket, which read <connection>:<number>."
        )
    return connection, ticket_id
