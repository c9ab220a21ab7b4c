"""The interpreter: takes a run from where it stands to the next thing that it must wait for.

An ``Interpreter`` lives inside one call of the engine. It is the one thing here that changes while it works; what
comes in and what goes out is frozen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from workflows.definitions import Choose, Do, Each, Step, Stop, Wait, Workflow
from workflows.durations import parse
from workflows.errors import ConditionError, WorkflowError
from workflows.events import EVENT_TYPES
from workflows.expressions import condition, equality, references, render, value
from workflows.runs import Decision, EffectWanted, Facts, Moment, Note, Rescued, RunState, Status, WaitWanted
from workflows.sentences import Sentence, say, say_because
from workflows.step_positions import (
    Position,
    every_step,
    following,
    inside,
    item_numbers,
    label,
    rescue,
    step_at,
)

MAX_ITEMS = 50  # of one each
FLAGS: Mapping[str, Any] = {"done": False, "skipped": False, "timed_out": False, "failed": False}
"""What conditions can ask of every step, whatever became of it."""


class Interpreter:
    """One advance of one run."""

    def __init__(self, workflow: Workflow, state: RunState, facts: Facts, moment: Moment) -> None:
        self.workflow, self.facts, self.moment = workflow, facts, moment
        self.position: Position = state.position
        self.outputs, self.visits = dict(state.outputs), dict(state.visits)
        self.begun, self.items = dict(state.begun), dict(state.items)
        self.rescued, self.passed = state.rescued, state.passed
        self.notes: list[Note] = []
        self.steps = {step.id: FLAGS for step in every_step(workflow.steps)}
        self.steps.update((step, {**FLAGS, **output}) for step, output in state.outputs.items())

    def names(self) -> dict[str, Any]:
        """What expressions may speak of here."""
        return {
            "event": self.facts.event,
            "trigger": self.facts.event,
            "customer": self.facts.customer,
            "steps": self.steps,
            "run": {"id": self.facts.run_id, "started_at": self.facts.started_at.isoformat()},
            "now": self.moment.now,
            **self._bound(),
        }

    def note(self, kind: str, text: str, /, **data: Any) -> None:
        step = label(self.workflow, self.position) if step_at(self.workflow, self.position) else ""
        self.notes.append(Note(step, kind, text, data))

    def record(self, step: Step, output: Mapping[str, Any]) -> None:
        self.outputs[step.id] = output
        self.steps[step.id] = {**FLAGS, **output}

    def go_on(self) -> None:
        self.position = following(self.position)

    def enter(self, door: str) -> None:
        self.position = inside(self.position, door)

    def advance(self) -> Decision:
        """Take steps until the run must wait, or ends."""
        while True:
            step = step_at(self.workflow, self.position)
            if step is not None:
                decision = self._take(step)
                if decision is not None:
                    return decision
            elif len(self.position) > 1:
                self._leave()
            else:
                return self._end(say("run.all_done"))

    def fail(self, step: Step, kind: str, reason: str) -> Decision | None:
        """The step failed: its ``on_error``, or the nearest around it, takes over; without one the run stops here."""
        self.record(step, {"done": False, "failed": True, "kind": kind, "reason": reason})
        rescued = rescue(self.workflow, self.position)
        id_ = "step.failed_goes_on" if rescued else "step.failed_stops"
        self.note("failed", say(id_, reason=reason.rstrip(".")), kind=kind)
        if rescued is None:
            return self._stopped_by(kind, reason)
        self.rescued += (Rescued(label(self.workflow, self.position), self.position, kind, reason, dict(self.items)),)
        self.position = rescued
        return None

    def _stopped_by(self, kind: str, reason: str) -> Decision:
        if kind == "ambiguous":
            step = step_at(self.workflow, self.position)
            waiting_for = self._latest_visit() if isinstance(step, Do) else None
            return self.decision(Status.NEEDS_REVIEW, waiting_for=waiting_for, reason=reason)
        return self.decision(Status.FAILED, reason=reason)

    def decision(
        self,
        status: Status,
        *,
        waiting_for: str | None = None,
        reason: str = "",
        effect: EffectWanted | None = None,
        wait: WaitWanted | None = None,
    ) -> Decision:
        state = RunState(
            status, self.position, self.outputs, self.visits, self.begun, self.items, waiting_for, reason,
            self.rescued, self.passed,
        )  # fmt: skip
        return Decision(state, tuple(self.notes), effect, wait)

    def _bound(self) -> dict[str, Any]:
        """The names that the each steps around here bind."""
        if len(self.position) == 1:
            return {}
        return {
            owner.name: self.items[label(self.workflow, place)][number]
            for owner, place, number in item_numbers(self.workflow, self.position)
        }

    def _take(self, step: Step) -> Decision | None:
        if self.passed and label(self.workflow, self.position) in self.passed:
            self.go_on()
            return None
        try:
            why = self._applies(step)
            return None if why is None else _TAKE[type(step)](self, step, why)
        except WorkflowError as error:
            return self.fail(step, "definition", str(error))

    def _applies(self, step: Step) -> str | None:
        """Why the step is taken ("" without a condition), or None when it is skipped."""
        if step.condition is None:
            return ""
        verdict = condition(step.condition).decide(self.names())
        if verdict.value:
            return verdict.why
        self.note("skipped", say("step.skipped", why=verdict.why))
        self.record(step, {"done": False, "skipped": True})
        self.go_on()
        return None

    def _begin(self, step: Step) -> str:
        """Count the visit; its name is unique in the run."""
        place = label(self.workflow, self.position)
        self.visits[place] = self.visits.get(place, 0) + 1
        self.begun[step.id] = self.moment.now.isoformat()
        return self._latest_visit()

    def _latest_visit(self) -> str:
        place = label(self.workflow, self.position)
        return f"{place}#{self.visits[place]}"

    def _do(self, step: Do, why: str) -> Decision:
        params = render(step.params, self.names())
        visit = self._begin(step)
        self.note("asked", say_because("step.asked", why, action=step.action), action=step.action)
        effect = EffectWanted(visit, step.id, step.action, params, step.retry, step.delivery)
        return self.decision(Status.WAITING, waiting_for=visit, effect=effect)

    def _wait(self, step: Wait, why: str) -> Decision:
        subject, since, deadline = self._subject(step), self._since(step), self._deadline(step)
        visit = self._begin(step)
        self.note("waiting", _expectation(step, deadline, why))
        wait = WaitWanted(visit, step.id, step.event, subject, since, deadline)
        return self.decision(Status.WAITING, waiting_for=visit, wait=wait)

    def _deadline(self, step: Wait) -> datetime | None:
        return parse(step.timeout).after(self.moment.now, self.moment.calendar) if step.timeout else None

    def _subject(self, step: Wait) -> str | None:
        known = EVENT_TYPES.get(step.event or "")
        field = known.subject if known else None
        other = equality(step.match, f"event.{field}") if step.match and field else None
        if other is None:
            return None
        wanted = value(other).evaluate({name: item for name, item in self.names().items() if name != "event"})
        return str(wanted) if isinstance(wanted, (str, int)) and not isinstance(wanted, bool) else None

    def _since(self, step: Wait) -> datetime:
        """How far to look back: to the earliest begin of what the match speaks of."""
        paths = references(step.match) if step.match else frozenset()
        asked = (path.split(".")[1] for path in paths if path.startswith("steps."))
        begun = [datetime.fromisoformat(self.begun[each]) for each in asked if each in self.begun]
        if any(path.split(".")[0] == "trigger" for path in paths):
            begun.append(self.facts.started_at)
        return min((*begun, self.moment.now))

    def _choose(self, step: Choose, why: str) -> None:
        for number, branch in enumerate(step.branches):
            if branch.condition is None:
                return self._branch(step, number, say("branch.otherwise"))
            verdict = condition(branch.condition).decide(self.names())
            if verdict.value:
                return self._branch(step, number, verdict.why)
        self.note("branched", say("branch.none"))
        self.record(step, {"done": False})
        return self.go_on()

    def _branch(self, step: Choose, number: int, why: str) -> None:
        self.note("branched", say("branch.taken", number=number + 1, why=why), branch=number)
        self.record(step, {"done": True, "branch": number})
        self.enter(f"choose:{number}")

    def _each(self, step: Each, why: str) -> None:
        found = value(step.items).evaluate(self.names())
        if not isinstance(found, list):
            raise ConditionError(f"each.in `{step.items}` is no list. Name a list.")
        if len(found) > MAX_ITEMS:
            raise ConditionError(f"each.in `{step.items}` has {len(found)} items, and {MAX_ITEMS} are allowed.")
        id_ = "each.one" if len(found) == 1 else "each.many"
        self.note("branched", say_because(id_, why, count=len(found)), items=len(found))
        self.record(step, {"done": True, "count": len(found)})
        if not found:
            return self.go_on()
        self.items[label(self.workflow, self.position)] = found
        return self.enter("each:0")

    def _stop(self, step: Stop, why: str) -> Decision:
        reason = str(render(step.reason, self.names()))
        self.note("stopped", say_because("step.stopped", why, reason=reason.rstrip(".")))
        self.record(step, {"done": True})
        return self._end(say("run.stopped"), reason)

    def _leave(self) -> None:
        """A list of steps is finished: to the next item, or on after the step that holds it."""
        *_, door, _ = self.position
        self.position = self.position[:-2]
        place = label(self.workflow, self.position)
        number = int(str(door)[5:]) + 1 if str(door).startswith("each:") else 0
        if number and number < len(self.items[place]):
            self.enter(f"each:{number}")
        else:
            self.items.pop(place, None)
            self.go_on()

    def _end(self, text: str, reason: str = "") -> Decision:
        if not self.rescued:
            self.notes.append(Note("", "ended", text))
            return self.decision(Status.SUCCEEDED, reason=reason)
        failed = ", ".join(dict.fromkeys(each.place for each in self.rescued))
        self.notes.append(Note("", "ended", say("run.with_failures", ending=text, places=failed)))
        return self.decision(Status.DONE_WITH_FAILURE, reason=_told(self.rescued))


def _told(rescued: Sequence[Rescued]) -> str:
    """Why a run is no success, in one sentence for each step that failed."""
    return "; ".join(f"{each.place}: {each.reason.rstrip('.')}" for each in rescued)


def _expectation(step: Wait, deadline: datetime | None, why: str) -> Sentence:
    """What the run waits for, and until when."""
    until = f"{deadline:%Y-%m-%d %H:%M}" if deadline else ""
    if not step.event:
        return say_because("wait.until", why, until=until)
    return say_because("wait.event_until" if until else "wait.event", why, event=step.event, until=until)


_TAKE: Mapping[type[Step], Callable[..., Decision | None]] = {
    Do: Interpreter._do,
    Wait: Interpreter._wait,
    Choose: Interpreter._choose,
    Each: Interpreter._each,
    Stop: Interpreter._stop,
}
