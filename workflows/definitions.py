"""A workflow as frozen values. ``schema`` reads them from YAML and writes them back without loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Mode(StrEnum):
    """What happens when a trigger matches while a run with the same key is still going."""

    SINGLE = "single"  # the new one does not start
    RESTART = "restart"  # the old one is cancelled
    QUEUED = "queued"  # the new one waits its turn
    PARALLEL = "parallel"  # both go


class DeliveryGuarantee(StrEnum):
    """What to do when nobody can know whether an outward call of effect class D happened."""

    AT_MOST_ONCE = "at-most-once"  # take it as done
    AT_LEAST_ONCE = "at-least-once"  # do it again
    NEEDS_REVIEW = "needs-review"  # ask a human


@dataclass(frozen=True, slots=True)
class Trigger:
    """The event type, or one of several (``also``), and the condition on it, that start a run."""

    event: str
    condition: str | None = None
    also: tuple[str, ...] = ()

    @property
    def events(self) -> tuple[str, ...]:
        return (self.event, *self.also)

    @property
    def told(self) -> str:
        """For people."""
        return " or ".join(self.events)


@dataclass(frozen=True, slots=True)
class RunRule:
    """``key`` is a CEL expression whose value names the subject; runs of one key follow ``mode``."""

    key: str = "event.customer"
    mode: Mode = Mode.SINGLE


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a failing action is tried, and how the pauses grow (seconds, full jitter)."""

    attempts: int = 8
    first: float = 5.0
    longest: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What every step has. ``path`` is its place in the file ("steps[2].on_timeout[0]"), for messages."""

    id: str
    path: str = ""
    condition: str | None = None
    on_error: tuple[Step, ...] | None = None  # None: the run fails; (): go on


@dataclass(frozen=True, slots=True, kw_only=True)
class Do(Step):
    """Ask for an action. ``params`` may hold Liquid templates in any string, at any depth."""

    action: str
    params: Mapping[str, Any] = field(default_factory=dict)
    retry: Retry | None = None
    delivery: DeliveryGuarantee | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(Step):
    """Wait for an event that matches, or, without ``event``, for time to pass.

    ``timeout`` is a duration ("7 days", "4 business hours") or, for a plain time wait, the whole wait.
    """

    event: str | None = None
    match: str | None = None
    timeout: str | None = None
    on_timeout: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Branch:
    """One arm of a choose; the arm without a condition is ``otherwise`` and comes last."""

    condition: str | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choose(Step):
    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Each(Step):
    """Do the steps for each item of a short list (a CEL expression), under the name ``name``."""

    items: str
    name: str = "item"
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Step):
    """End the run here, with the reason its history shows."""

    reason: str = "stopped by the workflow"


@dataclass(frozen=True, slots=True)
class Workflow:
    """A definition. ``slug`` is its name in files, URLs and conditions; ``name`` is for people."""

    slug: str
    name: str
    trigger: Trigger
    steps: tuple[Step, ...]
    run: RunRule = RunRule()
    description: str = ""
    enabled: bool = True
