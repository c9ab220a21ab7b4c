"""Workflows and surveys at a glance: the newest version of each, and whether it does anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from connector.runtime.operations.definition_rules import DefinitionRules
from connector.runtime.operations.errors import UnknownError
from connector.storage.engine.database import Database
from connector.storage.stores import definition_states, definitions
from connector.storage.stores.definition_states import DefinitionState
from connector.storage.stores.definitions import Definition, DefinitionKind, digest_of
from workflows import differences, schema
from workflows.differences import Line
from workflows.errors import DefinitionError

_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")


class DefinitionStanding(StrEnum):
    """Whether a definition does anything, and if not, why."""

    ACTIVE = "active"
    OFF = "switched off"  # by its text, or by a person
    RETIRED = "retired"  # its file is gone
    UNREADABLE = "unreadable"  # an older version of the program took it; it starts nothing


@dataclass(frozen=True, slots=True)
class DefinitionLine:
    """The newest version of a workflow or survey. ``trigger`` is a workflow's, "" of others and where nobody can read
    it. ``differs``: file and browser do, and nobody has decided. ``off_by``: the person who switched it off, "" when
    its text does."""

    slug: str
    version: int
    state: DefinitionStanding
    differs: bool
    origin: str
    author: str
    trigger: str
    name: str
    since: datetime
    off_by: str
    off_reason: str


@dataclass(frozen=True, slots=True)
class Compared:
    """Two texts of one definition: which they are ("version 3", "file"), their lines, and what the difference means.
    ``file``: the digest of the file's text where it is the second one."""

    before: str
    after: str
    lines: tuple[Line, ...]
    meaning: tuple[str, ...]
    file: str | None = None


class DefinitionReader:
    """What commands, API and pages show of workflows and surveys."""

    def __init__(self, database: Database, rules: Mapping[DefinitionKind, DefinitionRules]) -> None:
        self._database, self._rules = database, rules

    def overview(self, kind: DefinitionKind) -> list[DefinitionLine]:
        """Of each slug its newest version, by slug."""
        with self._database.read() as tx:
            return overview(tx, kind, self._rules[kind].parse)

    def one(self, kind: DefinitionKind, slug: str) -> tuple[Definition, DefinitionLine, DefinitionState]:
        """The newest version of one, whole. Raises UnknownError."""
        with self._database.read() as tx:
            newest = known_version(tx, kind, slug)
            state = definition_states.state_of(tx, kind, slug)
        return newest, line_of(newest, state, self._rules[kind].parse), state

    def versions(self, kind: DefinitionKind, slug: str) -> list[Definition]:
        """The newest first. Raises UnknownError."""
        with self._database.read() as tx:
            known_version(tx, kind, slug)
            return definitions.versions(tx, kind, slug)

    def version(self, kind: DefinitionKind, slug: str, number: int | None = None) -> Definition:
        """One version; without a number the newest. Raises UnknownError."""
        with self._database.read() as tx:
            return known_version(tx, kind, slug, number)

    def difference(
        self, kind: DefinitionKind, slug: str, before: int | None = None, after: int | None = None
    ) -> Compared:
        """Of two versions. Without numbers: the newest and the one before it, or, where file and browser differ, the
        version in force and the file. Raises UnknownError."""
        with self._database.read() as tx:
            newest = known_version(tx, kind, slug)
            waiting = definition_states.state_of(tx, kind, slug).waiting
            if waiting is not None and before is None and after is None:
                return self._compared(kind, newest, waiting, "file", digest_of(waiting))
            last = newest if after is None else known_version(tx, kind, slug, after)
            first = known_version(tx, kind, slug, before) if before is not None else _before(tx, last)
        return self._compared(kind, first, last.body, f"version {last.version}")

    def compare(self, first: Definition, text: str, called: str) -> Compared:
        """A version and a text that somebody has, which they call so."""
        return self._compared(DefinitionKind(first.kind), first, text, called)

    def _compared(
        self, kind: DefinitionKind, first: Definition, last: str, called: str, file: str | None = None
    ) -> Compared:
        lines = tuple(differences.lines(first.body, last))
        return Compared(f"version {first.version}", called, lines, self._meaning(kind, first.body, last), file)

    def _meaning(self, kind: DefinitionKind, before: str, after: str) -> tuple[str, ...]:
        """Of workflows that can be read; of others the lines say all there is."""
        if kind is not DefinitionKind.WORKFLOW or not after:
            return ()
        try:
            old, new = (schema.to_dict(schema.load(text)) for text in (before, after))
        except DefinitionError:
            return ()
        return tuple(str(each) for each in differences.semantic(old, new))


def overview(tx: Connection, kind: DefinitionKind, parse: Callable[[str, str], Any]) -> list[DefinitionLine]:
    """Of each slug its newest version, by slug."""
    states = definition_states.states(tx, kind)
    return [
        line_of(each, states.get(each.slug, DefinitionState(kind, each.slug)), parse)
        for each in definitions.newest(tx, kind)
    ]


def _before(tx: Connection, version: Definition) -> Definition:
    """The one before it; of the first one itself."""
    return definitions.find(tx, version.kind, version.slug, version.version - 1) or version


def known_version(tx: Connection, kind: DefinitionKind, slug: str, number: int | None = None) -> Definition:
    """One version; without a number the newest. Raises UnknownError."""
    found = definitions.find(tx, kind, slug, number) if _SLUG.fullmatch(slug) else None
    if found is None:
        what = kind.value if number is None else f"version {number} of the {kind.value}"
        raise UnknownError(what, slug[:60], f"`ringback {kind.value} list` shows those there are.")
    return found


def line_of(each: Definition, state: DefinitionState, parse: Callable[[str, str], Any]) -> DefinitionLine:
    """One version at a glance."""
    try:
        read = parse(each.body, each.slug)
    except DefinitionError:
        read = None
    trigger = getattr(read, "trigger", None)
    return DefinitionLine(
        slug=each.slug,
        version=each.version,
        state=_standing(each, state, read),
        differs=state.differs,
        origin=each.origin,
        author=each.author,
        trigger=trigger.told if trigger is not None else "",
        name=read.name if read is not None else "",
        since=each.created_at,
        off_by=state.off_by,
        off_reason=state.off_reason,
    )


def _standing(each: Definition, state: DefinitionState, read: Any) -> DefinitionStanding:
    if read is None:
        return DefinitionStanding.UNREADABLE
    if not each.active:
        return DefinitionStanding.RETIRED
    is_off = state.off_at is not None or not getattr(read, "enabled", True)
    return DefinitionStanding.OFF if is_off else DefinitionStanding.ACTIVE
