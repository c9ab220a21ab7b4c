"""What waits now, and how it stands with the connections, read from indexes that hold only live rows.

Nothing here reads a table through: ten million finished rows cost no more than none. Counts stop at
``MOST_COUNTED``; how long a queue is beyond that, its oldest entry tells better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, literal_column, select

from connector.storage.budgets import Budget
from connector.storage.tables import connections, deliveries, effects, is_now, runs

MOST_COUNTED = 10_000
STATES = ("active", "held", "paused", "probing", "stopped")
"""Held: its vendor told us to wait. Paused: our credentials are refused. Stopped: by a person."""

# The partial indexes' own words: in others the planner of SQLite does not recognise them.
_SET_ASIDE: ColumnElement[bool] = literal_column("deliveries.status IN ('unreadable', 'failed')")
_ENDED_BADLY: ColumnElement[bool] = literal_column("effects.status IN ('failed', 'review')")


@dataclass(frozen=True, slots=True)
class Line:
    """A queue: how many wait in it, and since when the first of them could have been served."""

    waiting: int
    oldest: datetime | None

    def lag(self, now: datetime) -> float:
        """Seconds that the first has waited; 0 when nothing waits."""
        return max(0.0, (now - self.oldest).total_seconds()) if self.oldest else 0.0


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """One connection's calls. ``failed`` and ``review`` are its dead letters; ``budget_used`` is the part of
    the burst that is used up (1: calls wait), None without a budget."""

    name: str
    state: str
    due: Line
    performing: int
    failed: int
    review: int
    budget_used: float | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """The present: deliveries not understood yet, those set aside, runs that are due, and each connection."""

    deliveries: Line
    set_aside: int
    runs: Line
    connections: tuple[ConnectionState, ...]


def read_backlog(
    tx: Connection, configured: Iterable[str], budget: Callable[[str], Budget | None], now: datetime
) -> Backlog:
    """Read the present. ``configured`` names connections that are shown even if they never did anything."""
    known = {row.name: row for row in tx.execute(select(connections))}
    performing, ended = _performing(tx), _ended_badly(tx)
    names = {*configured, *known, *performing, *(name for name, _ in ended), *_names_due(tx)}
    return Backlog(
        deliveries=_new(tx),
        set_aside=_count(tx, select(deliveries.c.id).where(_SET_ASIDE)),
        runs=_runs_due(tx, now),
        connections=tuple(
            ConnectionState(
                name, _state(known.get(name), now), _due(tx, name, now), performing.get(name, 0),
                ended.get((name, "failed"), 0), ended.get((name, "review"), 0),
                _used(known.get(name), budget(name), now),
            )
            for name in sorted(names)
        ),
    )  # fmt: skip


def _new(tx: Connection) -> Line:
    c = deliveries.c
    new = select(c.id).where(is_now(c.status, "new"))
    first = select(c.received_at).where(is_now(c.status, "new")).order_by(c.id).limit(1)
    return Line(_count(tx, new), tx.execute(first).scalar())


def _runs_due(tx: Connection, now: datetime) -> Line:
    """Timers that are over, and runs whose turn has come."""
    c = runs.c
    over = (is_now(c.status, "waiting"), c.due_at.is_not(None), c.due_at <= now)
    turn = (is_now(c.status, "ready"), c.due_at <= now)
    lines = [
        Line(
            _count(tx, select(c.id).where(*which)),
            tx.execute(select(func.min(c.due_at)).where(*which)).scalar(),
        )
        for which in (over, turn)
    ]
    oldest = [line.oldest for line in lines if line.oldest]
    return Line(sum(line.waiting for line in lines), min(oldest, default=None))


def _due(tx: Connection, connection: str, now: datetime) -> Line:
    c = effects.c
    due = (is_now(c.status, "due"), c.connection == connection, c.due_at <= now)
    oldest = tx.execute(select(func.min(c.due_at)).where(*due)).scalar()
    return Line(_count(tx, select(c.id).where(*due)) if oldest else 0, oldest)


def _names_due(tx: Connection) -> Iterator[str]:
    """Connections with stored calls, by one look into the index each: DISTINCT would read all of it."""
    c = effects.c
    name = ""
    while following := tx.execute(
        select(func.min(c.connection)).where(is_now(c.status, "due"), c.connection > name)
    ).scalar():
        name = following
        yield name


def _performing(tx: Connection) -> Mapping[str, int]:
    c = effects.c
    busy = select(c.connection).where(is_now(c.status, "performing")).limit(MOST_COUNTED).subquery()
    found = select(busy.c.connection, func.count()).group_by(busy.c.connection)
    return dict(tuple(row) for row in tx.execute(found))


def _ended_badly(tx: Connection) -> Mapping[tuple[str, str], int]:
    """(connection, status) → count, of the newest."""
    c = effects.c
    newest = (
        select(c.connection, c.status)
        .where(_ENDED_BADLY)
        .order_by(c.id.desc())
        .limit(MOST_COUNTED)
        .subquery()
    )
    found = select(newest.c.connection, newest.c.status, func.count()).group_by(
        newest.c.connection, newest.c.status
    )
    return {(name, status): count for name, status, count in tx.execute(found)}


def _count(tx: Connection, which: Select[Any]) -> int:
    bounded = which.limit(MOST_COUNTED).subquery()
    return tx.execute(select(func.count()).select_from(bounded)).scalar_one()


def _state(row: Row[Any] | None, now: datetime) -> str:
    if row is None or row.status != "active":
        return row.status if row is not None else "active"
    return "held" if row.blocked_until is not None and row.blocked_until > now else "active"


def _used(row: Row[Any] | None, budget: Budget | None, now: datetime) -> float | None:
    if budget is None:
        return None
    until = row.budget_until if row is not None else None
    return max(0.0, (until - now) / budget.burst) if until else 0.0
