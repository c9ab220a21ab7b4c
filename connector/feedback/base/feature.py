"""A feature as one frozen row: all that the rest of the house must know of it, beside its tables and its specs.

``connector.feedback.registry`` holds the rows and makes the house's tables from them. A row names no operation of the
API and no command of the CLI: those live in rooms above this one, and each is itself a row there that makes its own
route or command, so nothing is lost when it is not named a second time here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Generic, TypeVar

from sqlalchemy import Table

from connector.feedback.base.actions import Handler
from connector.feedback.base.event_hooks import EventHook
from connector.feedback.base.timeline_source import TimelineSource
from connector.storage.stores.old_rows import RetentionKind

P = TypeVar("P", contravariant=True)
"""What a feature needs of the house: a Protocol of its own, which ``registry.FeatureParts`` answers."""


class HookStage(IntEnum):
    """When a feature's hook takes its turn at a batch of new events: each sees what those before it made of it."""

    PEOPLE = 1
    """Whose the events are: records that were merged or deleted may make two customers one."""
    ANSWERS = 2
    """Answers are kept and get their id, before anything asks what they say."""
    LOOPS = 3
    """What is under way follows its events."""
    CONSENT = 4
    """What people allow is learned, of whoever they are by now."""
    MEMORY = 5
    """What was seen of records elsewhere is remembered; it changes nothing for the others."""


@dataclass(frozen=True, slots=True)
class StagedHook:
    """A hook and its turn. Of one stage, those of earlier rows of the registry come first."""

    stage: HookStage
    record: EventHook


@dataclass(frozen=True, slots=True)
class Erasure:
    """What becomes of a customer's rows when the customer is to be forgotten: they go, or they stay for the numbers
    and what tells of the person is emptied (NULL, or where that is not allowed: an empty text, an empty mapping)."""

    blanks: tuple[str, ...] = ()  # columns; none: the whole rows go

    @property
    def deletes(self) -> bool:
        return not self.blanks


DELETE_ROWS = Erasure()


def blank(*columns: str) -> Erasure:
    """The rows stay, and these columns are emptied."""
    return Erasure(columns)


@dataclass(frozen=True, slots=True)
class OwnedTable:
    """A table whose ``customer_id`` says whose a row is: at a merge of customers its rows go along."""

    table: Table
    erasure: Erasure


def _no_actions(_parts: Any) -> Mapping[str, Handler]:
    return {}


def _no_hooks(_parts: Any) -> Sequence[StagedHook]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature(Generic[P]):
    """``actions`` makes the handlers by the names of ``workflows.actions``, ``hooks`` the part in the intake;
    ``owned`` are its tables of customers, ``timeline`` what they say there, ``retention`` what goes with age."""

    name: str
    actions: Callable[[P], Mapping[str, Handler]] = _no_actions
    hooks: Callable[[P], Sequence[StagedHook]] = _no_hooks
    owned: tuple[OwnedTable, ...] = ()
    timeline: tuple[TimelineSource, ...] = ()
    retention: tuple[RetentionKind, ...] = ()
