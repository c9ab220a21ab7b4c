"""Which clock hangs on somebody's wall, as far as anybody told us; and which days are off there. Pure.

The better witness comes first: what the helpdesk says of the person, what a CRM or another system says, the country of
their telephone, the region of their locale, the brand, the house. Who says it is kept and shown.

A helpdesk gives en-US to everybody who reads English, so that locale says nothing outside the United States. A country
with several zones is all of them: a moment is allowed when it is in every one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.core import get_global

from connector.feedback.customers import phone_numbers
from connector.feedback.customers.identity import Customer
from connector.feedback.customers.phone_origins import country_named, origin_of
from workflows.quiet_hours import DayOff, QuietHours

_READ_BY_ALL = "en-us"
_SATURDAY = 5
_LONGEST = 64  # characters of a zone's name, as the table keeps it


@dataclass(frozen=True, slots=True)
class Home:
    """Where somebody is taken to be of whom nothing is known: the brand's zone ("" for none), the house's, and the
    country of phone numbers without +."""

    brand_zone: str = ""
    house_zone: str = "Europe/Amsterdam"
    country: str = "NL"


@lru_cache(maxsize=700)  # zoneinfo itself keeps eight, and reads the others from the disk each time
def _clock(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """``zones`` by their IANA names, in no order; ``country`` (two capitals, or "") is whose days off count; ``source``
    is who says so, as people read it."""

    zones: tuple[str, ...]
    country: str
    source: str

    @property
    def clocks(self) -> tuple[ZoneInfo, ...]:
        return tuple(map(_clock, self.zones))

    def __str__(self) -> str:
        named = self.zones[0] if len(self.zones) == 1 else f"all {len(self.zones)} zones of {self.country}"
        return f"{named} ({self.source})"


def whereabouts(customer: Customer, home: Home) -> Iterator[Whereabouts]:
    """What is said of the person's zone, the best first; the last, the house's, is always there."""
    facts = customer.facts
    yield from _of_zone(customer.time_zone, "the helpdesk")
    yield from _of_zone(facts.get("time_zone"), "the customer's record")
    told = next((c for c in map(country_named, _countries_in(facts)) if c), None)
    yield from _of_country(told, "the country on the customer's record")
    yield from _of_country(_phones_country(customer, home), "the country of their telephone")
    yield from _of_country(_region(customer.locale, home), f"their locale, {customer.locale}")
    yield from _of_zone(home.brand_zone, "the brand")
    yield from _of_zone(home.house_zone, "the house")


@lru_cache(maxsize=4_096)  # one answer a country, rule and day; looked at for every person
def _why_off(country: str, weekends: bool, holidays: bool, day: date) -> str:
    calendar = _calendar(country)
    if weekends and (calendar.is_weekend(day) if calendar is not None else day.weekday() >= _SATURDAY):
        return "a weekend"
    name = calendar.get(day) if holidays and calendar is not None else None
    return f"a holiday ({name})" if name else ""


def days_off(where: Whereabouts, rules: QuietHours) -> DayOff:
    """Weekends and holidays as that country has them, where the rules ask for them."""
    return lambda day: _why_off(where.country, rules.weekends, rules.holidays, day)


@lru_cache(maxsize=300)
def _calendar(country: str) -> Any:
    """The country's days off; None where nobody wrote them down."""
    import holidays  # here, because it is large

    try:
        return holidays.country_holidays(country)
    except NotImplementedError:
        return None


def _of_zone(name: Any, source: str) -> Iterator[Whereabouts]:
    if is_zone(name):
        yield Whereabouts((name,), _zone_countries().get(name, ""), source)


def _of_country(country: str | None, source: str) -> Iterator[Whereabouts]:
    zones = tuple(name for name in _country_zones().get(country or "", ()) if is_zone(name))
    if zones and country:
        yield Whereabouts(zones, country, source)


def is_zone(name: Any) -> bool:
    """Whether it is the name of a zone with a clock of its own; a name such as "Etc/Unknown" is none."""
    return isinstance(name, str) and 0 < len(name) <= _LONGEST and _is_known(name)


@lru_cache(maxsize=1_024)
def _is_known(name: str) -> bool:
    try:
        return bool(ZoneInfo(name).key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def _countries_in(facts: Mapping[str, Any]) -> Iterator[Any]:
    address = facts.get("address")
    for holder in (facts, address if isinstance(address, Mapping) else {}):
        yield from (holder.get(name) for name in ("country_code", "country"))


def _phones_country(customer: Customer, home: Home) -> str | None:
    number = phone_numbers.trait(customer.phone, origin_of({**customer.facts, "locale": customer.locale}, home.country))
    return phone_numbers.region_of(number) if number else None


def _region(locale: str | None, home: Home) -> str | None:
    """The region that a locale names; a language alone is read in many countries."""
    parts = (locale or "").replace("_", "-").lower().split("-")
    if "-".join(parts) == _READ_BY_ALL and home.country != "US":
        return None
    return next((part.upper() for part in parts[1:] if len(part) == 2), None)


def _country_zones() -> Mapping[str, Any]:
    return get_global("territory_zones")


def _zone_countries() -> Mapping[str, str]:
    return get_global("zone_territories")
