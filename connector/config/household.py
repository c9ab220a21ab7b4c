"""Who lives under one roof, for a house that asks one of them at a time. Off unless it is configured.

    household: {by: [address, phone, customer.household_id], days: 30}

``address`` is the same address line, ``phone`` the same line (a mobile is one person's, and counts for none else), a
name behind ``customer.`` any fact that members share. ``days`` is as in ``fatigue_days`` where it is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ADDRESS, PHONE, FACT = "address", "phone", "customer."
_FACT = re.compile(r"customer(\.[A-Za-z_]\w{0,59}){1,4}", re.ASCII)
_REMEDY = "Write {by: [address, phone, customer.household_id], days: 30}."


@dataclass(frozen=True, slots=True)
class Household:
    """``by``: address, phone, or customer.<fact>; none: no household is kept in mind. ``days`` None: as for a
    person."""

    by: tuple[str, ...] = ()
    days: int | None = None


def household_of(value: Any) -> Household:
    """Raises ValueError with the remedy on a second line."""
    if not isinstance(value, Mapping) or not set(value) <= {"by", "days"}:
        raise ValueError(f"is no mapping of by and days.\n{_REMEDY}")
    by = value.get("by")
    if not isinstance(by, list) or not by:
        raise ValueError(f"by says nothing that a household shares.\n{_REMEDY}")
    for each in by:
        if each not in (ADDRESS, PHONE) and not (isinstance(each, str) and _FACT.fullmatch(each)):
            raise ValueError(f"by: {str(each)[:40]!r} is not known.\n{_REMEDY}")
    days = value.get("days")
    if days is not None and (not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= 3650):
        raise ValueError(f"days: {str(days)[:20]!r} is no number of days.\nGive a whole number from 1 to 3650.")
    return Household(tuple(by), days)
