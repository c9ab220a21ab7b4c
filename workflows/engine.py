"""The engine: given a workflow, where a run stands and what happened, decide what happens next.

Nothing here performs anything. Every function is pure: the same values give the same answer, so a decision that was
lost in a crash is simply made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from workflows.definitions import Do, Step, Wait, Workflow
from workflows.errors import ConditionError
from workflows.expressions import Verdict, condition, value
from workflows.interpreter import FLAGS, Interpreter
from workflows.runs import (
    LIVE,
    Decision,
    EffectDone,
    EffectFailed,
    EventArrived,
    Facts,
    Input,
    Moment,
    Note,
    Rescued,
    RunState,
    Status,
    TimePassed,
)
from workflows.sentences import found, recognised, say
from workflows.step_positions import step_at

__all__ = [
    "Moment", "Verdict", "cancel", "from_json", "match_trigger", "rearm", "replay", "resume", "run_key", "start",
    "to_json", "wait_matches",
]

_AWAITING = frozenset({Status.WAITING, Status.NEEDS_REVIEW})
_RESERVED = frozenset({*FLAGS, "event"})


def match_trigger(
    workflow: Workflow, event_type: str, data: Mapping[str, Any], customer: Mapping[str, Any], moment: Moment
) -> Verdict:
    """Whether the event starts a run, and why. Raises ConditionError when the condition cannot be decided."""
    trigger = workflow.trigger
    if event_type not in trigger.events:
        return Verdict(False, say("trigger.other", events=trigger.told, event=event_type))
    if not workflow.enabled:
        return Verdict(False, say("trigger.off"))
    if trigger.condition is None:
        return Verdict(True, say("trigger.every", event=event_type))
    return condition(trigger.condition).decide({**_subject_names(data, customer), "now": moment.now})


def run_key(workflow: Workflow, data: Mapping[str, Any], customer: Mapping[str, Any]) -> str:
    """The name of the run's subject. Raises ConditionError when the key cannot be told or is empty."""
    key = value(workflow.run.key).evaluate(_subject_names(data, customer))
    if isinstance(key, float) and key.is_integer():
        key = int(key)
    if isinstance(key, (bool, list, dict)) or key in (None, ""):
        remedy = "Name a field that holds a text or a number for every event."
        raise ConditionError(f"run.key `{workflow.run.key}` names no subject. {remedy}")
    return str(key)


def start(workflow: Workflow, facts: Facts, moment: Moment) -> Decision:
    """Begin a run and take its first steps."""
    walk = Interpreter(workflow, RunState(Status.READY), facts, moment)
    walk.notes.append(Note("", "started", say("run.started", event=facts.event.get("type") or workflow.trigger.event)))
    return walk.advance()


def park(reason: str) -> Decision:
    """A new run that must not begin by itself: ``replay`` begins it."""
    return Decision(RunState(Status.FAILED, reason=reason), (Note("", "stopped", f"{reason[:1].upper()}{reason[1:]}"),))


def resume(workflow: Workflow, state: RunState, facts: Facts, given: Input, moment: Moment) -> Decision:
    """Take the run on with what happened. What it does not wait for (late, double) changes nothing but a note."""
    step = step_at(workflow, state.position) if state.status in _AWAITING else None
    if step is None or given.visit != state.waiting_for or not _fits(step, given):
        return Decision(state, (_ignored(state, given),))
    walk = Interpreter(workflow, state, facts, moment)
    decision = _take_in(walk, step, given)
    return decision if decision is not None else walk.advance()


def replay(workflow: Workflow, state: RunState, facts: Facts, moment: Moment) -> Decision:
    """Try a failed run's last step again, as a new visit. Only for runs that failed or need a review."""
    if state.status not in {Status.FAILED, Status.DEAD, Status.NEEDS_REVIEW}:
        return Decision(state, (Note("", "ignored", say("run.not_replayed", status=state.status.value)),))
    walk = Interpreter(workflow, state, facts, moment)
    walk.note("started", say("run.again"))
    return walk.advance()


def rearm(state: RunState, failure: Rescued) -> RunState:
    """A run that is done with a failure, put back to where that step failed. What was taken besides is not taken again;
    what was left out because of the failure is decided anew, and failures in its ``on_error`` are over with it."""
    others = tuple(each for each in state.rescued if each != failure and not _is_within(each, failure))
    passed = tuple(place for place in state.visits if place != failure.place)
    return replace(
        state, status=Status.FAILED, position=failure.position, items=failure.items, reason=failure.reason,
        rescued=others, passed=passed,
    )  # fmt: skip


def _is_within(inner: Rescued, outer: Rescued) -> bool:
    return inner.position[: len(outer.position)] == outer.position


def wait_matches(
    workflow: Workflow, state: RunState, facts: Facts, event_data: Mapping[str, Any], moment: Moment
) -> Verdict:
    """Whether an event is the one the run waits for; the event's type is the caller's to compare.

    Raises ConditionError when the match cannot be decided (the event lacks a field).
    """
    step = step_at(workflow, state.position)
    if state.status is not Status.WAITING or not isinstance(step, Wait) or step.event is None:
        return Verdict(False, say("wait.none"))
    if step.match is None:
        return Verdict(True, say("wait.any", event=step.event))
    return condition(step.match).decide({**Interpreter(workflow, state, facts, moment).names(), "event": event_data})


def cancel(state: RunState, reason: str) -> Decision:
    """End a run that is still going; ``reason`` is for people. A run that ended stays as it is."""
    if state.status not in LIVE:
        return Decision(state, (Note("", "ignored", say("run.not_cancelled", status=state.status.value)),))
    ended = replace(state, status=Status.CANCELLED, waiting_for=None, reason=reason)
    return Decision(ended, (Note("", "ended", say("run.cancelled", reason=reason.rstrip("."))),))


def dismiss(state: RunState, reason: str) -> Decision:
    """Leave a run that stopped as it is, for good; ``reason`` is for people, and what stopped it stays beside it."""
    why = "; ".join(filter(None, [reason.rstrip("."), state.reason]))
    ended = replace(state, status=Status.DISMISSED, waiting_for=None, reason=why)
    return Decision(ended, (Note("", "ended", f"Dismissed: {reason.rstrip('.')}."),))


def to_json(state: RunState) -> dict[str, Any]:
    """The state as plain JSON values."""
    return {
        "status": state.status.value,
        "position": list(state.position),
        "outputs": dict(state.outputs),
        "visits": dict(state.visits),
        "begun": dict(state.begun),
        "items": dict(state.items),
        "waiting_for": state.waiting_for,
        "reason": state.reason,
        **({"rescued": [asdict(each) for each in state.rescued]} if state.rescued else {}),
        **({"passed": list(state.passed)} if state.passed else {}),
    }


def from_json(stored: Mapping[str, Any]) -> RunState:
    """The state that ``to_json`` stored."""
    rescued = tuple(Rescued(**{**each, "position": tuple(each["position"])}) for each in stored.get("rescued", ()))
    shaped = {"status": Status(stored["status"]), "position": tuple(stored["position"]), "rescued": rescued}
    return RunState(**{**stored, **shaped, "passed": tuple(stored.get("passed", ()))})


def _subject_names(data: Mapping[str, Any], customer: Mapping[str, Any]) -> dict[str, Any]:
    return {"event": data, "trigger": data, "customer": customer}


def _fits(step: Step, given: Input) -> bool:
    """Whether the step can be waiting for an input of this kind."""
    if isinstance(given, (EffectDone, EffectFailed)):
        return isinstance(step, Do)
    return isinstance(step, Wait) and (isinstance(given, TimePassed) or step.event is not None)


def _ignored(state: RunState, given: Input) -> Note:
    if state.waiting_for:
        text = say("run.unexpected_waits", visit=given.visit, waiting_for=state.waiting_for)
    else:
        text = say("run.unexpected_is", visit=given.visit, status=state.status.value)
    return Note("", "ignored", text)


def _take_in(walk: Interpreter, step: Step, given: Input) -> Decision | None:
    """Note and record what happened, and move on; a decision only when the run ends by it."""
    match given:
        case EffectFailed():
            return walk.fail(step, given.kind, given.reason)
        case EffectDone():
            _done(walk, step, given.output)
        case EventArrived():
            _arrived(walk, step, given.event)
        case TimePassed():
            _time_passed(walk, step)
    return None


def _done(walk: Interpreter, step: Step, output: Mapping[str, Any]) -> None:
    told = {"done": True, **output}
    action = step.action if isinstance(step, Do) else ""
    id_ = "step.done" if told["done"] else "step.not_done"
    if told.get("reason"):
        reason = found(recognised(str(told["reason"]).rstrip(".")), told.get("said"))
        walk.note("done", say(f"{id_}_reason", action=action, reason=reason))
    else:
        walk.note("done", say(id_, action=action))
    walk.record(step, told)
    walk.go_on()


def _arrived(walk: Interpreter, step: Step, event: Mapping[str, Any]) -> None:
    event_type = step.event if isinstance(step, Wait) else ""
    walk.note("matched", say("wait.came", event=event_type))
    fields = {name: item for name, item in event.items() if name not in _RESERVED}
    walk.record(step, {**fields, "done": True, "event": dict(event)})
    walk.go_on()


def _time_passed(walk: Interpreter, step: Step) -> None:
    if isinstance(step, Wait) and step.event is not None:
        walk.note("timed_out", say("wait.not_in_time", event=step.event))
        walk.record(step, {"done": False, "timed_out": True})
        walk.enter("timeout")
    else:
        walk.note("done", say("wait.time_passed"))
        walk.record(step, {"done": True})
        walk.go_on()
