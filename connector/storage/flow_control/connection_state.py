"""The state of connections: active, paused, open or probing, held until a time, and who we are there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, or_, select, update

from connector.storage.engine.database import Database
from connector.storage.flow_control.rate_budget import REFUSED
from connector.storage.schema.tables import connections

PROBE_AFTER = timedelta(minutes=1)
"""A paused connection is tried again after this long, so that it resumes by itself once it is mended."""

ACTIVE = "active"
PAUSED = "paused"
"""Our credentials are refused."""
OPEN = "open"
"""Its vendor does not work: the circuit is open (``circuits``)."""
PROBING = "probing"
"""Paused or open, and its time has come: one call finds out."""
STOPPED = "stopped"
"""The status of a connection that a person paused: no probe tries it."""

_WORKS_AGAIN = {"status": ACTIVE, "reason": "", "blocked_until": None, "failures": 0, "failing_since": None}


def state(tx: Connection, name: str) -> Any | None:
    return tx.execute(select(connections).where(connections.c.name == name)).one_or_none()


def ensure(database: Database, tx: Connection, names: list[str], now: datetime) -> None:
    """A row for each configured connection."""
    if names:
        rows = [{"name": name, "status": ACTIVE, "reason": "", "updated_at": now} for name in sorted(names)]
        tx.execute(database.insert_new(connections), rows)


def pause(database: Database, tx: Connection, name: str, reason: str, now: datetime) -> None:
    """Nothing goes out on this connection until someone, or the next probe, finds it mended. One that a person
    stopped stays stopped."""
    ensure(database, tx, [name], now)
    values = _WORKS_AGAIN | {"status": PAUSED, "reason": reason, "blocked_until": now + PROBE_AFTER, "updated_at": now}
    c = connections.c
    tx.execute(update(connections).where(c.name == name, c.status != STOPPED).values(values))


def stop(database: Database, tx: Connection, name: str, reason: str, now: datetime) -> None:
    """Nothing goes out on this connection until a person resumes it."""
    ensure(database, tx, [name], now)
    values = _WORKS_AGAIN | {"status": STOPPED, "reason": reason, "updated_at": now}
    tx.execute(update(connections).where(connections.c.name == name).values(values))


def hold(database: Database, tx: Connection, name: str, until: datetime, now: datetime) -> None:
    """The vendor told us to wait; a later time wins over an earlier one."""
    ensure(database, tx, [name], now)
    c = connections.c
    later = or_(c.blocked_until.is_(None), c.blocked_until < until)
    tx.execute(update(connections).where(c.name == name, later).values(blocked_until=until, updated_at=now))


def hold_kind(database: Database, tx: Connection, name: str, kind: str, until: datetime, now: datetime) -> None:
    """The vendor told us to wait with one kind of request; the others go on. Nobody claims meanwhile."""
    database.lock(tx, [f"claim:{name}"])
    ensure(database, tx, [name], now)
    c = connections.c
    spent = tx.execute(select(c.spent).where(c.name == name)).scalar_one() or {}
    held = {**spent, REFUSED + kind: max(until.isoformat(), spent.get(REFUSED + kind, ""))}
    tx.execute(update(connections).where(c.name == name).values(spent=held, updated_at=now))


def resume(tx: Connection, name: str, now: datetime) -> bool:
    """Let a connection go on that is paused or held, or whose circuit is open. → whether it was."""
    c = connections.c
    row = tx.execute(select(c.status, c.blocked_until, c.spent).where(c.name == name).with_for_update()).one_or_none()
    if row is None:
        return False
    spent = row.spent or {}
    counted = {kind: until for kind, until in spent.items() if not kind.startswith(REFUSED)}
    held = row.blocked_until is not None and row.blocked_until > now
    values = _WORKS_AGAIN | {"spent": counted or None, "updated_at": now}
    tx.execute(update(connections).where(c.name == name).values(values))
    return held or row.status != ACTIVE or counted != spent


def is_held(status: str, blocked_until: datetime | None, now: datetime) -> bool:
    """Whether its vendor told us to wait, and that moment has not come."""
    return status == ACTIVE and blocked_until is not None and blocked_until > now


def probe(tx: Connection, now: datetime) -> list[str]:
    """Let paused and open connections whose time has come try one call each; it decides. → their names."""
    c = connections.c
    statement = update(connections).where(c.status.in_((PAUSED, OPEN)), c.blocked_until <= now)
    return list(tx.execute(statement.values(status=PROBING, updated_at=now).returning(c.name)).scalars())


def know_own_user(database: Database, tx: Connection, name: str, user_id: str, now: datetime) -> None:
    """Remember whom we act as, so that our own writes are recognised when they come back."""
    ensure(database, tx, [name], now)
    tx.execute(update(connections).where(connections.c.name == name).values(own_user=user_id, updated_at=now))


def learn_own_user(database: Database, tx: Connection, name: str, user_id: str, now: datetime) -> None:
    """The same as a write of ours tells it, where the vendor did not say it when asked."""
    ensure(database, tx, [name], now)
    unknown = update(connections).where(connections.c.name == name, connections.c.own_user.is_(None))
    tx.execute(unknown.values(own_user=user_id, updated_at=now))


def own_users(tx: Connection) -> dict[str, str]:
    rows = tx.execute(select(connections.c.name, connections.c.own_user).where(connections.c.own_user.is_not(None)))
    return {row.name: row.own_user for row in rows}
