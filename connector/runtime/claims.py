"""Claims: which effects this worker may perform, until when, and what became of them.

Each claim raises the effect's epoch; an outcome is written only under the epoch it was claimed with, so a
worker that was frozen past its lease cannot write over its successor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, case, func, or_, select, update

from connector.feedback.actions import Effect
from connector.storage import budgets
from connector.storage.budgets import Budget
from connector.storage.database import Database
from connector.storage.tables import connections, effects, is_now, runs

LONGEST_CALL = timedelta(seconds=40)
"""Connect 5 s + read 30 s, and a little for us."""

LEASE = timedelta(seconds=60)
"""Longer than the longest call: when it ends, the request is no longer in flight."""

GRACE = timedelta(seconds=10)
"""How long a vendor may still work on a request whose sender died: its connection is gone, so it is not long."""

_UNLIMITED = 1_000_000

_SETTLED = (
    update(effects)
    .where(effects.c.id == bindparam("row"), effects.c.epoch == bindparam("known_epoch"))
    .values(
        {f: bindparam(f"new_{f}") for f in ("status", "due_at", "outcome", "error", "error_kind", "unsure", "ended_at")}
        | {"attempts": bindparam("new_attempts"), "owner": None, "lease_until": bindparam("new_lease_until")}
    )
)


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who claims: a process, at a connection, within its rate budget if it has one."""

    connection: str
    owner: str
    budget: Budget | None = None


def claim(database: Database, tx: Connection, who: Claimant, now: datetime, limit: int) -> list[Effect]:
    """Take the oldest due effects of a connection, unless it is paused, told us to wait, or used up its budget.

    One claim at a time per connection, so that the rule "never two of one serial side by side" sees all others.
    """
    database.lock(tx, [f"claim:{who.connection}"])
    limit = min(limit, _open_for(tx, who.connection, now))
    if who.budget:
        limit = min(limit, budgets.left(tx, who.connection, who.budget, now))
    if limit < 1:
        return []
    claimed = _take(tx, who, now, limit)
    if who.budget and claimed:
        budgets.use(database, tx, who.connection, who.budget, len(claimed), now)
    return claimed


def _take(tx: Connection, who: Claimant, now: datetime, limit: int) -> list[Effect]:
    taking = {"status": "performing", "owner": who.owner, "lease_until": now + LEASE}
    counted = {"epoch": effects.c.epoch + 1, "attempts": effects.c.attempts + 1}
    first = {"first_tried_at": func.coalesce(effects.c.first_tried_at, now)}
    ids = _claimable(who.connection, now, limit).scalar_subquery()
    statement = update(effects).where(effects.c.id.in_(ids)).values(taking | counted | first).returning(effects)
    rows = tx.execute(statement).all()
    return sorted((_effect(row) for row in rows), key=lambda effect: effect.id)


def _open_for(tx: Connection, connection: str, now: datetime) -> int:
    """How many calls the connection's state allows: none while paused or held, one while it is probed."""
    row = tx.execute(select(connections).where(connections.c.name == connection)).one_or_none()
    if row is None or (row.status == "active" and (row.blocked_until is None or row.blocked_until <= now)):
        return _UNLIMITED
    return 1 if row.status == "probing" else 0


def _claimable(connection: str, now: datetime, limit: int) -> Select[Any]:
    other = effects.alias("other")
    busy = select(other.c.id).where(
        is_now(other.c.status, "performing"), other.c.connection == connection, other.c.serial == effects.c.serial
    )
    return (
        select(effects.c.id)
        .where(is_now(effects.c.status, "due"), effects.c.connection == connection, effects.c.due_at <= now)
        .where(or_(effects.c.serial.is_(None), ~busy.exists()))
        .order_by(effects.c.due_at)
        .limit(limit)
    )


def settle(tx: Connection, outcomes: Iterable[tuple[Effect, Mapping[str, Any]]]) -> None:
    """Write outcomes of effects whose claim still holds (``holding`` said so in this transaction)."""
    rows = [
        {"row": effect.id, "known_epoch": effect.epoch, **_DEFAULTS, "new_attempts": effect.attempts}
        | {f"new_{name}": value for name, value in outcome.items()}
        for effect, outcome in outcomes
    ]
    if rows:
        tx.execute(_SETTLED, rows)


_DEFAULTS = {
    "new_outcome": None,
    "new_error": "",
    "new_error_kind": "",
    "new_unsure": False,
    "new_ended_at": None,
    "new_lease_until": None,
}


def holding(tx: Connection, claimed: Sequence[Effect]) -> list[Effect]:
    """Those of our claims that nobody has taken over; locked until the transaction ends."""
    c = effects.c
    statement = select(c.id, c.epoch).where(c.id.in_([e.id for e in claimed]), is_now(c.status, "performing"))
    held = {(row.id, row.epoch) for row in tx.execute(statement.with_for_update())}
    return [effect for effect in claimed if (effect.id, effect.epoch) in held]


def release_expired(tx: Connection, now: datetime) -> set[str]:
    """Give back effects whose lease ended; whether they happened is unsure. → their connections."""
    c = effects.c
    return _release(tx, and_(c.lease_until <= now), now)


def release_orphans(tx: Connection, now: datetime) -> set[str]:
    """At the start of the only process: give back what the process before it had in its hands.

    At once what a repeat cannot harm (A: the vendor honours our key, B: the same write again) and what has no order
    with others. What has one waits ``GRACE``: until then its serial is taken, and a request of the dead process that
    is still on its way cannot land after a newer one. C and D wait for their lease. → the connections of the first.
    """
    c = effects.c
    harmless = c.effect_class.in_(("A", "B"))
    soon = update(effects).where(is_now(c.status, "performing"), harmless, c.serial.is_not(None))
    tx.execute(soon.where(c.lease_until > now + GRACE).values(lease_until=now + GRACE))
    return _release(tx, and_(harmless, c.serial.is_(None)), now)


def _release(tx: Connection, which: Any, now: datetime) -> set[str]:
    """A call whose run ended meanwhile is not made again."""
    c = effects.c
    live = c.run_id.in_(select(runs.c.id).where(runs.c.ended_at.is_(None)))
    back = {"unsure": True, "due_at": case((c.due_at > now, c.due_at), else_=now), "owner": None, "lease_until": None}
    back |= {"status": case((live, "due"), else_="cancelled"), "ended_at": case((live, None), else_=now)}
    statement = update(effects).where(is_now(effects.c.status, "performing"), which).values(back)
    return set(tx.execute(statement.returning(effects.c.connection)).scalars())


def due_connections(tx: Connection, now: datetime) -> set[str]:
    """Connections with effects that are due."""
    c = effects.c
    return set(tx.execute(select(c.connection).distinct().where(is_now(c.status, "due"), c.due_at <= now)).scalars())


def _effect(row: Any) -> Effect:
    names = ("id", "run_id", "visit", "stage", "action", "connection", "effect_class", "delivery", "key", "request")
    more = ("serial", "attempts", "epoch", "unsure", "first_tried_at", "lease_until", "retry")
    return Effect(**{name: getattr(row, name) for name in names + more})
