"""``ticket.open``: a callback ticket, whose first comment is internal and holds what a caller needs to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.config.customer_value import Valuation, value_of
from connector.config.file import Team
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
from connector.feedback.callbacks import answer_changes, briefing
from connector.feedback.callbacks import store as callbacks
from connector.feedback.callbacks.briefing import Brief
from connector.feedback.callbacks.briefing_words import TicketWords
from connector.feedback.callbacks.custom_field_ids import FieldIdsOf, by_id
from connector.feedback.callbacks.field_values import field_values
from connector.feedback.callbacks.update_ticket import attempt, change_once, note_intent, paged
from connector.feedback.customers.identity import KNOW
from connector.feedback.responses import store as responses
from integrations import mailboxes
from integrations.limits import TICKETS_CREATE
from workflows import durations
from workflows.calendars import BusinessCalendar
from workflows.parameters import texts

_KEYS_LIVE = timedelta(minutes=110)
"""Zendesk forgets an idempotency key after two hours; before that we look the ticket up instead."""

OVERTAKES = timedelta(minutes=15)
"""When much waits, the ticket of a high-value customer overtakes those that have waited less than so much longer: it
comes first, and nobody waits for ever."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the house decides about callbacks: its hours, where phone numbers are from, whose signals come first, and
    the teams that make them."""

    calendar: BusinessCalendar
    country: str = "NL"
    valuation: Valuation = field(default_factory=Valuation)
    teams: Mapping[str, Team] = field(default_factory=dict)

    def team(self, name: object) -> Team:
        """The team that a step names; without a name one that decides nothing. Raises NotPossibleError."""
        if name in (None, ""):
            return Team("")
        found = self.teams.get(str(name))
        if found is None:
            known = ", ".join(sorted(self.teams)) or "none"
            remedy = f"Add it under teams: in ringback.yaml (known: {known})."
            raise NotPossibleError(f"team: {name!r} is not known. {remedy}")
        return found


class OpenTicket:
    """One call, with a request more for a customer who is new to us. Before it, a call of its own: whether the ticket
    to follow up is closed. After it one for each further page of a very long text."""

    def __init__(self, clients: Clients, rules: Rules, fields: FieldIdsOf) -> None:
        self._clients, self._rules, self._fields = clients, rules, fields

    def batch(self, connection: str) -> int:
        return 1

    def prepare(self, ask: ActionContext) -> Intent | Output:
        connection = str(ask.params["connection"])
        if why := answer_changes.refusal(ask, connection):
            return Output({"done": False, "reason": why})
        mark = f"ringback-{ask.key}"
        team = self._rules.team(ask.params.get("team"))
        say = TicketWords(team.language)
        helpdesk, brief = self._clients.helpdesk(connection), self._brief(ask, connection)
        first, *more = helpdesk.pages(briefing.first_comment(brief, _introduction(ask, say), say))
        ticket = self._ticket(ask, connection, mark, team) | {"body": paged(first, 1, len(more) + 1)}
        ticket |= {"subject": str(ask.params.get("subject") or briefing.subject(brief, say))}
        ticket |= {"phone": brief.dialled} if helpdesk.takes_phone and brief.dialled else {}
        request = {"external_id": mark, "ticket": ticket, "pages": more}
        if source := ask.params.get("follow_up"):
            request["follow_up"] = _number(str(source))
        due = due_time(ask.params.get("due"), ask.now, self._rules.calendar)
        told = {"due_at": due, "high_value": self._is_high(ask), "caller": team.caller or None}
        asked = callbacks.asked(ask.run_id, ask.facts, ask.now, connection, mark, **told)
        intent = self._next(connection, request, 0)
        writes = (callbacks.in_place_of_refused(ask.run_id, connection), asked)
        return replace(intent, due_at=ask.now - OVERTAKES if self._is_high(ask) else None, writes=writes)

    def _next(self, connection: str, request: dict[str, Any], stage: int) -> Intent:
        """The call that comes next: what must be found out first, or the opening."""
        if "follow_up" in request:
            return Intent(connection, {**request, "do": "look"}, stage=stage, reads_only=True)
        body = self._clients.helpdesk(connection).render_ticket(request["ticket"])
        told = {name: request[name] for name in ("external_id", "pages")} | {"do": "open", "body": body}
        asker = request["ticket"]["requester"]
        if "id" in asker:
            return Intent(connection, told, stage=stage, bucket=TICKETS_CREATE)
        return Intent(connection, {**told, "newcomer": asker}, stage=stage, bucket=TICKETS_CREATE, beside=1)

    def _brief(self, ask: ActionContext, connection: str) -> Brief:
        about = (ask.facts.event.get("context") or {}).get("ticket_id")
        url = self._clients.helpdesk(connection).ticket_url(str(about)) if about else ""
        return Brief(ask.facts.event, ask.facts.customer, _earlier(ask), self._rules.country, url)

    def _ticket(self, ask: ActionContext, connection: str, mark: str, team: Team) -> dict[str, Any]:
        params = ask.params
        ticket = {
            "requester": _requester(ask.facts.customer, connection),
            "priority": self._priority(ask),
            "type": params.get("type") or ("task" if params.get("due") else None),
            "due_at": due_at(params.get("due"), ask.now, self._rules.calendar),
            "group_id": params.get("group") or team.group or None,
            "assignee_id": params.get("assignee"),
            "tags": _tags(ask),
            "custom_fields": self._custom_fields(ask, connection) or None,
            "external_id": mark,
        }
        return {name: value for name, value in ticket.items() if value is not None}

    def _priority(self, ask: ActionContext) -> Any:
        raised = ask.params.get("high_value_priority")
        return raised if raised and self._is_high(ask) else ask.params.get("priority")

    def _is_high(self, ask: ActionContext) -> bool:
        return self._rules.valuation.is_high(value_of(ask.facts.customer, ask.facts.event))

    def _custom_fields(self, ask: ActionContext, connection: str) -> dict[str, Any]:
        known, brief = self._fields(connection), self._brief(ask, connection)
        return by_id(field_values(brief), known) | by_id(ask.params.get("custom_fields"), known)

    def perform(self, effects: Sequence[Effect], now: datetime) -> list[Result]:
        return [attempt(_CALLS[effect.request["do"]], self._clients, effect, now) for effect in effects]

    def finish(self, done: CompletionContext) -> Intent | Output:
        request, connection, stage = done.effect.request, done.effect.connection, done.effect.stage + 1
        if request["do"] == "open":
            return self._opened(done)
        if request["do"] == "note":
            return note_intent(done) or Output(request["output"])
        told = {name: value for name, value in request.items() if name != "follow_up"}
        follow_up = {"follow_up": request["follow_up"]} if done.result["closed"] else {}
        return self._next(connection, {**told, "ticket": {**request["ticket"], **follow_up}}, stage)

    def _opened(self, done: CompletionContext) -> Intent | Output:
        result, connection, request = done.result, done.effect.connection, done.effect.request
        ticket_id = str(result["ticket_id"])
        writes = (callbacks.opened(request["external_id"], ticket_id), *_requesters_id(done))
        output = {"ticket": f"{connection}:{ticket_id}", "ticket_id": ticket_id, "url": result.get("url")}
        if result.get("ignored"):
            output["ignored_fields"] = list(result["ignored"])
        return note_intent(done, ticket_id, request["pages"], output, writes) or Output(output, writes)


def _introduction(ask: ActionContext, say: TicketWords) -> str:
    """What the workflow says, and what the customer said since: nobody is to call about words that were taken back."""
    said = (str(ask.params.get("body") or ""), answer_changes.said_since(ask, say))
    return "\n\n".join(text for text in said if text)


def _look(helpdesk: Any, effect: Effect, now: datetime) -> Result:
    """Whether the ticket to follow up is closed: of others Zendesk makes no follow-up."""
    found = helpdesk.read_ticket(effect.request["follow_up"])
    return {"closed": bool(found) and found["status"] == "closed"}


def open_once(helpdesk: Any, effect: Effect, now: datetime) -> Result:
    """Open the ticket in ``request.body`` under the effect's key; once the helpdesk has forgotten keys, only if it is
    not there."""
    if effect.unsure and now - effect.first_tried_at > _KEYS_LIVE:
        found: Result | None = helpdesk.find_ticket(effect.request["external_id"])
        if found is not None:
            return found
    request = effect.request
    opened: Result = helpdesk.open_ticket(request["body"], key=effect.key, newcomer=request.get("newcomer"))
    return opened


_CALLS = {"look": _look, "open": open_once, "note": change_once}


def due_at(due: Any, now: datetime, calendar: BusinessCalendar) -> str | None:
    """The moment when a span ("4 business hours") has passed, as ISO 8601; None without one."""
    moment = due_time(due, now, calendar)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def due_time(due: Any, now: datetime, calendar: BusinessCalendar) -> datetime | None:
    """The same as a time (UTC)."""
    return durations.parse(str(due)).after(now, calendar).astimezone(UTC) if due else None


def _number(ticket: str) -> str:
    """Of "zendesk:7" or "7"."""
    return ticket.rpartition(":")[2]


def _requester(customer: Mapping[str, Any], connection: str) -> dict[str, Any]:
    user_id = (customer.get("ids") or {}).get(connection)
    if user_id:
        return {"id": user_id}
    if not customer.get("email"):
        raise NotPossibleError(
            "customer: neither an e-mail address nor a user of this helpdesk is known, so a ticket would have "
            "no requester. Send one of them with the answer (customer.email)."
        )
    return {"name": customer.get("name") or customer["email"], "email": mailboxes.tidy(customer["email"])}


def _requesters_id(done: CompletionContext) -> tuple[Write, ...]:
    """Whoever was found by e-mail, or made, is the customer's user from now on."""
    user, customer = done.result.get("requester_id"), done.facts.customer
    if not user or not customer.get("id") or (customer.get("ids") or {}).get(done.effect.connection):
        return ()
    row = {"system": done.effect.connection, "value": str(user), "customer_id": customer["id"]}
    return (Write(KNOW, row),)


def _tags(ask: ActionContext) -> list[str]:
    own = ["ringback_callback"]
    if band := ask.facts.event.get("band"):
        own.append(f"ringback_{band}")
    return [*own, *texts(ask.params.get("tags"))]


def _earlier(ask: ActionContext) -> list[Any]:
    """The customer's earlier answers, newest first."""
    customer_id, current = ask.facts.customer.get("id"), ask.facts.event.get("response")
    if not customer_id:
        return []
    if ask.batch.earlier_answers is None:
        ask.batch.earlier_answers = responses.of_customers(ask.tx, ask.batch.customers)
    return [row for row in ask.batch.earlier_answers.get(customer_id, ()) if row.id != current]
