"""Rate budgets, shared by all workers: one row per connection, by the generic cell rate algorithm.

``budget_until`` is the moment at which all requests made so far would have been made at the allowed pace. Requests
may run ahead of that pace by one burst. Who counts holds the connection's claim lock, so the count is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

_BURST_SECONDS = 5.0
"""How far ahead of an even pace requests may run: what five seconds allow may go out at once."""


CONCURRENCY = 64
"""Calls side by side on a connection, unless its configuration says otherwise."""


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


def left(until: datetime | None, budget: Budget, now: datetime) -> int:
    """How many requests may be made now; ``until`` is the connection's ``budget_until``."""
    ahead = max(until or now, now) - now
    return max(0, int((budget.burst - ahead) / budget.pause))


def used(until: datetime | None, budget: Budget, count: int, now: datetime) -> datetime:
    """The new ``budget_until`` after requests that are about to be made."""
    return max(until or now, now) + count * budget.pause
