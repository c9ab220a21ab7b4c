"""Workflows and surveys at a glance: the newest version of each, and whether it does anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from connector.storage.stores import definition_states, definitions
from connector.storage.stores.definition_states import DefinitionState
from connector.storage.stores.definitions import Definition, DefinitionKind
from workflows.errors import DefinitionError


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


def overview(tx: Connection, kind: DefinitionKind, parse: Callable[[str, str], Any]) -> list[DefinitionLine]:
    """Of each slug its newest version, by slug."""
    states = definition_states.states(tx, kind)
    return [
        line_of(each, states.get(each.slug, DefinitionState(kind, each.slug)), parse)
        for each in definitions.newest(tx, kind)
    ]


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
