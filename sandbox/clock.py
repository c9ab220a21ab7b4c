"""Time as the stand-ins see it: handed in, aware, UTC; and the vendors' ways to write it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The machine's own time."""
    return datetime.now(UTC)


class HandClock:
    """A clock that stands still until it is moved: time for tests and for a demo in fast motion."""

    def __init__(self, start: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) -> None:
        self.now = start

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> datetime:
        """Go on, as ``move(hours=2)``. → the new time."""
        self.now += timedelta(**by)
        return self.now


def zulu(moment: datetime) -> str:
    """Whole seconds, as "2025-01-08T10:12:07Z"."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text: str) -> datetime:
    """Read an ISO 8601 moment; without an offset it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(
        text.strip().replace(" ", "+")
    )  # a "+" in a query string arrives as a space
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
