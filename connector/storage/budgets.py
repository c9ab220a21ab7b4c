"""Rate budgets, shared by all workers: one row per connection, by the generic cell rate algorithm.

``budget_until`` is the moment at which all requests made so far would have been made at the allowed pace. Requests
may run ahead of that pace by one burst. The caller holds the connection's claim lock, so the count is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from connector.storage import accounts
from connector.storage.database import Database
from connector.storage.tables import connections

_BURST_SECONDS = 5.0
"""How far ahead of an even pace requests may run: what five seconds allow may go out at once."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Requests per minute that we may make on a connection."""

    per_minute: float

    @property
    def pause(self) -> timedelta:
        """The time one request takes at an even pace."""
        return timedelta(minutes=1) / self.per_minute

    @property
    def burst(self) -> timedelta:
        return max(timedelta(seconds=_BURST_SECONDS), self.pause)


def left(tx: Connection, connection: str, budget: Budget, now: datetime) -> int:
    """How many requests may be made now."""
    ahead = max(_until(tx, connection) or now, now) - now
    return max(0, int((budget.burst - ahead) / budget.pause))


def use(database: Database, tx: Connection, connection: str, budget: Budget, count: int, now: datetime) -> None:
    """Count requests that are about to be made."""
    accounts.ensure(database, tx, [connection], now)
    until = max(_until(tx, connection) or now, now) + count * budget.pause
    tx.execute(update(connections).where(connections.c.name == connection).values(budget_until=until))


def _until(tx: Connection, connection: str) -> datetime | None:
    until: datetime | None = tx.execute(
        select(connections.c.budget_until).where(connections.c.name == connection)
    ).scalar_one_or_none()
    return until
