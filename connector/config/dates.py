"""Dates of customers that come round, as people write them.

    dates:
      - {field: customer.since}                                    # every year, as customer.anniversary
      - {field: customer.birthday, kind: birthday}
      - {field: customer.contract.end, event: contract.ending, days: -30, every: once}     # a month before, one time

``field`` is any fact of the customer that holds a date (2019-05-04, or a moment that begins with one). ``kind`` is how
conditions tell them apart (``event.kind == "birthday"``), the fact's last name where it is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ANNIVERSARY = "customer.anniversary"
YEAR, ONCE = "year", "once"
_FIELD = re.compile(r"(?:customer\.)?([A-Za-z_]\w{0,59}(?:\.[A-Za-z_]\w{0,59}){0,3})", re.ASCII)
_TYPE = re.compile(r"[a-z][a-z0-9_]{0,39}(?:\.[a-z][a-z0-9_]{0,39}){1,3}", re.ASCII)
_KIND = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)
_KEYS = ("field", "kind", "event", "days", "every")
_MOST_DAYS = 180
_LONGEST_TYPE = 60
_REMEDY = "Write a list: [{field: customer.since}, {field: customer.birthday, kind: birthday}]."


@dataclass(frozen=True, slots=True)
class CustomerDate:
    """``field`` is the path among the facts; ``days`` moves the day, before it where negative; ``yearly``: each year,
    else the one time."""

    field: str
    kind: str
    event: str = ANNIVERSARY
    days: int = 0
    yearly: bool = True


def dates_of(value: Any) -> tuple[CustomerDate, ...]:
    """Raises ValueError with the remedy on a second line."""
    if not isinstance(value, list):
        raise ValueError(f"is no list.\n{_REMEDY}")  # noqa: TRY004 - the file is wrong, not the program
    found = tuple(_date(each) for each in value)
    kinds = [(each.event, each.kind) for each in found]
    if twice := next((kind for kind in kinds if kinds.count(kind) > 1), None):
        raise ValueError(f"has two of kind {twice[1]!r}.\nGive each a kind of its own.")
    return found


def _date(given: Any) -> CustomerDate:
    if not isinstance(given, Mapping) or not set(given) <= set(_KEYS):
        remedy = f"Each has {', '.join(_KEYS)}; only field must be there."
        raise ValueError(f"{str(given)[:40]!r} is not known here.\n{remedy}")
    named = _FIELD.fullmatch(str(given.get("field") or ""))
    if named is None:
        raise ValueError(f"field: {str(given.get('field'))[:40]!r} is no fact.\nName one as customer.since.")
    kind, event = given.get("kind", named[1].split(".")[-1].lower()), given.get("event", ANNIVERSARY)
    days, every = given.get("days", 0), given.get("every", YEAR)
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise ValueError(f"kind: {str(kind)[:40]!r} is no name.\nUse small letters, digits, - and _.")
    if not isinstance(event, str) or len(event) > _LONGEST_TYPE or not _TYPE.fullmatch(event):
        raise ValueError(f"event: {str(event)[:40]!r} is no type of events.\nWrite one as {ANNIVERSARY}.")
    if not isinstance(days, int) or isinstance(days, bool) or abs(days) > _MOST_DAYS:
        remedy = f"Give a whole number from -{_MOST_DAYS} to {_MOST_DAYS}."
        raise ValueError(f"days: {str(days)[:20]!r} is no number of days.\n{remedy}")
    if every not in (YEAR, ONCE):
        raise ValueError(f"every: {str(every)[:20]!r} is not known.\nWrite {YEAR} or {ONCE}.")
    return CustomerDate(named[1], kind, event, days, every == YEAR)
