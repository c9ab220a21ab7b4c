"""How the connections name their records. One record has one name here, however it was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class IdForm:
    """How one vendor writes ids: ``canonical`` is an id's one name (None for what is no id), ``forms`` are all the ways
    in which it may be written, ``fault`` says what is wrong with one ("" if nothing is)."""

    canonical: Callable[[str], str | None] = str
    forms: Callable[[str], Sequence[str]] = lambda value: (value,)
    fault: Callable[[str], str] = lambda _: ""


AS_TOLD = IdForm()
"""Where an id has one form only."""


@dataclass(frozen=True, slots=True)
class RecordIds:
    """By connection, how it writes ids.

    A system is a connection, or a part of one ("salesforce/lead"); of others ids are as they are told.
    """

    by_connection: Mapping[str, IdForm] = field(default_factory=dict)

    def canonical(self, system: str, value: str | None) -> str | None:
        return self._of(system).canonical(value) if value else None

    def forms(self, system: str, value: str) -> Sequence[str]:
        return self._of(system).forms(value)

    def fault(self, system: str, value: str) -> str:
        return self._of(system).fault(value)

    def _of(self, system: str) -> IdForm:
        return self.by_connection.get(system.partition("/")[0], AS_TOLD)


PLAIN = RecordIds()
"""No connection has ids that are written in several ways."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """How records and phone numbers are written that a house hears of: ``country`` is where numbers without + are
    from."""

    ids: RecordIds
    country: str = "NL"
