"""A run while it is being advanced in a transaction: what changed, and what must be written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector.feedback.base.actions import Write
from connector.runtime.runs.workflow_cache import Version
from connector.storage.schema.tables import runs
from workflows import engine
from workflows.definitions import Mode
from workflows.runs import LIVE, Decision, EffectWanted, Facts, Note, RunState, Status, WaitWanted
from workflows.sentences import kept
from workflows.step_positions import label


@dataclass(slots=True)
class RunUpdate:
    """Mutable on purpose and only inside one transaction; the row is the truth."""

    id: str
    version: Version
    key: str
    facts: Facts
    event_seq: int
    customer_id: str | None
    epoch: int
    state: RunState | None = None
    started_at: datetime | None = None
    notes: list[Note] = field(default_factory=list)
    effects: list[dict[str, Any]] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    asked: EffectWanted | None = None
    wait: WaitWanted | None = None

    def take(self, decision: Decision) -> None:
        """Adopt a decision and what it asks for."""
        self.state = decision.state
        self.notes.extend(decision.notes)
        self.asked, self.wait = decision.effect, decision.wait

    @property
    def status(self) -> Status:
        return self.state.status if self.state else Status.READY

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def slot(self) -> str | None:
        """What keeps a second run of the same key out while this one lives."""
        if self.version.workflow.run.mode is Mode.PARALLEL or not self.is_live:
            return None
        return slot_of(self.version.workflow.slug, self.key)

    def changes(self, now: datetime) -> dict[str, Any]:
        """The columns that follow from the state."""
        state = self.state
        return {
            "status": self.status.value,
            "state": engine.to_json(state) if state else {},
            "due_at": self.wait.deadline if self.wait else (now if self.status is Status.READY else None),
            "slot": self.slot,
            "step": self._step,
            "reason": state.reason if state else "",
            "updated_at": now,
            "ended_at": None if self.is_live else now,
        }

    @property
    def _step(self) -> str:
        """Where the run waits, or where it failed."""
        if self.state is None:
            return ""
        if self.status is Status.FAILED:
            return label(self.version.workflow, self.state.position)
        if self.status is Status.DONE_WITH_FAILURE:
            return self.state.rescued[0].place
        return (self.state.waiting_for or "").split("#")[0]

    def row(self, now: datetime) -> dict[str, Any]:
        """The whole row, for a run that is new."""
        return self.changes(now) | {
            "id": self.id,
            "workflow": self.version.workflow.slug,
            "definition_id": self.version.id,
            "key": self.key,
            "epoch": 0,
            "facts": {"event": dict(self.facts.event), "customer": dict(self.facts.customer)},
            "event_seq": self.event_seq,
            "customer_id": self.customer_id,
            "failures": 0,
            "started_at": now,
        }

    def history_row(self, now: datetime) -> dict[str, Any]:
        return {"run_id": self.id, "at": now, "notes": [as_stored(each) for each in self.notes]}


def as_stored(note: Note) -> dict[str, Any]:
    """A line of history as JSON: the sentence in English, and beside it which one it is, to be told in any language."""
    line = {"step": note.step, "kind": note.kind, "text": str(note.text), "data": dict(note.data)}
    said = kept(note.text)
    return line if said is None else {**line, "said": said}


def slot_of(workflow: str, key: str) -> str:
    return f"{workflow}|{key}"


_NEEDED = ("id", "definition_id", "key", "status", "state", "facts", "event_seq", "customer_id", "epoch", "started_at")
COLUMNS = tuple(runs.c[name] for name in _NEEDED)
"""What ``from_row`` reads of a row."""


def from_row(row: Any, version: Version) -> RunUpdate:
    """A stored run, to be advanced."""
    return RunUpdate(
        id=row.id,
        version=version,
        key=row.key,
        facts=facts_of(row),
        event_seq=row.event_seq,
        customer_id=row.customer_id,
        epoch=row.epoch,
        state=_state_of(row),
        started_at=row.started_at,
    )


def _state_of(row: Any) -> RunState | None:
    """The stored state under the row's status: a run that was buried has the state in which it could not go on."""
    if row.state:
        return engine.from_json({**row.state, "status": row.status})
    return None if row.status in {Status.READY, Status.QUEUED} else RunState(Status(row.status))


def facts_of(row: Any) -> Facts:
    """What was known at the start; the customer under the id of today, should two have become one meanwhile."""
    stored: Mapping[str, Any] = row.facts
    customer = stored["customer"] | {"id": row.customer_id} if row.customer_id else stored["customer"]
    return Facts(row.id, stored["event"], customer, row.started_at)
