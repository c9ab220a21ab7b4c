"""A run in someone's hands: locked, with what is known of the step at which it stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from connector.config.retention import DEDUPLICATION
from connector.ids import made_at
from connector.observe import backlog
from connector.runtime.operations.errors import InputError, RefusedError, UnknownError
from connector.runtime.runs.advance import RunAdvancer
from connector.runtime.runs.run_update import RunUpdate, slot_of
from connector.storage.schema.tables import effects, runs
from workflows import engine
from workflows.definitions import Mode, Step
from workflows.runs import LIVE, RunState, Status
from workflows.sentences import say
from workflows.step_positions import Position, label, step_at

_ID = re.compile(r"[0-9a-z]{1,26}")
STOPPED = frozenset(backlog.STOPPED)

_POSSIBLE = {
    Status.QUEUED: ("cancel",),
    Status.READY: ("cancel",),
    Status.WAITING: ("skip", "cancel", "restart"),
    Status.NEEDS_REVIEW: ("review", "retry", "skip", "cancel", "restart", "dismiss"),
    Status.FAILED: ("retry", "skip", "restart", "dismiss"),
    Status.DEAD: ("retry", "skip", "restart", "dismiss"),
    Status.DONE_WITH_FAILURE: ("retry", "skip", "restart", "dismiss"),
    Status.DISMISSED: ("restart",),
    Status.SUCCEEDED: ("restart",),
    Status.CANCELLED: ("restart",),
}
"""What can be done by hand in each state."""


def possible(status: str) -> Sequence[str]:
    """What can be done by hand with a run in this state."""
    return _POSSIBLE[Status(status)]


@dataclass(frozen=True, slots=True)
class LockedRun:
    """One run under its row's lock, as one transaction sees it."""

    tx: Connection
    desk: RunAdvancer
    draft: RunUpdate
    now: datetime

    @property
    def id(self) -> str:
        return self.draft.id

    @property
    def status(self) -> Status:
        return self.draft.status

    @property
    def state(self) -> RunState:
        return self.draft.state or RunState(Status.READY)

    @property
    def step(self) -> Step | None:
        """The step that the run waits for, or stopped at."""
        return step_at(self.draft.version.workflow, self.state.position)

    @property
    def place(self) -> str:
        """That step's id, with the items it is in: ``notify[2]``."""
        return label(self.draft.version.workflow, self.state.position) if self.step else ""

    @property
    def visit(self) -> str:
        """The latest visit of that step; visit 0 when it failed before it began."""
        return f"{self.place}#{self.state.visits.get(self.place, 0)}"

    def refused(self, wish: str) -> RefusedError:
        possible = [each for each in _POSSIBLE[self.status] if each != wish]
        return RefusedError(say("refused.state", run=self.id, status=self.status.value, wish=wish), *possible)

    def allow(self, wish: str, states: frozenset[Status]) -> None:
        if self.status not in states:
            raise self.refused(wish)

    def effect(self) -> Any | None:
        """The latest call of the latest visit, locked until the transaction ends."""
        mine = select(effects).where(effects.c.run_id == self.id, effects.c.visit == self.visit)
        return self.tx.execute(mine.order_by(effects.c.stage.desc()).limit(1).with_for_update()).one_or_none()

    def stop_calls(self, wish: str) -> None:
        """Calls that were not begun are not made; one that is under way must end first, for nobody can call
        it back."""
        withdraw(self.tx, self.id, self.now)
        c = effects.c
        flying = self.tx.execute(
            select(effects).where(c.run_id == self.id, c.status == "performing").limit(1)
        ).first()
        if flying:
            call = {"run": self.id, "action": flying.action, "connection": flying.connection, "wish": wish}
            if flying.lease_until:
                raise RefusedError(say("refused.under_way_until", **call, until=f"{flying.lease_until:%H:%M:%S}"))
            raise RefusedError(say("refused.under_way", **call))

    def claim_key(self, wish: str) -> None:
        """A run that ended gave its key away; it can go on only while no other run has it."""
        if self.status in LIVE or self.draft.version.workflow.run.mode is Mode.PARALLEL:
            return
        slot = slot_of(self.draft.version.workflow.slug, self.draft.key)
        holder = self.tx.execute(select(runs.c.id).where(runs.c.slot == slot)).scalar()
        if holder:
            why = say("refused.key_held", run=self.id, wish=wish, holder=holder)
            raise RefusedError(why, f"cancel run {holder}", "wait for its end")

    def at(self, step: str) -> None:
        """Refuse when the run is not at the step that the person saw."""
        if step not in {self.place, self.place.partition("[")[0]} or not step:
            if self.place:
                raise RefusedError(say("refused.elsewhere", run=self.id, step=step, place=self.place))
            raise RefusedError(say("refused.nowhere", run=self.id, step=step))

    def rearm(self, step: str | None = None) -> None:
        """A run that is done with a failure stands at the step that failed again: the one named, or the first. Raises
        InputError for a step that did not fail."""
        if self.status is not Status.DONE_WITH_FAILURE:
            return
        rescued = self.state.rescued
        found = [each for each in rescued if step is None or step in {each.place, each.place.partition("[")[0]}]
        if not found:
            known = ", ".join(dict.fromkeys(each.place for each in rescued))
            raise InputError("step", f"{str(step)[:60]!r} did not fail in this run.", f"Name one of these: {known}.")
        self.draft.state = engine.rearm(self.state, found[0])

    def waiting(self) -> RunState:
        """The state as it was while the step's outcome was awaited."""
        outputs = {
            name: each for name, each in self.state.outputs.items() if self.step and name != self.step.id
        }
        return replace(self.state, status=Status.WAITING, waiting_for=self.visit, reason="", outputs=outputs)


def open_case(tx: Connection, desk: RunAdvancer, run_id: str, now: datetime) -> LockedRun:
    """Lock a run. Raises UnknownError."""
    found = desk.load([run_id]) if _ID.fullmatch(run_id) else {}
    if run_id not in found:
        those = "`ringback runs` and GET /api/v1/runs show those there are."
        raise UnknownError("run", run_id[:60], f"{gone(run_id, now)}{those}")
    return LockedRun(tx, desk, found[run_id], now)


def gone(run_id: str, now: datetime) -> str:
    """What to say of a run that is not there, but is old enough to have been removed; "" of any other."""
    began = made_at(run_id) if _ID.fullmatch(run_id) else None
    if began is None or now - began < DEDUPLICATION:
        return ""
    return (
        f"By its id it began on {began:%Y-%m-%d}: runs that ended go when their period is over "
        "(see `ringback retention`), and cannot be taken in hand then. "
    )


def withdraw(tx: Connection, run_id: str, now: datetime) -> None:
    """Take back the calls of a run that nobody has begun."""
    pending = update(effects).where(effects.c.run_id == run_id, effects.c.status == "due")
    tx.execute(pending.values(status="cancelled", ended_at=now))


def place_of(case: LockedRun, step: str) -> Position:
    """Where a step is on the way that the run took to where it stands. Raises InputError for any other."""
    ways = list(_way(case))
    for position, name in reversed(ways):
        if step in {name, name.partition("[")[0]}:
            return position
    known = ", ".join(dict.fromkeys(name for _, name in ways)) or "none"
    raise InputError("step", f"{step[:60]!r} is not on the way of this run.", f"Name one of these: {known}.")


def _way(case: LockedRun) -> list[tuple[Position, str]]:
    """The steps of every list around the run's place, up to it, from the outside in."""
    workflow, position = case.draft.version.workflow, case.state.position
    places = [
        (*position[:depth], number)
        for depth in range(0, len(position), 2)
        for number in range(int(position[depth]) + 1)
    ]
    return [(place, label(workflow, place)) for place in places if step_at(workflow, place)]
