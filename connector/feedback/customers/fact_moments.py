"""The moment of each fact that is known of a person: messages come in any order, and an older fact never takes the
place of a newer one.

A fact is as old as what told it: a record's last change, an event's time, a look-up's own moment. What tells none is as
old as its receipt. A customer of before this was kept has no moments; whatever is told then is newer. Of two facts of
one moment the one that comes later counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

Known = Mapping[str, str]
"""Fact → its moment (``text``)."""


def text(moment: datetime) -> str:
    """A moment (aware) as text that sorts by time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def fresh(known: Known, names: Iterable[str], at: str) -> set[str]:
    """Those facts that are not known of a later moment than ``at``."""
    return {name for name in names if known.get(name, "") <= at}


def later(one: Known, other: Known, name: str) -> bool:
    """Whether ``other`` knows the fact of a later moment."""
    return other.get(name, "") > one.get(name, "")


def latest(one: Known, other: Known) -> dict[str, str]:
    """The later moment of each fact."""
    return {name: max(one.get(name, ""), other.get(name, "")) for name in (*one, *other)}
