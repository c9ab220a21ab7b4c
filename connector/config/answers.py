"""When an answer counts: how long a person is left alone with it before anything follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from workflows.durations import parse

LONGEST_WINDOW = timedelta(days=7)
"""Whoever waits longer for an answer to count calls nobody back in time."""


@dataclass(frozen=True, slots=True)
class SettlingWindows:
    """After *Send*, and after the last touch of who never sends. Zero is at once."""

    settle_after_send: timedelta = timedelta(minutes=2)
    settle_after_touch: timedelta = timedelta(minutes=30)

    @property
    def longest(self) -> timedelta:
        """No answer settles further ahead than this; a minute at least, for what is tried again."""
        return max(self.settle_after_send, self.settle_after_touch, timedelta(minutes=1))


def window_of(value: object) -> timedelta:
    """A window. Raises ValueError and DurationError with the remedy."""
    if value == 0 and not isinstance(value, bool):
        return timedelta()
    if not isinstance(value, str) or not value:
        raise ValueError('is no time span.\nWrite one as "2 minutes", or 0 for at once.')
    duration = parse(value)
    if duration.business:
        raise ValueError("counts business time.\nWrite minutes or hours, as 30 minutes.")
    if duration.span > LONGEST_WINDOW:
        raise ValueError("is longer than 7 days.\nGive it a week at most: nobody is called back before.")
    return duration.span
