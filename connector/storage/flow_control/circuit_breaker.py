"""The circuit breaker of each connection, in its row, so that all processes share it.

Calls that meet no working vendor (time-outs, refused connections, 5xx) one after the other open the circuit: nothing
goes out but one call now and then, which finds out whether the vendor is back. Any answer of the vendor closes it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from connector.storage.engine.database import Database
from connector.storage.flow_control import connection_state
from connector.storage.schema.tables import connections

FAILURES = 5
"""Calls that must fail in a row, none succeeding in between, before the circuit opens."""

SPAN = timedelta(seconds=3)
"""And the first of them at least this long ago: one hiccup that hits many calls at once is no outage."""

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=1)


_STANDING = select(connections.c.status, connections.c.failures).where(connections.c.name == bindparam("name"))


class Circuit(Enum):
    """What it is after a failure."""

    CLOSED = "closed"
    OPENED = "opened"  # by this failure
    OPEN = "open"


def failed(database: Database, tx: Connection, name: str, count: int, reason: str, now: datetime) -> Circuit:
    """So many calls met no working vendor, one after the other."""
    connection_state.ensure(database, tx, [name], now)
    row = tx.execute(select(connections).where(connections.c.name == name).with_for_update()).one()
    failures, since = row.failures + count, row.failing_since or now
    values: dict[str, Any] = {"failures": failures, "failing_since": since, "updated_at": now}
    active = row.status == connection_state.ACTIVE
    opens = row.status == connection_state.PROBING or (active and _is_outage(failures, since, now))
    if opens:
        values |= {"status": connection_state.OPEN, "reason": reason, "blocked_until": now + _pause(now - since)}
    tx.execute(update(connections).where(connections.c.name == name).values(values))
    if opens:
        return Circuit.OPENED
    return Circuit.OPEN if row.status == connection_state.OPEN else Circuit.CLOSED


def answered(tx: Connection, name: str, now: datetime) -> bool:
    """The vendor answered a call: the connection works. → whether it was on probation, or its circuit open."""
    row = tx.execute(_STANDING, {"name": name}).one_or_none()
    if row is None or (row.failures == 0 and row.status != connection_state.PROBING):
        return False
    values: dict[str, Any] = {"failures": 0, "failing_since": None, "updated_at": now}
    mended = row.status in (connection_state.OPEN, connection_state.PROBING)
    if mended:
        values |= {"status": connection_state.ACTIVE, "reason": "", "blocked_until": None}
    c = connections.c
    changed = tx.execute(update(connections).where(c.name == name, c.status == row.status).values(values))
    return mended and changed.rowcount > 0


def _is_outage(failures: int, since: datetime, now: datetime) -> bool:
    return failures >= FAILURES and now - since >= SPAN


def _pause(failing_for: timedelta) -> timedelta:
    """As long again as it has been failing: the pauses double without anything to remember."""
    return min(max(failing_for, FIRST_PAUSE), LONGEST_PAUSE)
