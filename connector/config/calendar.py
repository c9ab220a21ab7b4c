"""Business hours and holidays as people write them.

hours: mon-fri 09:00-17:30
hours: mon, wed, fri 09:00-17:00
hours: {mon-thu: "09:00-12:30, 13:00-17:00", fri: "09:00-16:00"}
hours: [mon-thu 09:00-17:00, fri 09:00-16:00]
holidays: NL                      # a country, or a part of one: DE-BY
holidays: [NL, 2026-12-24]        # countries and days of your own
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any

from connector.config.weekdays import weekdays
from workflows.calendars import BusinessCalendar, Opening

_YEARS = range(2020, 2051)
_HOURS_REMEDY = 'Write "mon-fri 09:00-17:30", or a mapping: {mon-thu: "09:00-17:00", fri: "09:00-16:00"}.'
_HOLIDAYS_REMEDY = "Write a country as NL or DE-BY, days as 2026-12-24, or a list of both."
_OPENING = re.compile(r"(\d{1,2}):(\d\d)\s*[-–]\s*(\d{1,2}):(\d\d)", re.ASCII)
_BEGINS = re.compile(r"(?P<days>\D*)(?P<openings>.*)", re.DOTALL)
_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def hours_of(value: Any) -> Mapping[int, tuple[Opening, ...]]:
    """Weekday (Monday 0) → its openings, in order. Raises ValueError with the remedy on a second line."""
    hours: dict[int, tuple[Opening, ...]] = {}
    for days, openings in _groups(value):
        named = dict.fromkeys(weekdays(days), tuple(sorted(_openings(openings))))
        if again := hours.keys() & named:
            raise ValueError(f"{days!r} names {_NAMES[min(again)]} a second time.\nGive each day its openings once.")
        hours |= named
    return BusinessCalendar("UTC", hours).hours  # which refuses openings that overlap


def holidays_of(value: Any) -> frozenset[date]:
    """The days on which nobody works, 2020 to 2050. Raises ValueError with the remedy on a second line."""
    parts = value if isinstance(value, list) else [value]
    return frozenset(day for part in parts for day in _holidays(part))


def _groups(value: Any) -> Iterator[tuple[str, Any]]:
    """Days and their openings, as a mapping has them, or a text, or a list of such texts."""
    if isinstance(value, Mapping) and value:
        yield from value.items()
        return
    for text in value if isinstance(value, list) and value else [value]:
        found = _BEGINS.fullmatch(text) if isinstance(text, str) else None
        if found is None or (isinstance(value, list) and not found["openings"]):
            raise ValueError(f"cannot be read.\n{_HOURS_REMEDY}")
        yield found["days"].strip(), found["openings"]


def _openings(given: Any) -> Iterator[Opening]:
    for part in given if isinstance(given, list) and given else str(given).split(","):
        found = _OPENING.fullmatch(str(part).strip())
        if found is None:
            raise ValueError(f"{str(part).strip()!r} is no opening.\n{_HOURS_REMEDY}")
        yield _time(found[1], found[2]), _time(found[3], found[4])


def _time(hour: str, minute: str) -> time:
    try:
        return time(int(hour) % 24 if (hour, minute) == ("24", "00") else int(hour), int(minute))
    except ValueError:
        raise ValueError(f"{hour}:{minute} is no time of day.\n{_HOURS_REMEDY}") from None


def _holidays(value: Any) -> frozenset[date]:
    if not isinstance(value, str):
        message = f"{value!r} is neither a country nor a day.\n{_HOLIDAYS_REMEDY}"
        raise ValueError(message)  # noqa: TRY004 - the file is wrong, not the program
    return frozenset([_day(value)]) if value[:1].isdigit() else _country(value)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no day.\n{_HOLIDAYS_REMEDY}") from None


def _country(code: str) -> frozenset[date]:
    import holidays  # here, because it is large and only a configured country needs it

    country, dash, part = code.partition("-")
    if dash and not part:  # read as the whole country, it would hide what was forgotten
        raise ValueError(f"{code!r} names no part of {country}.\n{_HOLIDAYS_REMEDY}")
    try:
        return frozenset(holidays.country_holidays(country, subdiv=part or None, years=_YEARS))
    except (NotImplementedError, KeyError) as error:
        raise ValueError(f"{code!r} is no country we know.\n{_HOLIDAYS_REMEDY}") from error
