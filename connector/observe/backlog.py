"""What waits now, and how it stands with the connections, read from indexes that hold only live rows.

Nothing here reads a table through: ten million finished rows cost no more than none. Counts stop at
``MOST_COUNTED``; how long a queue is beyond that, its oldest entry tells better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Row, Select, func, select

from connector.storage.flow_control import backlog as queues
from connector.storage.flow_control.fair_queue import FairQueue
from connector.storage.flow_control.rate_budget import Budget
from connector.storage.schema.tables import (
    ENDED_BADLY,
    SET_ASIDE,
    STOPPED_RUNS,
    connections,
    deliveries,
    effects,
    is_now,
    runs,
)
from connector.storage.stores.run_queries import MOST_COUNTED
from workflows.runs import Status

STOPPED = (Status.FAILED, Status.DEAD, Status.NEEDS_REVIEW, Status.DONE_WITH_FAILURE)
"""The states of a dead letter: a person must say how it goes on."""

PARKED = "parked: "
"""What the reason of a run begins with that was not let begin."""

LATE = 20.0
"""Seconds after which work that waits for nobody but us is late. Who looks every ten seconds sees it within
thirty."""

STATES = ("active", "held", "paused", "open", "probing", "stopped")
"""Held: its vendor told us to wait. Paused: our credentials are refused. Open: its vendor does not work, and the
circuit is open. Stopped: by a person."""


@dataclass(frozen=True, slots=True)
class QueueLine:
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
    due: QueueLine
    performing: int
    failed: int
    review: int
    budget_used: float | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """The present: deliveries not understood yet, those set aside, runs that are due, runs that wait for a person
    (by status), and each connection."""

    deliveries: QueueLine
    set_aside: int
    runs: QueueLine
    stopped: Mapping[str, int]
    connections: tuple[ConnectionState, ...]


def read_backlog(
    tx: Connection, configured: Iterable[str], budget: Callable[[str], Budget | None], now: datetime
) -> Backlog:
    """Read the present. ``configured`` names connections that are shown even if they never did anything."""
    known = {row.name: row for row in tx.execute(select(connections))}
    performing, ended = _performing(tx), _ended_badly(tx)
    due = queues.CALLED.values(tx)
    names = {*configured, *known, *performing, *(name for name, _ in ended), *due}
    return Backlog(
        deliveries=_new(tx),
        set_aside=_count(tx, select(deliveries.c.id).where(SET_ASIDE)),
        runs=_runs_due(tx, now),
        stopped=_stopped(tx),
        connections=tuple(
            ConnectionState(
                name, _state(known.get(name), now), _due(tx, name, now), performing.get(name, 0),
                ended.get((name, "failed"), 0), ended.get((name, "review"), 0),
                _used(known.get(name), budget(name), now),
            )
            for name in sorted(names)
        ),
    )  # fmt: skip


def lateness(tx: Connection, now: datetime) -> float:
    """Seconds that the oldest delivery, or the oldest run whose time has come, has waited for us."""
    return max(_new(tx).lag(now), _runs_due(tx, now).lag(now))


def _new(tx: Connection) -> QueueLine:
    c, new = deliveries.c, queues.IS_NEW
    senders = list(queues.SENDERS.values(tx))
    firsts = [tx.execute(select(func.min(c.id)).where(new, c.connection == name)).scalar_one() for name in senders]
    oldest = select(c.received_at).where(c.id == min(firsts)) if firsts else None
    return QueueLine(_count(tx, select(c.id).where(new)), tx.execute(oldest).scalar() if oldest is not None else None)


def _runs_due(tx: Connection, now: datetime) -> QueueLine:
    """Timers that are over, and runs whose turn has come."""
    c = runs.c
    kinds = ((queues.TIMERS, queues.IS_TIMER), (queues.READY, queues.IS_READY))
    lines = [_line(tx, each, select(c.id).where(*kind, c.due_at <= now), c.workflow, now) for each, kind in kinds]
    oldest = [line.oldest for line in lines if line.oldest]
    return QueueLine(sum(line.waiting for line in lines), min(oldest, default=None))


def _due(tx: Connection, connection: str, now: datetime) -> QueueLine:
    c = effects.c
    due = select(c.id).where(queues.IS_DUE, c.connection == connection, c.due_at <= now)
    return _line(tx, queues.CALLS, due, c.workflow, now, connection=connection)


def _line(
    tx: Connection, lanes: FairQueue, due: Select[Any], lane: Column[str], now: datetime, **given: str
) -> QueueLine:
    """What is due by now, lane by lane: their index begins with the lane."""
    oldest = lanes.oldest(tx, **given)
    if oldest is None or oldest > now:
        return QueueLine(0, None)
    counts = (_count(tx, due.where(lane == name)) for name in lanes.names(tx, **given))
    return QueueLine(min(MOST_COUNTED, sum(counts)), oldest)


def _stopped(tx: Connection) -> Mapping[str, int]:
    """Status → count, of the newest."""
    newest = select(runs.c.status).where(STOPPED_RUNS).order_by(runs.c.id.desc()).limit(MOST_COUNTED).subquery()
    found = tx.execute(select(newest.c.status, func.count()).group_by(newest.c.status))
    return {**dict.fromkeys(STOPPED, 0), **dict(tuple(row) for row in found)}


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
        .where(ENDED_BADLY)
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
