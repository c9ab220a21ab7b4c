"""Events as people look for them: the newest first, one by its id, those about a ticket, an address or a customer.

Each function needs an open transaction and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select

from connector.storage.schema.tables import deliveries, events, identities, runs

WINDOW = 20_000
"""Events among which a type or a sender is looked for."""

LOOKED_THROUGH = 500
"""Deliveries are looked through for a word; this many, the newest."""


@dataclass(frozen=True, slots=True)
class EventRow:
    """A past fact, where it came from, and what every workflow decided: {workflow, version, starts, why} each."""

    seq: int
    id: str
    connection: str
    external_id: str
    type: str
    subject: str | None
    customer_id: str | None
    time: datetime
    received_at: datetime
    delivery_id: int | None
    data: Mapping[str, Any]
    decisions: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class StartedRun:
    """A run, and the event that started it."""

    id: str
    workflow: str
    status: str
    reason: str
    event_seq: int


@dataclass(frozen=True, slots=True)
class HoldingDelivery:
    """A delivery that holds a word somebody looks for; ``reason`` says why it became no event."""

    id: int
    connection: str
    received_at: datetime
    status: str
    reason: str


_e = events.c
_ROW = select(
    _e.seq, _e.id, _e.connection, _e.external_id, _e.type, _e.subject, _e.customer_id, _e.time, _e.received_at,
    _e.delivery_id, _e.data, _e.decisions,
)  # fmt: skip


def list_events(
    tx: Connection, *, type_: str | None = None, connection: str | None = None, limit: int, before: int | None = None
) -> list[EventRow]:
    """The newest first; ``before`` is the ``seq`` of the last one on the page before. Those of a type or connection are
    looked for among WINDOW events, so that a rare one costs no more than a common one."""
    newest = select(_e.seq, _e.type, _e.connection).order_by(_e.seq.desc()).limit(WINDOW)
    some = (newest.where(_e.seq < before) if before is not None else newest).subquery()
    chosen = select(some.c.seq).order_by(some.c.seq.desc()).limit(limit)
    for column, value in ((some.c.type, type_), (some.c.connection, connection)):
        chosen = chosen.where(column == value) if value is not None else chosen
    return _rows(tx, _ROW.where(_e.seq.in_(chosen)).order_by(_e.seq.desc()))


def event(tx: Connection, id_: str) -> EventRow | None:
    """By our id."""
    return next(iter(_rows(tx, _ROW.where(_e.id == id_))), None)


def named(tx: Connection, name: str, connections: Sequence[str], *, limit: int) -> list[EventRow]:
    """Those that have this id, ours or their sender's. ``connections`` are those that may have sent them."""
    theirs = _e.connection.in_(connections) & (_e.external_id == name)
    return _rows(tx, _ROW.where(or_(_e.id == name, theirs)).order_by(_e.seq.desc()).limit(limit))


def about(tx: Connection, subjects: Sequence[str], types: Sequence[str], *, limit: int) -> list[EventRow]:
    """Those of these types about one of these subjects."""
    found = _ROW.where(_e.type.in_(types), _e.subject.in_(subjects))
    return _rows(tx, found.order_by(_e.seq.desc()).limit(limit))


def of_customer(tx: Connection, customer_id: str, *, limit: int) -> list[EventRow]:
    """The newest about somebody."""
    return _rows(tx, _ROW.where(_e.customer_id == customer_id).order_by(_e.time.desc()).limit(limit))


def owner(tx: Connection, known: Sequence[tuple[str, str]]) -> str | None:
    """Our id of the customer who is known by one of these (system, value)."""
    i = identities.c
    either = or_(*((i.system == system) & (i.value == value) for system, value in known))
    return tx.execute(select(i.customer_id).where(either).limit(1)).scalar_one_or_none() if known else None


def started(tx: Connection, seqs: Sequence[int]) -> Mapping[int, Sequence[StartedRun]]:
    """The runs that these events started, by the event's ``seq``."""
    c = runs.c
    found: dict[int, list[StartedRun]] = {}
    if seqs:
        rows = select(c.id, c.workflow, c.status, c.reason, c.event_seq).where(c.event_seq.in_(seqs)).order_by(c.id)
        for row in tx.execute(rows):
            found.setdefault(row.event_seq, []).append(StartedRun(*row))
    return found


def holding(tx: Connection, words: str, *, limit: int) -> list[HoldingDelivery]:
    """Deliveries that have these words in their content, among the newest LOOKED_THROUGH."""
    d = deliveries.c
    newest = select(d.id, d.connection, d.received_at, d.status, d.reason, d.body).order_by(d.id.desc())
    wanted = words.encode().lower()
    rows = tx.execute(newest.limit(LOOKED_THROUGH))
    return [HoldingDelivery(*row[:-1]) for row in rows if wanted in row.body.lower()][:limit]


def of_deliveries(tx: Connection, ids: Sequence[int]) -> list[EventRow]:
    """What these deliveries told of."""
    return _rows(tx, _ROW.where(_e.delivery_id.in_(ids))) if ids else []


def _rows(tx: Connection, found: Any) -> list[EventRow]:
    return [EventRow(*row) for row in tx.execute(found)]
