"""``callback.read``, ``callback.reopen``, ``callback.count`` and ``call.request``: what only callbacks need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
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
from connector.feedback.callbacks import state_machine
from connector.feedback.callbacks import store as callbacks
from connector.feedback.callbacks.briefing import Brief
from connector.feedback.callbacks.custom_field_ids import FieldIdsOf, by_id, our_values
from connector.feedback.callbacks.open_ticket import Rules, due_at, open_once
from connector.feedback.callbacks.state_machine import (
    NOT_REACHED,
    NOT_REACHED_TAG,
    SHOWN,
    CallbackState,
    CallbackStatus,
)
from connector.feedback.callbacks.store import Row
from connector.feedback.callbacks.update_ticket import attempt, change_once, cost_of, serial_of, split
from integrations.callback_fields import LOOP_STATUS, OUTCOME, ROOT_CAUSE
from integrations.errors import Permanent
from integrations.limits import CALL_REQUESTS, TICKETS_CREATE, TICKETS_UPDATE
from workflows.parameters import flag
from workflows.sentences import say

_CALLED = {OUTCOME: "the outcome", ROOT_CAUSE: "the root cause"}


class ReadCallback:
    """``callback.read``: looks at the ticket as it is now, keeps outcome and root cause, and says where the callback
    stands. What events have not told yet (a merge, a deletion) this finds out."""

    def __init__(self, clients: Clients, fields: FieldIdsOf) -> None:
        self._clients, self._fields = clients, fields

    def batch(self, connection: str) -> int:
        return 1

    def prepare(self, ask: ActionContext) -> Intent:
        connection, ticket_id = split(str(ask.params["ticket"]))
        self._clients.helpdesk(connection)
        return Intent(connection, {"ticket_id": ticket_id}, reads_only=True)

    def perform(self, effects: Sequence[Effect], now: datetime) -> list[Result]:
        return [attempt(_read, self._clients, effect, now) for effect in effects]

    def finish(self, done: CompletionContext) -> Output:
        connection, ticket_id = done.effect.connection, done.effect.request["ticket_id"]
        row = callbacks.of_ticket(done.tx, connection, ticket_id)
        found: Mapping[str, Any] = done.result["ticket"] or {}
        seen = {"ticket": f"{connection}:{ticket_id}", "status": found.get("status") or "deleted"}
        if row is None:
            return Output(seen)
        known = self._fields(connection)
        on_ticket = our_values(found.get("custom_fields") or {}, known)
        told = _said_here(row) | {key: value for key, value in on_ticket.items() if value}
        missing = [name for key, name in _CALLED.items() if key in known and not told.get(key)]
        news = _news(row, found, told, done.now)
        remind = bool(missing) and not row["reminded"] and news.get("status", row["status"]) == CallbackStatus.SOLVED
        callbacks.move(done.database, done.tx, row, done.now, **news, reminded=row["reminded"] or remind)
        return Output(seen | _standing(row) | {"missing": " and ".join(missing), "remind": remind})


def _read(helpdesk: Any, effect: Effect, now: datetime) -> Result:
    return {"ticket": helpdesk.read_ticket(effect.request["ticket_id"])}


def _said_here(row: Row) -> dict[str, Any]:
    """What an agent said in our sidebar; the ticket's own fields, where they hold something, go before it."""
    return {OUTCOME: row["outcome"], ROOT_CAUSE: row["root_cause"]}


def _news(row: Row, found: Mapping[str, Any], told: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What the ticket tells that is not known yet."""
    outcome, cause = _word(told.get(OUTCOME)), _word(told.get(ROOT_CAUSE))
    news: dict[str, Any] = {"outcome": outcome, "root_cause": cause}
    if not found or found.get("merged"):
        return news | ({} if row["status"] in state_machine.GONE else {"status": _where_it_went(found)})
    life = _looked_at(callbacks.life_of(row), found)
    unreached = outcome == NOT_REACHED or NOT_REACHED_TAG in found["tags"]
    if unreached and life.status == CallbackStatus.SOLVED:
        life = state_machine.unreached(life)
    is_whole = bool(outcome and cause) and not unreached and life.status in state_machine.SOLVED
    if is_whole and row["handed_over"] and life.status == CallbackStatus.SOLVED:
        life = replace(life, status=CallbackStatus.CLOSED)
    return news | callbacks.columns(life) | ({"closed_at": row["closed_at"] or now} if is_whole else {})


def _looked_at(life: CallbackState, found: Mapping[str, Any]) -> CallbackState:
    reopens, solved_at = found.get("reopens"), found.get("solved_at")
    cycle = None if reopens is None else int(reopens) + 1
    moment = datetime.fromisoformat(solved_at) if solved_at else None
    return state_machine.read(life, status=found["status"], cycle=cycle, solved_at=moment)


def _where_it_went(found: Mapping[str, Any]) -> str:
    return str(CallbackStatus.MERGED if found else CallbackStatus.DELETED)


def _word(value: Any) -> str | None:
    return str(value)[:60] if value not in (None, "") else None


def _standing(row: Row) -> dict[str, Any]:
    told = {name: row[name] for name in ("outcome", "root_cause", "cycle", "tries", "handed_over")}
    return told | {"loop_status": row["status"], "closed": row["closed_at"] is not None}


class ReopenCallback:
    """``callback.reopen``: opens a solved callback again, with an internal word why; a closed ticket gets a follow-up
    that takes its place. ``final`` hands it to people for good: nobody is surveyed about it again."""

    def __init__(self, clients: Clients, rules: Rules, fields: FieldIdsOf) -> None:
        self._clients, self._rules, self._fields = clients, rules, fields

    def batch(self, connection: str) -> int:
        return 1

    def prepare(self, ask: ActionContext) -> Intent | Output:
        connection, ticket_id = split(str(ask.params["ticket"]))
        self._clients.helpdesk(connection)
        row = callbacks.of_ticket(ask.tx, connection, ticket_id)
        if row is not None and row["handed_over"]:
            return Output({"done": False, "reason": say("reason.in_hand")})
        changes = self._changes(ask, connection)
        request = {"do": "reopen", "ticket_id": ticket_id, "changes": changes, "final": flag(ask.params.get("final"))}
        return Intent(connection, request, serial=serial_of(ticket_id), bucket=TICKETS_UPDATE, cost=cost_of(changes))

    def _changes(self, ask: ActionContext, connection: str) -> dict[str, Any]:
        params, known = ask.params, self._fields(connection)
        due = due_at(params.get("due"), ask.now, self._rules.calendar)
        again = by_id({LOOP_STATUS: SHOWN[CallbackStatus.REOPENED], OUTCOME: None}, known)
        changes = {
            "status": "open",
            "comment": str(params["body"]),
            "public": False,
            "priority": params.get("priority"),
            "group_id": params.get("group"),
            "assignee_id": params.get("assignee"),
            "due_at": due,
            "remove_tags": [NOT_REACHED_TAG],
            "custom_fields": again or None,
        }
        return {name: value for name, value in changes.items() if value is not None}

    def perform(self, effects: Sequence[Effect], now: datetime) -> list[Result]:
        calls = {"reopen": _reopen, "open": open_once}
        return [attempt(calls[effect.request["do"]], self._clients, effect, now) for effect in effects]

    def finish(self, done: CompletionContext) -> Intent | Output:
        request, connection = done.effect.request, done.effect.connection
        if "body" in request:
            return self._followed_up(done)
        if done.result.get("closed"):
            return self._follow_up(done)
        row = callbacks.of_ticket(done.tx, connection, request["ticket_id"])
        if row is not None:
            status = str(CallbackStatus.REOPENED if request["final"] else CallbackStatus.OPEN)
            callbacks.move(done.database, done.tx, row, done.now, **_again(row, done.now, request["final"], status))
        return Output({"ticket": f"{connection}:{request['ticket_id']}"})

    def _follow_up(self, done: CompletionContext) -> Intent:
        """The ticket that takes the place of the closed one; the old one is out of the story from now on."""
        request, connection, found = done.effect.request, done.effect.connection, done.result["ticket"]
        mark = f"ringback-{done.effect.key}"
        row = callbacks.of_ticket(done.tx, connection, request["ticket_id"])
        body = self._clients.helpdesk(connection).render_ticket(_follow_up(request["changes"], found, mark))
        told = {"do": "open", "body": body, "external_id": mark, "final": request["final"]}
        writes: tuple[Write, ...] = ()
        if row is not None:
            callbacks.move(done.database, done.tx, row, done.now, handed_over=True)
            told_then = ("response_id", "customer_id", "tries", "cycle", "high_value", "caller")
            known = {name: row[name] for name in told_then}
            known |= {"handed_over": request["final"]}
            writes = (callbacks.asked(done.effect.run_id, done.facts, done.now, connection, mark, **known),)
        return Intent(connection, told, writes=writes, stage=done.effect.stage + 1, bucket=TICKETS_CREATE)

    def _followed_up(self, done: CompletionContext) -> Output:
        ticket_id = str(done.result["ticket_id"])
        opened = callbacks.opened(done.effect.request["external_id"], ticket_id)
        return Output({"ticket": f"{done.effect.connection}:{ticket_id}", "followed_up": True}, (opened,))


def _again(row: Row, now: datetime, final: bool, status: str) -> dict[str, Any]:
    """An open callback waits to be taken anew. When its ticket is gone it stays so."""
    if row["status"] in state_machine.GONE:
        return {"handed_over": row["handed_over"] or final}
    return {"status": status, "outcome": None, "closed_at": None, "handed_over": row["handed_over"] or final}


def _reopen(helpdesk: Any, effect: Effect, now: datetime) -> Result:
    """A closed ticket cannot be opened again: then what a follow-up needs is read from it."""
    try:
        return change_once(helpdesk, effect, now)
    except Permanent as error:
        if error.code != "closed":
            raise
    return {"closed": True, "ticket": helpdesk.read_ticket(effect.request["ticket_id"])}


def _follow_up(changes: Mapping[str, Any], found: Mapping[str, Any], mark: str) -> dict[str, Any]:
    kept = ("priority", "group_id", "assignee_id", "due_at", "custom_fields")
    return {
        "subject": found["subject"],
        "body": changes["comment"],
        "requester": {"id": found["requester_id"]},
        "follow_up": found["ticket_id"],
        "tags": ["ringback_callback"],
        "external_id": mark,
        **{name: changes[name] for name in kept if name in changes},
    }


class CountCallbacks:
    """``callback.count``: how many calls wait for the team, so that a workflow can hold back.."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def batch(self, connection: str) -> int:
        return 1

    def prepare(self, ask: ActionContext) -> Output:
        connection = str(ask.params["connection"])
        self._clients.helpdesk(connection)
        return Output({"waiting": callbacks.waiting(ask.tx, connection)})

    def perform(self, effects: Sequence[Effect], now: datetime) -> list[Result]:
        return [{} for _ in effects]

    def finish(self, done: CompletionContext) -> Output:
        return Output(done.result)


class RequestCall:
    """``call.request``: puts the customer into the queue of the helpdesk's own telephony, to be called by whoever is
    free."""

    def __init__(self, clients: Clients, country: str) -> None:
        self._clients, self._country = clients, country

    def batch(self, connection: str) -> int:
        return 1

    def prepare(self, ask: ActionContext) -> Intent | Output:
        connection = str(ask.params["connection"])
        self._clients.helpdesk(connection)
        phone = Brief(ask.facts.event, ask.facts.customer, country=self._country).dialled
        if phone is None:
            return Output({"done": False, "reason": say("reason.no_number")})
        line, group = str(ask.params["line"]), ask.params.get("group")
        if not line.isdigit():
            raise NotPossibleError(f"line: {line!r} is no id of a phone number. Take it from Talk's settings (Lines).")
        request = {"phone": phone, "line": line, "group": str(group) if group else None}
        return Intent(connection, request, bucket=CALL_REQUESTS)

    def perform(self, effects: Sequence[Effect], now: datetime) -> list[Result]:
        return [attempt(_request, self._clients, effect, now) for effect in effects]

    def finish(self, done: CompletionContext) -> Output:
        return Output({"requested": True})


def _request(helpdesk: Any, effect: Effect, now: datetime) -> Result:
    request = effect.request
    helpdesk.request_call(request["phone"], request["line"], request["group"])
    return {}
