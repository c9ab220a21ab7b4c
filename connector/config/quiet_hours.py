"""Quiet hours as people write them: when nobody is asked, by the clock of whoever would be.

    quiet_hours: {from: "21:00", until: "08:00", weekends: true, holidays: true}
    quiet_hours: none                 # surveys leave at any hour
    quiet_hours:
      weekends: true
      brands: {night-shop: {from: "03:00", until: "11:00"}, hotline: none}

What is left out is as in the house: from 21:00 until 08:00, weekends and holidays as other days. A survey's own
``quiet_hours`` says the same of that survey, and comes before its brand's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import time
from typing import Any

from workflows.errors import DurationError
from workflows.quiet_hours import NEVER_QUIET, QuietHours

NONE = "none"
_TIME = re.compile(r"(\d{1,2}):(\d\d)", re.ASCII)
_REMEDY = 'Write {from: "21:00", until: "08:00", weekends: true, holidays: true}, or none.'
_TIME_REMEDY = 'Write it in quotes, as "21:00".'


@dataclass(frozen=True, slots=True)
class QuietChange:
    """What differs from the rules above it: the fields of ``QuietHours`` that are given; ``off``: nothing is quiet."""

    given: tuple[tuple[str, Any], ...] = ()
    off: bool = False

    def on(self, rules: QuietHours) -> QuietHours:
        """The rules with these changes. Raises DurationError where the two times become one."""
        if self.off:
            return NEVER_QUIET
        given = dict(self.given)
        if rules.start is None and given.keys() & {"start", "until"}:  # the one that is not said is the usual one
            rules = replace(rules, start=QuietHours().start, until=QuietHours().until)
        return replace(rules, **given)

    def written(self) -> Any:
        """As in the file."""
        if self.off:
            return NONE
        return {_WRITTEN.get(n, n): f"{v:%H:%M}" if isinstance(v, time) else v for n, v in self.given}


UNCHANGED = QuietChange()


@dataclass(frozen=True, slots=True)
class QuietRules:
    """The house's quiet hours, and those of its brands."""

    house: QuietHours = field(default_factory=QuietHours)
    brands: Mapping[str, QuietChange] = field(default_factory=dict)

    def of(self, brand: str, survey: QuietChange | None) -> QuietHours:
        """The rules for a survey of a brand."""
        return (survey or UNCHANGED).on(self.brands.get(brand, UNCHANGED).on(self.house))


def rules_of(value: Any) -> QuietRules:
    """The house's rules. Raises ValueError with the remedy on a second line."""
    if not isinstance(value, Mapping):
        return QuietRules(_on(change_of(value), QuietHours()))
    brands = value.get("brands") or {}
    if not isinstance(brands, Mapping):
        raise ValueError("brands must be a mapping.\nWrite {brand: {from: …, until: …}}.")  # noqa: TRY004
    house = _on(change_of({name: each for name, each in value.items() if name != "brands"}), QuietHours())
    changes = {str(name): change_of(each) for name, each in brands.items()}
    for change in changes.values():
        _on(change, house)
    return QuietRules(house, changes)


def change_of(value: Any) -> QuietChange:
    """Raises ValueError with the remedy on a second line."""
    if value == NONE:
        return QuietChange(off=True)
    if not isinstance(value, Mapping):
        raise ValueError(f"{str(value)[:40]!r} is neither a mapping nor {NONE}.\n{_REMEDY}")  # noqa: TRY004
    if unknown := sorted(str(name) for name in value if name not in _READ):
        raise ValueError(f"{unknown[0]!r} is not known here.\n{_REMEDY}")
    given = [(_FIELDS.get(name, name), _READ[name](name, value[name])) for name in _READ if name in value]
    change = QuietChange(tuple(given))
    _on(change, QuietHours())
    return change


def _on(change: QuietChange, rules: QuietHours) -> QuietHours:
    try:
        return change.on(rules)
    except DurationError:
        raise ValueError(f"from and until are the same time.\nTo ask at any hour write {NONE}.") from None


def _time(name: str, value: Any) -> time:
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    try:
        if found:
            return time(int(found[1]) % 24 if value == "24:00" else int(found[1]), int(found[2]))
    except ValueError:
        pass
    raise ValueError(f"{name}: {str(value)[:20]!r} is no time of day.\n{_TIME_REMEDY}")


def _flag(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError(f"{name}: {str(value)[:20]!r} is neither true nor false.\nWrite true or false.")


_FIELDS: Mapping[str, str] = {"from": "start"}
_WRITTEN: Mapping[str, str] = {"start": "from"}
_READ = {"from": _time, "until": _time, "weekends": _flag, "holidays": _flag}
