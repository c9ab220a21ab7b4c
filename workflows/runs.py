"""A run: where it stands, what may happen to it, and what the engine decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from workflows.calendars import BusinessCalendar
from workflows.definitions import DeliveryGuarantee, Retry


class Status(StrEnum):
    """The states of a run."""

    QUEUED = "queued"  # its turn comes when the run before it with the same key ends
    READY = "ready"  # may be advanced now
    WAITING = "waiting"  # for an effect, an event or a time
    SUCCEEDED = "succeeded"
    DONE_WITH_FAILURE = "done_with_failure"  # to its end, but a step failed on the way: a person may retry that one
    FAILED = "failed"  # a step failed and the workflow had no answer to it
    DEAD = "dead"  # could not be advanced at all, however often tried
    CANCELLED = "cancelled"
    NEEDS_REVIEW = "needs_review"  # a human must say what happened
    DISMISSED = "dismissed"  # it failed, and a human said that nothing more is to be done


LIVE = frozenset({Status.QUEUED, Status.READY, Status.WAITING, Status.NEEDS_REVIEW})


@dataclass(frozen=True, slots=True)
class Moment:
    """When a decision is made: the time (aware, UTC), and the hours in which the house works."""

    now: datetime
    calendar: BusinessCalendar = field(default_factory=BusinessCalendar)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a run knows from its start: the trigger's event data and the customer, as plain JSON values."""

    run_id: str
    event: Mapping[str, Any]
    customer: Mapping[str, Any]
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Rescued:
    """A step that failed while ``on_error`` let the run go on. ``place`` is its label ("notify[2]"); ``position`` and
    ``items`` are what the run needs to stand there again, ``kind`` and ``reason`` as in ``EffectFailed``."""

    place: str
    position: tuple[Any, ...]
    kind: str
    reason: str
    items: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunState:
    """Everything of a run that changes. ``to_json``/``from_json`` in ``engine`` store it in one column.

    ``position`` is the path to the step that comes next, or that the run waits for (see ``step_positions``);
    ``waiting_for`` is the visit ("callback#1") whose effect, event or time the run waits for. ``rescued`` are the
    failures that the run went on from; ``passed`` the places that a retry of one of them does not take again.
    """

    status: Status
    position: tuple[Any, ...] = (0,)
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # steps.<id> in conditions
    visits: Mapping[str, int] = field(default_factory=dict)
    begun: Mapping[str, str] = field(default_factory=dict)  # step id → RFC 3339, when its latest visit began
    items: Mapping[str, Any] = field(default_factory=dict)  # each step that is under way → the list it goes through
    waiting_for: str | None = None
    reason: str = ""
    rescued: tuple[Rescued, ...] = ()
    passed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EffectDone:
    """An action happened (or decided not to); ``output`` becomes ``steps.<id>`` with ``done`` true unless it
    says otherwise."""

    visit: str
    output: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EffectFailed:
    """An action failed for good. ``kind`` is an error class of ``retry``; ``reason`` is for people."""

    visit: str
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class EventArrived:
    """The awaited event; its data becomes ``steps.<id>.event`` beside ``done: true``."""

    visit: str
    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The wait's deadline came first."""

    visit: str


Input = EffectDone | EffectFailed | EventArrived | TimePassed


@dataclass(frozen=True, slots=True)
class Note:
    """A line of history: what was decided at a step and why, in a sentence an admin understands."""

    step: str
    kind: str  # started, skipped, asked, done, failed, waiting, matched, timed_out, branched, stopped, ended or ignored
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EffectWanted:
    """An outward call the run asks for. The run waits until its outcome is given to ``resume``."""

    visit: str
    step: str
    action: str
    params: Mapping[str, Any]  # rendered
    retry: Retry | None = None
    delivery: DeliveryGuarantee | None = None


@dataclass(frozen=True, slots=True)
class WaitWanted:
    """An expectation to store. ``event`` None means: only time.

    ``subject`` is the value the event's subject field must have, when the match condition says so in a plain
    equality: it makes the wait findable by index; None means every event of the type must be looked at.
    ``since`` is how far to look back for an event that came before the wait was stored.
    """

    visit: str
    step: str
    event: str | None
    subject: str | None
    since: datetime
    deadline: datetime | None


@dataclass(frozen=True, slots=True)
class Decision:
    """The engine's answer: the new state, at most one thing asked for, and the history of how it came."""

    state: RunState
    notes: tuple[Note, ...] = ()
    effect: EffectWanted | None = None
    wait: WaitWanted | None = None
