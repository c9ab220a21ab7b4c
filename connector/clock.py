"""Time, handed in: tests and the simulation bring their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the present moment, aware, UTC."""


def system_clock() -> datetime:
    return datetime.now(UTC)
