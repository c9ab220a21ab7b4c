"""Time as the stand-ins see it: handed in, aware, UTC; and the vendors' ways to write it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The machine's own time."""
    return datetime.now(UTC)


def zulu(moment: datetime) -> str:
    """Whole seconds, as "2025-01-08T10:12:07Z"."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text: str) -> datetime:
    """Read an ISO 8601 moment; without an offset it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text.strip().replace(" ", "+"))  # a "+" in a query string arrives as a space
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
