"""Quiet hours: when nobody is written to, by the clock on the recipient's own wall. Pure.

A rule speaks of wall-clock times and of days as the recipient has them. So a night is quiet from 21:00 to 08:00 also
when the clock changes in it, and lasts ten, eleven or twelve hours as that night does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from workflows.errors import DurationError

DayOff = Callable[[date], str]
"""Why a day is quiet from its beginning to its end ("a weekend"), or "" if it is not."""

_STEPS = 800
"""Ends of quiet times that are looked at: more than a year of days off in two zones."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """``start`` is quiet, ``until`` no more; both None: no hour is. Days off are quiet as a whole.

    The default keeps to the hours in which the FCC lets people be called at home, 8 a.m. to 9 p.m. by their own clock
    (47 CFR 64.1200(c)(1)); for mail no rule is known to us that is stricter. Raises DurationError when the two are one.
    """

    start: time | None = time(21)
    until: time | None = time(8)
    weekends: bool = False
    holidays: bool = False

    def __post_init__(self) -> None:
        if (self.start is None) != (self.until is None) or (self.start is not None and self.start == self.until):
            raise DurationError("Quiet hours need a beginning and an end, and the two must differ.")

    def covers(self, wall: time) -> bool:
        """Whether the hours have this time of day among them; a span may go past midnight."""
        if self.start is None or self.until is None:
            return False
        if self.start < self.until:
            return self.start <= wall < self.until
        return wall >= self.start or wall < self.until

    def __str__(self) -> str:
        return f"quiet hours {self.start:%H:%M}–{self.until:%H:%M}" if self.start and self.until else "no quiet hours"


NEVER_QUIET = QuietHours(None, None)


def why_quiet(rules: QuietHours, moment: datetime, zones: Sequence[ZoneInfo], day_off: DayOff) -> str:
    """What makes the moment (aware) quiet in one of the zones; "" when nothing does."""
    return next((why for zone in zones if (why := _why(rules, moment.astimezone(zone), day_off))), "")


def next_allowed(
    rules: QuietHours, moment: datetime, zones: Sequence[ZoneInfo], day_off: DayOff
) -> datetime | None:
    """The first moment (UTC), from ``moment`` on, that is quiet in none of the zones; None: there is none in a year."""
    at = moment.astimezone(UTC)
    for _ in range(_STEPS):
        ends = [_end(rules, at, zone, day_off) for zone in zones if _why(rules, at.astimezone(zone), day_off)]
        if not ends:
            return at
        at = max(ends)
    return None


def _why(rules: QuietHours, local: datetime, day_off: DayOff) -> str:
    return day_off(local.date()) or (str(rules) if rules.covers(local.time()) else "")


def _end(rules: QuietHours, at: datetime, zone: ZoneInfo, day_off: DayOff) -> datetime:
    """When this quiet time may end: the day does, or the wall's clock shows ``until``."""
    local = at.astimezone(zone)
    tomorrow = local.date() + timedelta(days=1)
    if day_off(local.date()):
        return _first_after(at, datetime.combine(tomorrow, time(), zone))
    until = rules.until or time()
    return _first_after(at, datetime.combine(local.date() if local.time() < until else tomorrow, until, zone))


def _first_after(at: datetime, wall: datetime) -> datetime:
    """The first moment after ``at`` when the wall shows this. A time that the clock shows twice has two; one that it
    leaps over is taken by the offset before and by the one after."""
    shown = sorted(wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return next((moment for moment in shown if moment > at), at + timedelta(hours=1))
