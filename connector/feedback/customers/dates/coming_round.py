"""On which days a date comes round. Pure.

Who was born on the 29th of February has their day on the 28th in other years: it stays in their month.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from connector.config.dates import CustomerDate

_DATE = 10  # characters of 2019-05-04, as moments begin, too


def read(facts: Mapping[str, Any], path: str) -> date | None:
    """The date of a fact; None where it is none."""
    found: Any = facts
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    if not isinstance(found, str) or found[_DATE : _DATE + 1] not in ("", "T", " "):
        return None
    try:
        return date.fromisoformat(found[:_DATE])
    except ValueError:
        return None


def in_year(given: date, year: int) -> date:
    """The day in that year."""
    try:
        return given.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def comes_round(rule: CustomerDate, given: date, first: date, last: date) -> Iterator[tuple[date, int]]:
    """The days from ``first`` to ``last`` on which the rule has its day, each with the years since the date; a yearly
    one begins a year after it, the one time is the date itself."""
    shift = timedelta(days=rule.days)
    years = range((first - shift).year, (last - shift).year + 1) if rule.yearly else (given.year,)
    for year in years:
        day = in_year(given, year) + shift
        if first <= day <= last and (year > given.year or not rule.yearly):
            yield day, year - given.year
