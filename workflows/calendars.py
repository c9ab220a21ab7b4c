"""Business time: when the house is open, so that "4 business hours" means working hours.

All sums are made on absolute time, opening by opening, so a day that the clock changes on has the length it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from workflows.errors import DurationError

Opening = tuple[time, time]

_OFFICE: tuple[Opening, ...] = ((time(9), time(17)),)
_HORIZON = 3660  # days that are looked at before we say that the house never opens


def _weekdays() -> Mapping[int, tuple[Opening, ...]]:
    return dict.fromkeys(range(5), _OFFICE)


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """When the house is open. ``hours``: weekday (Monday 0) → openings in local time, in order, not touching.

    An opening that ends at 00:00 ends at midnight. Raises DurationError for an unknown time zone or an opening
    that ends before it begins.
    """

    timezone: str = "Europe/Amsterdam"
    hours: Mapping[int, tuple[Opening, ...]] = field(default_factory=_weekdays)
    holidays: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        _zone(self.timezone)
        for weekday, openings in self.hours.items():
            _check(weekday, openings)

    def add(self, now: datetime, span: timedelta) -> datetime:
        """The moment (UTC) when ``span`` of open time has passed since ``now`` (aware)."""
        left = span
        for opens, closes in self._openings(now):
            start = max(opens, now)
            if closes - start >= left:
                return start + left
            left -= closes - start
        raise DurationError(self._never())

    def add_days(self, now: datetime, days: int) -> datetime:
        """The same time of day, ``days`` open days later, kept within that day's hours (UTC).

        Counting begins at the next opening when the house is closed ``now``.
        """
        start = self.add(now, timedelta())
        clock = start.astimezone(_zone(self.timezone)).time()
        open_days = self._days(start)
        for _ in range(days):
            next(open_days, None)
        chosen = next(open_days, None)
        if chosen is None:
            raise DurationError(self._never())
        return self._within(chosen, clock)

    def _within(self, day: date, clock: time) -> datetime:
        """That time of day, moved to the nearest moment when the day is open."""
        wanted = self._instant(day, clock)
        for opens, closes in self._of(day):
            if wanted <= closes:
                return max(opens, wanted)
        return closes

    def _openings(self, now: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Openings (UTC) that end after ``now``, in order."""
        for day in self._days(now):
            for opens, closes in self._of(day):
                if closes > now:
                    yield opens, closes

    def _days(self, now: datetime) -> Iterator[date]:
        """The open days from ``now``'s local day on."""
        today = now.astimezone(_zone(self.timezone)).date()
        for offset in range(_HORIZON):
            day = today + timedelta(days=offset)
            if day not in self.holidays and self.hours.get(day.weekday()):
                yield day

    def _of(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        for opens, closes in self.hours[day.weekday()]:
            last = day + timedelta(days=1) if closes == time(0) else day
            yield self._instant(day, opens), self._instant(last, closes)

    def _instant(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, _zone(self.timezone)).astimezone(UTC)

    def _never(self) -> str:
        return f"The business hours of {self.timezone} hold no open time to count. Give at least one weekday hours."


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        remedy = 'Use a name such as "Europe/Amsterdam".'
        raise DurationError(f'timezone "{name}" is not known. {remedy}') from error


def _check(weekday: int, openings: tuple[Opening, ...]) -> None:
    before = time(0)
    for opens, closes in openings:
        if opens < before or (closes <= opens and closes != time(0)):
            remedy = "Give the openings of a day in order, each ending after it begins."
            raise DurationError(f"hours[{weekday}]: {opens:%H:%M}–{closes:%H:%M} does not fit. {remedy}")
        before = closes if closes != time(0) else time.max
