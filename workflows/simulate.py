"""Run a workflow over past events with a simulated clock: what would it have done, and why?

Actions are not performed: their outcomes are scripted, or taken as success with made-up outputs. Everything else is
the engine itself, with the run modes, waits and deadlines that the runtime gives it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from workflows.actions import ACTIONS
from workflows.calendars import BusinessCalendar
from workflows.definitions import Do, Mode, Workflow
from workflows.engine import cancel, match_trigger, resume, run_key, start, wait_matches
from workflows.errors import ConditionError
from workflows.events import EVENT_TYPES
from workflows.runs import (
    Decision,
    EffectDone,
    EffectFailed,
    EffectWanted,
    EventArrived,
    Facts,
    Input,
    Moment,
    RunState,
    Status,
    TimePassed,
    WaitWanted,
)
from workflows.step_positions import step_at

_GOING = frozenset({Status.READY, Status.WAITING, Status.NEEDS_REVIEW})


@dataclass(frozen=True, slots=True)
class Happening:
    """A past event: when it came (aware, UTC), its type and data, and the customer it was about."""

    time: datetime
    type: str
    data: Mapping[str, Any]
    customer: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of an action: its output, or with ``fails`` the error class it fails with for good."""

    output: Mapping[str, Any] = field(default_factory=dict)
    fails: str | None = None
    reason: str = "the script says so"


Outcomes = Mapping[str, Sequence[Outcome]]
"""Step id → outcomes of its visits over all runs, in order; the last one stands for all that follow."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of history. ``run`` is empty when no run came of an event."""

    time: datetime
    run: str
    step: str
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.time:%Y-%m-%d %H:%M:%S} {self.run or '-'} {self.step or '-'} {self.kind}: {self.text}"


@dataclass(frozen=True, slots=True)
class Asked:
    """An action that a run asked for."""

    time: datetime
    run: str
    step: str
    action: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ending:
    """Where a run stood when nothing more was to come."""

    run: str
    key: str
    state: RunState


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything that happened, in order."""

    lines: tuple[Line, ...]
    actions: tuple[Asked, ...]
    runs: tuple[Ending, ...]


@dataclass(slots=True)
class _Run:
    """A run under simulation; it changes as the clock goes."""

    id: str
    key: str
    facts: Facts
    trigger: Happening
    state: RunState
    wait: WaitWanted | None = None


def simulate(
    workflow: Workflow,
    events: Sequence[Happening],
    outcomes: Outcomes | None = None,
    calendar: BusinessCalendar | None = None,
) -> Trace:
    """Give the workflow all events in order of time, then let all its deadlines pass."""
    return _World(workflow, outcomes or {}, calendar or BusinessCalendar()).play(events)


def still_asked(
    workflow: Workflow, state: RunState, facts: Facts, now: datetime, calendar: BusinessCalendar | None = None
) -> tuple[Asked, ...]:
    """What a run under way still asks for at once, should the call that it waits for succeed: nothing after a wait."""
    world = _World(workflow, {}, calendar or BusinessCalendar())
    world.take_over(state, facts, now)
    return tuple(world.actions)


class _World:
    """The runtime in miniature: one clock, all runs, no I/O."""

    def __init__(self, workflow: Workflow, outcomes: Outcomes, calendar: BusinessCalendar) -> None:
        self.workflow, self.outcomes, self.calendar = workflow, outcomes, calendar
        self.runs: list[_Run] = []
        self.past: list[Happening] = []
        self.visits: dict[str, int] = {}
        self.lines: list[Line] = []
        self.actions: list[Asked] = []

    def play(self, events: Sequence[Happening]) -> Trace:
        for happening in sorted(map(_whole, events), key=lambda each: each.time):
            self._let_pass(happening.time)
            self.past.append(happening)
            self._wake(happening)
            self._trigger(happening)
        self._let_pass(None)
        endings = tuple(Ending(run.id, run.key, run.state) for run in self.runs)
        return Trace(tuple(self.lines), tuple(self.actions), endings)

    def take_over(self, state: RunState, facts: Facts, now: datetime) -> None:
        """Go on with a run that others began, if it waits for a call."""
        run = _Run(facts.run_id, "", facts, Happening(now, "", facts.event, facts.customer), state)
        step = step_at(self.workflow, state.position)
        if state.status is Status.WAITING and isinstance(step, Do):
            self._take_in(run, EffectDone(state.waiting_for or "", _made_up(step.action, 1)), now)

    def _moment(self, now: datetime) -> Moment:
        return Moment(now, self.calendar)

    def _say(self, now: datetime, run: str, kind: str, text: str) -> None:
        self.lines.append(Line(now, run, "", kind, text))

    def _let_pass(self, until: datetime | None) -> None:
        """Let every deadline before ``until`` come, one by one; an event at the same moment comes first."""
        while (next_due := self._next_due()) and (until is None or next_due[0] < until):
            due, run = next_due
            self._take_in(run, TimePassed(run.wait.visit if run.wait else ""), due)

    def _next_due(self) -> tuple[datetime, _Run] | None:
        due = [(run.wait.deadline, run) for run in self.runs if run.wait and run.wait.deadline]
        return min(due, key=lambda each: each[0], default=None)

    def _wake(self, happening: Happening) -> None:
        for run in tuple(self.runs):
            if run.wait and run.wait.event == happening.type and self._matches(run, happening):
                self._take_in(run, EventArrived(run.wait.visit, happening.data), happening.time)

    def _matches(self, run: _Run, happening: Happening) -> bool:
        try:
            moment = self._moment(happening.time)
            return wait_matches(self.workflow, run.state, run.facts, happening.data, moment).value
        except ConditionError as error:
            self._say(happening.time, run.id, "failed", str(error))
            return False

    def _trigger(self, happening: Happening) -> None:
        now, data, customer = happening.time, happening.data, happening.customer
        try:
            verdict = match_trigger(self.workflow, happening.type, data, customer, self._moment(now))
            key = run_key(self.workflow, data, customer) if verdict.value else ""
        except ConditionError as error:
            self._say(now, "", "failed", str(error))
            return
        if verdict.value:
            self._begin(happening, key)
        elif happening.type in self.workflow.trigger.events:
            self._say(now, "", "skipped", f"No run, because {verdict.why}.")

    def _begin(self, happening: Happening, key: str) -> None:
        """Start a run, as far as the mode lets it beside the runs of the same key."""
        mode, now = self.workflow.run.mode, happening.time
        going = [run for run in self.runs if run.key == key and run.state.status in _GOING]
        if going and mode is Mode.SINGLE:
            self._say(now, "", "skipped", f"No run, because {going[0].id} is still going for {key}.")
            return
        if mode is Mode.RESTART:
            for run in going:
                self._settle(run, cancel(run.state, "a newer event came for the same key"), now)
        self._add(happening, key, queued=bool(going) and mode is Mode.QUEUED)

    def _add(self, happening: Happening, key: str, *, queued: bool) -> None:
        name = f"run {len(self.runs) + 1}"
        facts = Facts(name, happening.data, happening.customer, happening.time)
        run = _Run(name, key, facts, happening, RunState(Status.QUEUED))
        self.runs.append(run)
        if queued:
            self._say(happening.time, name, "waiting", f"Queued behind the run that is going for {key}.")
        else:
            self._start(run, happening.time)

    def _start(self, run: _Run, now: datetime) -> None:
        run.facts = replace(run.facts, started_at=now)
        self._settle(run, start(self.workflow, run.facts, self._moment(now)), now)

    def _take_in(self, run: _Run, given: Input, now: datetime) -> None:
        self._settle(run, resume(self.workflow, run.state, run.facts, given, self._moment(now)), now)

    def _settle(self, run: _Run, decision: Decision, now: datetime) -> None:
        """Take over the decision; perform its effect by the script, look back for its event, or free the key."""
        run.state, run.wait = decision.state, decision.wait
        self.lines.extend(Line(now, run.id, note.step, note.kind, note.text) for note in decision.notes)
        if decision.effect:
            self._take_in(run, self._perform(run, decision.effect, now), now)
        elif decision.wait:
            self._look_back(run, decision.wait, now)
        elif run.state.status not in _GOING:
            self._next_in_queue(run.key, now)

    def _perform(self, run: _Run, effect: EffectWanted, now: datetime) -> Input:
        self.actions.append(Asked(now, run.id, effect.step, effect.action, effect.params))
        number = self.visits[effect.step] = self.visits.get(effect.step, 0) + 1
        script = self.outcomes.get(effect.step)
        if not script:
            return EffectDone(effect.visit, _made_up(effect.action, number))
        outcome = script[min(number, len(script)) - 1]
        if outcome.fails:
            return EffectFailed(effect.visit, outcome.fails, outcome.reason)
        return EffectDone(effect.visit, {**_made_up(effect.action, number), **outcome.output})

    def _look_back(self, run: _Run, wait: WaitWanted, now: datetime) -> None:
        """An event may have come between the begin of what the wait is about and the wait itself."""
        for happening in self._since(run, wait):
            if self._matches(run, happening):
                self._take_in(run, EventArrived(wait.visit, happening.data), now)
                return

    def _since(self, run: _Run, wait: WaitWanted) -> Iterator[Happening]:
        for happening in self.past:
            other = happening is not run.trigger and happening.type == wait.event
            if other and happening.time >= wait.since and happening.time > run.trigger.time:
                yield happening

    def _next_in_queue(self, key: str, now: datetime) -> None:
        queued = (run for run in self.runs if run.key == key and run.state.status is Status.QUEUED)
        following = next(queued, None)
        if following is not None:
            self._start(following, now)


def _whole(happening: Happening) -> Happening:
    """As it arrives: a known type has all its neutral fields, and what the sender left out is nothing."""
    known = EVENT_TYPES.get(happening.type)
    neutral = dict.fromkeys(known.fields) if known else {}
    return replace(happening, data={**neutral, "type": happening.type, **happening.data})


def _made_up(action: str, number: int) -> dict[str, str]:
    """Outputs for an action that no script speaks of."""
    spec = ACTIONS.get(action)
    return dict.fromkeys(spec.outputs if spec else (), f"simulated:{action}:{number}")
