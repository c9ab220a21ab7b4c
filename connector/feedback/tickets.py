"""The ticket actions: open a callback ticket, write on it, change it, escalate it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.feedback import callbacks, responses
from connector.feedback.actions import Ask, Clients, Effect, Finish, Intent, NotPossibleError, Output, Result
from integrations.errors import IntegrationError
from workflows import durations
from workflows.calendars import BusinessCalendar

_KEYS_LIVE = timedelta(minutes=110)
"""Zendesk forgets an idempotency key after two hours; before that we look the ticket up instead."""

_APPROACH = """\
How to call
- Call soon and under your own name; you are the one who makes it right.
- Let the customer tell the whole story first. Say back what you understood, and say sorry without "but".
- Agree on one thing you will do, and by when. Do it, then solve this ticket: write what came of it, and the cause.
- Not reached? Add the tag ringback_not_reached before you solve it, and the customer is not asked how it went."""


class OpenTicket:
    """``ticket.open``: the first comment is internal and holds what a caller needs to know."""

    def __init__(self, clients: Clients, calendar: BusinessCalendar) -> None:
        self._clients, self._calendar = clients, calendar

    def batch(self, connection: str) -> int:
        return 1

    def prepare(self, ask: Ask) -> Intent:
        connection = str(ask.params["connection"])
        mark = f"ringback-{ask.key}"
        body = self._clients.helpdesk(connection).render_ticket(self._ticket(ask, connection, mark))
        request = {"body": body, "external_id": mark}
        return Intent(connection, request, writes=(callbacks.asked(ask, connection, mark),))

    def _ticket(self, ask: Ask, connection: str, mark: str) -> dict[str, Any]:
        params = ask.params
        ticket = {
            "subject": str(params["subject"]),
            "body": _first_comment(ask),
            "requester": _requester(ask.facts.customer, connection),
            "priority": params.get("priority"),
            "type": params.get("type") or ("task" if params.get("due") else None),
            "due_at": self._due(params.get("due"), ask.now),
            "group_id": params.get("group"),
            "assignee_id": params.get("assignee"),
            "tags": _tags(ask),
            "custom_fields": params.get("custom_fields"),
            "external_id": mark,
        }
        return {name: value for name, value in ticket.items() if value is not None}

    def _due(self, due: Any, now: datetime) -> str | None:
        if not due:
            return None
        moment = durations.parse(str(due)).after(now, self._calendar)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def perform(self, effects: Sequence[Effect], now: datetime) -> list[Result]:
        return [_attempt(self._open, effect, now) for effect in effects]

    def _open(self, effect: Effect, now: datetime) -> Result:
        helpdesk = self._clients.helpdesk(effect.connection)
        if effect.unsure and now - effect.first_tried_at > _KEYS_LIVE:
            found: Result | None = helpdesk.find_ticket(effect.request["external_id"])
            if found is not None:
                return found
        opened: Result = helpdesk.open_ticket(effect.request["body"], key=effect.key)
        return opened

    def finish(self, done: Finish) -> Output:
        result, connection = done.result, done.effect.connection
        ticket_id = str(result["ticket_id"])
        opened = callbacks.opened(done.effect.request["external_id"], ticket_id)
        output = {"ticket": f"{connection}:{ticket_id}", "ticket_id": ticket_id, "url": result.get("url")}
        return Output(output, (opened,))


class ChangeTicket:
    """``ticket.comment``, ``ticket.update`` and ``ticket.escalate``: one change of an existing ticket."""

    def __init__(self, clients: Clients, calendar: BusinessCalendar) -> None:
        self._clients, self._calendar = clients, calendar

    def batch(self, connection: str) -> int:
        return 1

    def prepare(self, ask: Ask) -> Intent:
        connection, ticket_id = _split(str(ask.params["ticket"]))
        self._clients.helpdesk(connection)  # says now, not later, when there is no such connection
        changes = _CHANGES[ask.wanted.action](ask.params)
        if ask.params.get("due"):
            due = durations.parse(str(ask.params["due"])).after(ask.now, self._calendar)
            changes |= {"type": "task", "due_at": due.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        request = {"ticket_id": ticket_id, "changes": {k: v for k, v in changes.items() if v is not None}}
        return Intent(connection, request, serial=f"ticket:{ticket_id}")

    def perform(self, effects: Sequence[Effect], now: datetime) -> list[Result]:
        return [_attempt(self._change, effect, now) for effect in effects]

    def _change(self, effect: Effect, now: datetime) -> Result:
        helpdesk = self._clients.helpdesk(effect.connection)
        request = effect.request
        changed: Result = helpdesk.update_ticket(
            request["ticket_id"], request["changes"], key=effect.key, repeated=effect.unsure
        )
        return changed

    def finish(self, done: Finish) -> Output:
        return Output({"ticket": f"{done.effect.connection}:{done.effect.request['ticket_id']}"})


def _comment(params: Mapping[str, Any]) -> dict[str, Any]:
    return {"comment": str(params["body"]), "public": bool(params.get("public"))}


def _update(params: Mapping[str, Any]) -> dict[str, Any]:
    named = {"group_id": params.get("group"), "assignee_id": params.get("assignee")}
    return named | {name: params.get(name) for name in ("status", "priority", "tags", "custom_fields")}


def _escalate(params: Mapping[str, Any]) -> dict[str, Any]:
    reason = params.get("reason") or "Nobody has touched this callback in the time we promised."
    raised = {"priority": params.get("priority") or "urgent", "tags": ["ringback_escalated"]}
    return _update({**params, **raised}) | {"comment": f"Escalated by Ringback: {reason}", "public": False}


_CHANGES = {"ticket.comment": _comment, "ticket.update": _update, "ticket.escalate": _escalate}


def _attempt(call: Any, effect: Effect, now: datetime) -> Result:
    """A vendor's error is a result: it concerns this effect and no other of its batch."""
    try:
        result: Result = call(effect, now)
    except IntegrationError as error:
        return error
    return result


def _split(ticket: str) -> tuple[str, str]:
    connection, colon, ticket_id = ticket.partition(":")
    if not colon or not ticket_id:
        raise NotPossibleError(
            f"ticket: {ticket!r} names no ticket. Use the output of ticket.open ({{{{ steps.<id>.ticket }}}}) "
            "or event.ticket, which read <connection>:<number>."
        )
    return connection, ticket_id


def _requester(customer: Mapping[str, Any], connection: str) -> dict[str, Any]:
    user_id = (customer.get("ids") or {}).get(connection)
    if user_id:
        return {"id": user_id}
    if not customer.get("email"):
        raise NotPossibleError(
            "customer: neither an e-mail address nor a user of this helpdesk is known, so a ticket would have "
            "no requester. Send one of them with the answer (customer.email)."
        )
    return {"name": customer.get("name") or customer["email"], "email": customer["email"]}


def _tags(ask: Ask) -> list[str]:
    own = ["ringback_callback"]
    if band := ask.facts.event.get("band"):
        own.append(f"ringback_{band}")
    return [*own, *(str(tag) for tag in ask.params.get("tags") or ())]


def _first_comment(ask: Ask) -> str:
    """What the caller should know, in the order of a call: the words, the person, the history, the approach."""
    parts = [str(ask.params.get("body") or ""), _answer(ask.facts.event), _reach(ask), _history(ask), _APPROACH]
    return "\n\n".join(part for part in parts if part)


def _answer(event: Mapping[str, Any]) -> str:
    if event.get("score") is None:
        return ""
    lines = [f"Score: {event['score']} ({event.get('metric', '')}, {event.get('band', '')})"]
    lines.append(f"In the customer's words: {event.get('comment') or '(no comment given)'}")
    if about := (event.get("context") or {}).get("ticket_id"):
        lines.append(f"About ticket: {about}")
    return "\n".join(lines)


def _reach(ask: Ask) -> str:
    contact = ask.facts.event.get("contact") or {}
    customer = ask.facts.customer
    known = {
        "Customer": customer.get("name"),
        "Phone": contact.get("phone") or customer.get("phone"),
        "E-mail": contact.get("email") or customer.get("email"),
        "Prefers": contact.get("window"),
        "Customer value": customer.get("value") or (ask.facts.event.get("context") or {}).get("account_tier"),
    }
    return "\n".join(f"{label}: {value}" for label, value in known.items() if value)


def _history(ask: Ask) -> str:
    customer_id, current = ask.facts.customer.get("id"), ask.facts.event.get("response")
    if not customer_id:
        return ""
    if ask.batch.earlier_answers is None:
        ask.batch.earlier_answers = responses.of_customers(ask.tx, ask.batch.customers)
    earlier = [row for row in ask.batch.earlier_answers.get(customer_id, ()) if row.id != current]
    lines = [f"- {row.answered_at:%Y-%m-%d} {row.survey}: {row.score} ({row.band}) {row.comment}" for row in earlier]
    return "\n".join(["Earlier answers", *lines]) if lines else ""

