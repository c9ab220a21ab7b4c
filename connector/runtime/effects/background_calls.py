"""Permission for a call that is no effect: it keeps to the same rules as effects do, and lets them go first."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, update

from connector.clock import Clock
from connector.storage.engine.database import Database
from connector.storage.flow_control import connection_state, rate_budget
from connector.storage.flow_control.rate_budget import Budget
from connector.storage.schema.tables import connections

_SHARE = 2
"""Such calls take at most every second place of a burst; the others stay for effects."""


class NoBudgetError(Exception):
    """Not now: the connection is paused or held, or its budget is used up."""


class BackgroundCallBudget:
    """Asked before each call on one connection."""

    def __init__(self, database: Database, connection: str, budget: Budget | None, clock: Clock) -> None:
        self._database, self._connection, self._budget, self._clock = database, connection, budget, clock

    def take(self) -> None:
        """Count one call. Raises ``NoBudgetError``."""
        if not self._database.transact(self._take):
            raise NoBudgetError(self._connection)

    def hold(self, seconds: float | None) -> None:
        """The vendor told us to wait: effects must wait as well."""
        until = self._clock() + timedelta(seconds=seconds or 30)
        self._database.transact(
            lambda tx: connection_state.hold(self._database, tx, self._connection, until, self._clock())
        )

    def _take(self, tx: Connection) -> bool:
        """Under the claim lock, where effects are counted, too."""
        self._database.lock(tx, [f"claim:{self._connection}"])
        state, now = connection_state.state(tx, self._connection), self._clock()
        if state is None:
            connection_state.ensure(self._database, tx, [self._connection], now)
            return True
        if state.status != connection_state.ACTIVE or (state.blocked_until and state.blocked_until > now):
            return False
        return self._budget is None or self._count(tx, state.budget_until, self._budget, now)

    def _count(self, tx: Connection, until: datetime | None, budget: Budget, now: datetime) -> bool:
        whole = int(budget.burst / budget.pause)
        if rate_budget.left(until, budget, now) <= whole - max(1, whole // _SHARE):
            return False
        after = rate_budget.used(until, budget, 1, now)
        tx.execute(update(connections).where(connections.c.name == self._connection).values(budget_until=after))
        return True
