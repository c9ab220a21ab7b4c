"""Cases as tickets: a message tells that a case is open; whether it was closed before is ours to know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from connector.feedback.base.event_hooks import IncomingEvent
from connector.storage.engine.database import Database
from connector.storage.schema.tables import events
from webhooks.salesforce.cases import OBJECTS

_TURNS = ("ticket.solved", "ticket.reopened")


def record(
    database: Database, tx: Connection, batch: Sequence[IncomingEvent], now: datetime
) -> Sequence[IncomingEvent]:
    """Leave out what tells no reopening: a case that was never closed, or that is known to be open again."""
    if not any(_tells_of_open_case(arrival) for arrival in batch):
        return batch
    turns = _turns(tx, batch)
    return [arrival for arrival in batch if not _tells_of_open_case(arrival) or _follows_a_solve(arrival, turns)]


def _tells_of_open_case(arrival: IncomingEvent) -> bool:
    return arrival.type == "ticket.reopened" and arrival.data.get("object") in OBJECTS


def _follows_a_solve(arrival: IncomingEvent, turns: Sequence[tuple[str | None, datetime, str]]) -> bool:
    """Whether the last turn before it was a solve."""
    own = [(time, type_) for subject, time, type_ in turns if subject == arrival.subject]
    earlier = [turn for turn in own if turn[0] < arrival.event.time]
    return bool(earlier) and max(earlier)[1] == "ticket.solved"


def _turns(tx: Connection, batch: Sequence[IncomingEvent]) -> list[tuple[str | None, datetime, str]]:
    """Every solve and reopening of the batch's tickets, stored or in the batch: (ticket, when, which)."""
    subjects = {arrival.subject for arrival in batch if _tells_of_open_case(arrival)}
    c = events.c
    stored = select(c.subject, c.time, c.type).where(c.type.in_(_TURNS), c.subject.in_(subjects))
    together = [(a.subject, a.event.time, a.type) for a in batch if a.type == "ticket.solved" and a.subject in subjects]
    return [*((row.subject, row.time, row.type) for row in tx.execute(stored)), *together]
