"""Guesses of addresses that do not exist, limited per network: one row each, by the generic cell rate algorithm.

Only a wrong address costs anything. Whoever comes by a right one is never counted, held up or asked about here, also
not from a network where somebody guesses: whole offices and carriers share one, and the 128 random bits of a right
address are found by no number of guesses. What the limit spares is the database, and what it shows is that somebody
tries.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from connector.storage.engine import bulk
from connector.storage.engine.database import Database
from connector.storage.flow_control.rate_budget import Budget, left, used
from connector.storage.schema.tables import guesses

ALLOWED = Budget(per_minute=10, at_once=20)
"""Wrong addresses from one network: a broken line in a mail that a whole office got is some twenty of them."""

_UNTIL = select(guesses.c.until).where(guesses.c.network == bindparam("network"))
_COUNTED = bulk.Upsert(guesses, keys=("network",), newest="until")
_OVER = delete(guesses).where(guesses.c.until <= bindparam("now"))


class GuessLimit:
    """Shared by all processes; each remembers for itself until when a network has no guess left, and asks no more."""

    def __init__(self, database: Database, allowed: Budget = ALLOWED) -> None:
        self._database, self._allowed = database, allowed
        self._spent: dict[str, datetime] = {}

    def count(self, network: str, now: datetime) -> timedelta | None:
        """Count one guess. → how long to wait, if there is none left; then nothing is counted."""
        if (wait := self._remembered(network, now)) is not None:
            return wait
        until = self._database.transact(lambda tx: self._take(tx, network, now), lasting=False)
        if left(until, self._allowed, now) >= 1 or until is None:
            return None
        free_at = until - self._allowed.burst + self._allowed.pause
        return self._refused(network, free_at, now)

    def _take(self, tx: Connection, network: str, now: datetime) -> Any:
        """→ what was used up before a guess that may not be made; None: it may, and is counted."""
        self._database.lock(tx, [f"guess:{network}"])
        until = tx.execute(_UNTIL, {"network": network}).scalar_one_or_none()
        if left(until, self._allowed, now) < 1:
            return until
        tx.execute(_OVER, {"now": now})
        bulk.execute(tx, _COUNTED, [{"network": network, "until": used(until, self._allowed, 1, now)}])
        return None

    def _remembered(self, network: str, now: datetime) -> timedelta | None:
        free_at = self._spent.get(network)
        if free_at is not None and free_at > now:
            return free_at - now
        self._spent.pop(network, None)
        return None

    def _refused(self, network: str, free_at: datetime, now: datetime) -> timedelta:
        if len(self._spent) >= 10_000:  # somebody with very many networks: what is forgotten is only asked again
            self._spent.clear()
        self._spent[network] = free_at
        return free_at - now
