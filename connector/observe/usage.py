"""The day's calls at a vendor: how many are used, and when they will be at this pace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from connector.observe.findings import Finding, ok, warning
from connector.storage.flow_control import api_usage

LOOKS_BACK = timedelta(hours=6)
"""The pace is that of so long."""

FRESH = timedelta(hours=2)
"""What was seen longer ago says nothing of now."""

_SHORTEST = timedelta(minutes=10)
_SOON = 6.0  # hours
_REMEDY = (
    "See Setup → System Overview → API Usage for who makes them; raise the limit, lower api_reserve, "
    "or let fewer answers be written."
)


@dataclass(frozen=True, slots=True)
class Forecast:
    """``used`` of ``total`` calls of the last 24 hours. ``an_hour``: by how much that number rises an hour, None
    when too little is known. ``hours``: until only the reserve is left; None: never at this pace."""

    connection: str
    used: int
    total: int
    an_hour: float | None
    hours: float | None


def forecast(connection: str, rows: Sequence[Any], reserve: float, now: datetime) -> Forecast | None:
    """From rows (seen_at, used, total), oldest first; ``reserve`` (0…1) is not ours. None: nothing fresh is known.

    The number is a sliding one (a call leaves it after 24 hours), so it is simply drawn on as a line.
    """
    if not rows or now - rows[-1].seen_at > FRESH:
        return None
    last = rows[-1]
    first = next(row for row in rows if last.seen_at - row.seen_at <= LOOKS_BACK)
    span = last.seen_at - first.seen_at
    an_hour = (last.used - first.used) / (span / timedelta(hours=1)) if span >= _SHORTEST else None
    left = last.total * (1 - reserve) - last.used
    hours = 0.0 if left <= 0 else left / an_hour if an_hour is not None and an_hour > 0 else None
    return Forecast(connection, last.used, last.total, an_hour, hours)


def forecasts(tx: Connection, reserve: Callable[[str], float], now: datetime) -> list[Forecast]:
    """Of every connection of which something is known."""
    found = (forecast(name, rows, reserve(name), now) for name, rows in api_usage.seen(tx).items())
    return [each for each in found if each is not None]


def check_usage(found: Sequence[Forecast]) -> Iterator[Finding]:
    """A line for each: how it stands, and what is coming."""
    for each in found:
        check = f"calls at {each.connection}"
        said = f"{each.used:,} of {each.total:,} in the last 24 hours{_pace(each)}"
        if each.hours is not None and each.hours <= _SOON:
            yield warning(check, f"{said}; {_end(each.hours)}.", _REMEDY)
        else:
            yield ok(check, said if each.hours is None else f"{said}; {_end(each.hours)}")


def _pace(each: Forecast) -> str:
    return "" if each.an_hour is None else f", {each.an_hour:+,.0f} an hour"


def _end(hours: float) -> str:
    if hours == 0:
        return "only the reserve of other integrations is left, so ours wait"
    return f"only the reserve of other integrations is left in {hours:,.1f} hours"
