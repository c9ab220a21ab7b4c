"""How the connections name their records. One record has one name here, however it was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


def as_told(value: str) -> str | None:
    """Where an id has one form only."""
    return value or None


@dataclass(frozen=True, slots=True)
class RecordIds:
    """By connection: an id's one name (None for what is no id), and what is wrong with one ("" if nothing is).

    A system is a connection, or a part of one ("salesforce/lead"); of others ids are as they are told.
    """

    canonicals: Mapping[str, Callable[[str], str | None]] = field(default_factory=dict)
    faults: Mapping[str, Callable[[str], str]] = field(default_factory=dict)

    def canonical(self, system: str, value: str | None) -> str | None:
        return self.canonicals.get(system.partition("/")[0], as_told)(value) if value else None

    def fault(self, system: str, value: str) -> str:
        find = self.faults.get(system.partition("/")[0])
        return find(value) if find else ""


PLAIN = RecordIds()
"""No connection has ids that are written in several ways."""
