"""One thing that is done by the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """``run`` must be harmless to do twice, and in several processes at once. Times are in seconds."""

    name: str
    run: Callable[[], None]
    every: float
    jitter: int = 0
    """So that processes that started together do not always look at the same moment."""
    at_start: bool = False
    """Also at once, when the scheduler starts."""
