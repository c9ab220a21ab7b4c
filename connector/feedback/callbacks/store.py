"""Callback tickets: which ticket follows which answer, and where its life stands.

A callback is written when its ticket is asked for, so that an event which overtakes our own record of the ticket's
creation still finds it, by our mark (the ticket's external id). What changes a callback is told as an event of our own,
``callback.changed``, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, delete, func, or_, select, update

from connector.feedback.base.actions import Write
from connector.feedback.base.event_hooks import IncomingEvent
from connector.feedback.callbacks import answer_changes, state_machine
from connector.feedback.callbacks.state_machine import (
    LONG_AGO,
    NOT_REACHED,
    NOT_REACHED_TAG,
    SHOWN,
    CallbackState,
    CallbackStatus,
)
from connector.feedback.customers import identity as customers
from connector.feedback.customers.identity import Customer
from connector.feedback.responses.store import CHANGED
from connector.ids import new_id
from connector.storage.engine import bulk
from connector.storage.engine.database import Database
from connector.storage.schema.tables import OPEN_CALLBACKS, callbacks, responses
from connector.storage.stores.inbox import OWN, insert_deliveries, own_event
from workflows.runs import Facts

Row = dict[str, Any]
_SAID = ("survey.answered", CHANGED)
CONCLUDED = "callback.outcome"
"""An agent said in our sidebar what came of a callback."""

_LIFE = tuple(each.name for each in fields(CallbackState))
_OPENED = (
    update(callbacks)
    .where(callbacks.c.external_id == bindparam("mark"))
    .values(
        ticket_id=bindparam("ticket"),
        status=case((callbacks.c.status == "asked", "open"), else_=callbacks.c.status),  # an event may know more
    )
)
_ASKED = bulk.Insert(callbacks)
_REFUSED = delete(callbacks).where(
    callbacks.c.run_id == bindparam("run"),
    callbacks.c.connection == bindparam("at"),
    callbacks.c.status == CallbackStatus.ASKED.value,
    callbacks.c.ticket_id.is_(None),
)
_KEPT = ("moves", "ticket_id", "outcome", "root_cause", "closed_at", "reminded", "handed_over")
_MOVED = bulk.Update(callbacks, where=("id",), new=(*_LIFE, *_KEPT))
_TOLD = ("cycle", "tries", "status", "survey", "score", "outcome", "root_cause", "handed_over")
_JOINED = callbacks.outerjoin(responses, responses.c.id == callbacks.c.response_id)
_WHOLE = select(callbacks, responses.c.survey, responses.c.score).select_from(_JOINED).with_for_update(of=callbacks)


def asked(
    run_id: str, facts: Facts, now: datetime, connection: str, external_id: str, **known: Any
) -> Write:
    """The callback of a ticket that is about to be opened."""
    row = {
        "id": new_id(),
        "connection": connection,
        "external_id": external_id,
        "response_id": facts.event.get("response"),
        "customer_id": facts.customer.get("id"),
        "run_id": run_id,
        "status": CallbackStatus.ASKED.value,
        "cycle": 0,
        "tries": 0,
        "moves": 0,
        "changed_at": LONG_AGO,
        "created_at": now,
        "reminded": False,
        "handed_over": False,
        "high_value": False,
        "caller": None,
        **known,
    }
    return Write(_ASKED, row)


def in_place_of_refused(run_id: str, connection: str) -> Write:
    """Forget the callback of this run whose ticket was never opened: a ticket that is asked for again has its own."""
    return Write(_REFUSED, {"run": run_id, "at": connection})


def opened(external_id: str, ticket_id: str) -> Write:
    """The ticket exists."""
    return Write(_OPENED, {"mark": external_id, "ticket": ticket_id})


def of_ticket(tx: Connection, connection: str, ticket_id: str) -> Row | None:
    """The callback of a ticket, locked until the transaction ends; with the answer's survey and score."""
    c = callbacks.c
    row = tx.execute(_WHOLE.where(c.connection == connection, c.ticket_id == ticket_id)).one_or_none()
    return None if row is None else dict(row._mapping)


def move(database: Database, tx: Connection, row: Row, now: datetime, **new: Any) -> None:
    """Write what became of a callback, and tell it if its status changed."""
    previous = row["status"]
    row |= new
    events = _telling(row, previous, now)
    bulk.execute(tx, _MOVED, [row])
    if events:
        insert_deliveries(database, tx, events)


def open_of(tx: Connection, customer_id: str) -> Row | None:
    """The newest callback that somebody still has to make to this person."""
    c = callbacks.c
    theirs = select(callbacks).where(c.customer_id == customer_id, OPEN_CALLBACKS)
    found = tx.execute(theirs.order_by(c.id.desc())).first()
    return None if found is None else dict(found._mapping)


def is_over(tx: Connection, response_id: str) -> bool:
    """Whether there was a callback for this answer, and nobody has to make it any more."""
    c = callbacks.c
    closed = select(c.id).where(c.response_id == response_id, ~OPEN_CALLBACKS)
    return tx.execute(closed).first() is not None


def waiting(tx: Connection, connection: str) -> int:
    """How many callbacks on a connection somebody still has to make."""
    c = callbacks.c
    live = select(func.count()).where(c.connection == connection, OPEN_CALLBACKS)
    return int(tx.execute(live).scalar_one())


def record(database: Database, tx: Connection, batch: Sequence[IncomingEvent], now: datetime) -> list[IncomingEvent]:
    """Follow the tickets' lives: every ticket event gets ``event.callback``, None for ordinary tickets. What a customer
    says of the solution ends the callback it is about; what an agent says came of it in our sidebar is kept at once,
    as the ticket's fields, written afterwards, tell us nothing: our own writes are no news."""
    batch = answer_changes.with_callbacks(tx, batch)  # where they stood when the customer changed their mind
    _conclude(database, tx, [a for a in batch if a.type == CONCLUDED and a.event.connection == OWN], now)
    _hear(database, tx, [a for a in batch if a.type in _SAID and a.data.get("about")], now)
    tickets = [arrival for arrival in batch if _is_of_ticket(arrival)]
    if not tickets:
        return list(batch)
    book = _Book(_find(tx, tickets), now)
    followed = [book.follow(a) if _is_of_ticket(a) else a for a in batch]
    bulk.execute(tx, _MOVED, list(book.moved.values()))
    if book.told:
        insert_deliveries(database, tx, book.told)
    return _of_their_customers(tx, followed, book.owners)


def _of_their_customers(tx: Connection, batch: list[IncomingEvent], owners: Mapping[str, str]) -> list[IncomingEvent]:
    """What happens to a callback concerns whoever gave the answer, also when its ticket has another requester now."""
    strange = {a.id: owners[a.id] for a in batch if owners.get(a.id) not in (None, a.customer and a.customer.id)}
    known = customers.load(tx, strange.values())
    found = {id_: known[customer] for id_, customer in strange.items() if customer in known}
    return [_concerning(a, found[a.id]) if a.id in found else a for a in batch]


def _concerning(arrival: IncomingEvent, customer: Customer) -> IncomingEvent:
    return replace(arrival, customer=customer, data={**arrival.data, "customer": customer.id})


def _hear(database: Database, tx: Connection, answers: Sequence[IncomingEvent], now: datetime) -> None:
    if not answers:
        return
    about = {str(answer.data["about"]): answer for answer in answers}
    statement = _WHOLE.where(callbacks.c.response_id.in_(list(about))).order_by(callbacks.c.id)
    for row in [dict(row._mapping) for row in tx.execute(statement)]:
        is_recovered = about[row["response_id"]].data.get("band") != "detractor"
        life = state_machine.answered(life_of(row), is_recovered=is_recovered)
        move(database, tx, row, now, status=str(life.status))


def _conclude(database: Database, tx: Connection, said: Sequence[IncomingEvent], now: datetime) -> None:
    for each in said:
        connection, _, ticket_id = str(each.data["ticket"]).rpartition(":")
        if row := of_ticket(tx, connection, ticket_id):
            told = {name: each.data.get(name) for name in ("outcome", "root_cause")}
            move(database, tx, row, now, **told, **_concluded(row, told, now))


def _concluded(row: Row, told: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What an outcome makes of a callback that is solved already: closed, or not reached after all."""
    life = life_of(row)
    if told["outcome"] == NOT_REACHED:
        return columns(state_machine.unreached(life)) if life.status == CallbackStatus.SOLVED else {}
    is_whole = (
        told["outcome"] and told["root_cause"] and life.status in state_machine.SOLVED - {CallbackStatus.UNREACHED}
    )
    return {"closed_at": row["closed_at"] or now} if is_whole else {}


def _is_of_ticket(arrival: IncomingEvent) -> bool:
    """Our own events about tickets say what we know already."""
    return arrival.type.startswith("ticket.") and arrival.event.connection != OWN


class _Book:
    """The callbacks a batch is about, moved on event by event. ``told`` are the inbox rows of our own events."""

    def __init__(self, rows: Iterable[Mapping[str, Any]], now: datetime) -> None:
        self._now = now
        self.moved: dict[str, Row] = {}
        self.told: list[Row] = []
        self.owners: dict[str, str] = {}  # arrival → the callback's customer
        self._by_mark: dict[str, Row] = {}
        self._by_ticket: dict[tuple[str, str], Row] = {}
        for row in rows:
            self._remember(dict(row))

    def _remember(self, row: Row) -> None:
        self._by_mark[row["external_id"]] = row
        if row["ticket_id"]:
            self._by_ticket[row["connection"], row["ticket_id"]] = row

    def follow(self, arrival: IncomingEvent) -> IncomingEvent:
        data = arrival.data
        at = (arrival.event.connection, str(data.get("ticket_id")))
        row = self._by_ticket.get(at) or self._by_mark.get(str(data.get("external_id")))
        if row is None:
            return replace(arrival, data={**data, "callback": None})
        moved = self._move(row, arrival)
        if row["customer_id"]:
            self.owners[arrival.id] = row["customer_id"]
        return replace(arrival, data={**data, "callback": {**_view(row), "moved": moved}})

    def _move(self, row: Row, arrival: IncomingEvent) -> bool:
        """Whether the event changed the callback's status."""
        life = life_of(row)
        lived = state_machine.after(life, arrival.type, arrival.event.time, _with_what_was_said(row, arrival.data))
        if lived == life:
            return False
        row |= {**columns(lived), "ticket_id": str(arrival.data.get("ticket_id"))}
        if lived.status == CallbackStatus.REOPENED:  # what came of the call before is not how this ends
            row |= {"outcome": None, "root_cause": None, "closed_at": None}
        self.moved[row["id"]] = row
        self.told += _telling(row, life.status, self._now)
        if life.contacted_at is None and lived.contacted_at is not None:
            self.told.append(_contact(row, lived.contacted_at))
        return lived.status != life.status


def _with_what_was_said(row: Row, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """An agent who said "not reached" and solved at once was faster than our tag on the ticket."""
    if row["outcome"] != NOT_REACHED:
        return data
    return {**data, "tags": [*(data.get("tags") or ()), NOT_REACHED_TAG]}


def life_of(row: Mapping[str, Any]) -> CallbackState:
    """The state of a stored callback."""
    return CallbackState(**{name: row[name] for name in _LIFE})


def columns(life: CallbackState) -> dict[str, Any]:
    """The state as columns of ``callbacks``."""
    return {name: getattr(life, name) for name in _LIFE} | {"status": str(life.status)}


def _view(row: Mapping[str, Any]) -> dict[str, Any]:
    """What conditions read as ``event.callback``."""
    return {"response": row["response_id"], **{name: row[name] for name in _TOLD}}


def _telling(row: Row, previous: str, now: datetime) -> list[Row]:
    """The inbox row of ``callback.changed``, if the status changed; counts it."""
    if row["status"] == previous:
        return []
    row["moves"] += 1
    data = {**_about(row), **_view(row), "previous": previous, "shown": SHOWN.get(row["status"])}
    return [own_event("callback.changed", f"callback-{row['id']}-{row['moves']}", now, data)]


def _contact(row: Row, at: datetime) -> Row:
    data = {**_about(row), "callback": _view(row)}
    return own_event("ticket.first_contact", f"contact-{row['id']}", at, data)


def _about(row: Mapping[str, Any]) -> dict[str, Any]:
    told = {"ticket": f"{row['connection']}:{row['ticket_id']}", "ticket_id": row["ticket_id"]}
    return told | ({"customer": {"id": row["customer_id"]}} if row["customer_id"] else {})


def _find(tx: Connection, tickets: Sequence[IncomingEvent]) -> Sequence[Mapping[str, Any]]:
    by_connection: dict[str, set[str]] = {}
    for arrival in tickets:
        by_connection.setdefault(arrival.event.connection, set()).add(str(arrival.data.get("ticket_id")))
    c = callbacks.c
    same = [and_(c.connection == name, c.ticket_id.in_(ids)) for name, ids in by_connection.items()]
    marks = {str(a.data["external_id"]) for a in tickets if a.data.get("external_id")}
    if marks:
        same.append(c.external_id.in_(marks))
    return [dict(row._mapping) for row in tx.execute(_WHOLE.where(or_(*same)))]
