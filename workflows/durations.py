"""Time spans as people write them: "90 seconds", "7 days", "4 business hours", "2 business days"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from workflows.calendars import BusinessCalendar
from workflows.errors import DurationError

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_BUSINESS = frozenset({"minute", "hour", "day"})
_FORM = re.compile(r"\s*(\d{1,8})\s+(business\s+)?([a-z]+?)s?\s*", re.ASCII)
_LONGEST = timedelta(days=3660)
_REMEDY = 'Write a whole number and a unit, such as "90 seconds", "7 days" or "4 business hours".'


@dataclass(frozen=True, slots=True)
class Duration:
    """A span. ``unit`` is second, minute, hour, day or week; ``business`` counts open time only."""

    amount: int
    unit: str
    business: bool = False

    def after(self, now: datetime, calendar: BusinessCalendar) -> datetime:
        """The moment (aware, UTC as ``now``) when the span has passed. Raises DurationError if it never does."""
        if not self.business:
            return now + self.span
        if self.unit == "day":
            return calendar.add_days(now, self.amount)
        return calendar.add(now, self.span)

    @property
    def span(self) -> timedelta:
        """Its length in clock time; a week has 7 days, a day 24 hours."""
        return timedelta(seconds=self.amount * _SECONDS[self.unit])

    def __str__(self) -> str:
        return f"{self.amount} {'business ' * self.business}{self.unit}{'s' * (self.amount != 1)}"


@lru_cache(maxsize=1024)
def parse(text: str) -> Duration:
    """Read a span. Raises DurationError, with the remedy."""
    found = _FORM.fullmatch(text)
    if found is None or found[3] not in _SECONDS:
        raise DurationError(f'"{text[:60]}" is no time span. {_REMEDY}')
    duration = Duration(int(found[1]), found[3], found[2] is not None)
    if duration.business and duration.unit not in _BUSINESS:
        raise DurationError(f'"{text[:60]}": business time is counted in minutes, hours or days. {_REMEDY}')
    if duration.span > _LONGEST:
        raise DurationError(f'"{text[:60]}" is longer than ten years. Write a shorter span.')
    return duration
