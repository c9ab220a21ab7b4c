"""Callback tickets: which ticket follows which answer, and where its life stands.

A callback is written when its ticket is asked for, so that an event which overtakes our own record of the
ticket's creation still finds it, by our mark (the ticket's external id).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, or_, select, update

from connector.feedback.actions import Ask, Write
from connector.feedback.arrivals import Arrival
from connector.ids import new_id
from connector.storage import bulk
from connector.storage.database import Database
from connector.storage.tables import callbacks, responses

_STATUS_AFTER = {
    "ticket.solved": "solved",
    "ticket.reopened": "reopened",
    "ticket.merged": "merged",
    "ticket.deleted": "deleted",
}
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Before any event: the helpdesk's clock is compared with itself only, never with ours."""

_OPENED = (
    update(callbacks)
    .where(callbacks.c.external_id == bindparam("mark"))
    .values(
        ticket_id=bindparam("ticket"),
        status=case((callbacks.c.status == "asked", "open"), else_=callbacks.c.status),  # an event may know more
    )
)
_ASKED = bulk.Insert(callbacks)
_MOVED = bulk.Update(callbacks, where=("id",), new=("status", "cycle", "changed_at", "ticket_id"))


def asked(ask: Ask, connection: str, external_id: str) -> Write:
    """The callback of a ticket that is about to be opened."""
    row = {
        "id": new_id(),
        "connection": connection,
        "external_id": external_id,
        "response_id": ask.facts.event.get("response"),
        "customer_id": ask.facts.customer.get("id"),
        "run_id": ask.run_id,
        "status": "asked",
        "cycle": 0,
        "changed_at": _LONG_AGO,
        "created_at": ask.now,
    }
    return Write(_ASKED, row)


def opened(external_id: str, ticket_id: str) -> Write:
    """The ticket exists."""
    return Write(_OPENED, {"mark": external_id, "ticket": ticket_id})


def record(database: Database, tx: Connection, batch: Sequence[Arrival], now: datetime) -> list[Arrival]:
    """Follow the tickets' lives: every ticket event gets ``event.callback``, None for ordinary tickets."""
    tickets = [arrival for arrival in batch if arrival.type.startswith("ticket.")]
    if not tickets:
        return list(batch)
    book = _Book(_find(tx, tickets))
    followed = [book.follow(a) if a.type.startswith("ticket.") else a for a in batch]
    bulk.execute(tx, _MOVED, list(book.moved.values()))
    return followed


class _Book:
    """The callbacks a batch is about, moved on event by event."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self.moved: dict[str, dict[str, Any]] = {}
        self._by_mark: dict[str, dict[str, Any]] = {}
        self._by_ticket: dict[tuple[str, str], dict[str, Any]] = {}
        for row in rows:
            self._remember(dict(row))

    def _remember(self, row: dict[str, Any]) -> None:
        self._by_mark[row["external_id"]] = row
        if row["ticket_id"]:
            self._by_ticket[row["connection"], row["ticket_id"]] = row

    def follow(self, arrival: Arrival) -> Arrival:
        data = arrival.data
        at = (arrival.event.connection, str(data.get("ticket_id")))
        row = self._by_ticket.get(at) or self._by_mark.get(str(data.get("external_id")))
        if row is None:
            return replace(arrival, data={**data, "callback": None})
        self._move(row, arrival)
        view = {name: row[name] for name in ("cycle", "status", "survey", "score")}
        return replace(arrival, data={**data, "callback": {"response": row["response_id"], **view}})

    def _move(self, row: dict[str, Any], arrival: Arrival) -> None:
        """An event older than what we know changes nothing; a solve of a solved ticket is no new cycle."""
        status = _STATUS_AFTER.get(arrival.type)
        if status is None or arrival.event.time < row["changed_at"]:
            return
        if status == "solved" and row["status"] != "solved":
            row["cycle"] += 1
        row |= {"status": status, "changed_at": arrival.event.time, "ticket_id": str(arrival.data.get("ticket_id"))}
        self.moved[row["id"]] = row


def _find(tx: Connection, tickets: Sequence[Arrival]) -> Sequence[Mapping[str, Any]]:
    by_connection: dict[str, set[str]] = {}
    for arrival in tickets:
        by_connection.setdefault(arrival.event.connection, set()).add(str(arrival.data.get("ticket_id")))
    c = callbacks.c
    same = [and_(c.connection == name, c.ticket_id.in_(ids)) for name, ids in by_connection.items()]
    marks = {str(a.data["external_id"]) for a in tickets if a.data.get("external_id")}
    if marks:
        same.append(c.external_id.in_(marks))
    joined = callbacks.outerjoin(responses, responses.c.id == c.response_id)
    columns = (callbacks, responses.c.survey, responses.c.score)
    rows = tx.execute(select(*columns).select_from(joined).where(or_(*same)).with_for_update(of=callbacks))
    return [dict(row._mapping) for row in rows]
