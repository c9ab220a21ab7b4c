"""Workflows over past events with a simulated clock, and the tests that admins write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from workflows import workflow_tests
from workflows.errors import DefinitionError
from workflows.library import load_library
from workflows.runs import Status
from workflows.schema import load
from workflows.simulate import Happening, Outcome, Trace, simulate
from workflows.workflow_tests import read_script, run_script

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


def event(name: str, hours: float = 0, **data: Any) -> Happening:
    return Happening(NOW + timedelta(hours=hours), name, {"customer": "c1", **data}, {"name": "Ann"})


def play(mode: str, *events: Happening, steps: str = "[{id: a, wait: 2 hours}]") -> Trace:
    text = f"workflow: w\ntrigger: {{event: order.sent}}\nrun: {{mode: {mode}}}\nsteps: {steps}\n"
    return simulate(load(text), events)


def endings(trace: Trace) -> list[Status]:
    return [run.state.status for run in trace.runs]


def test_a_single_run_keeps_others_of_its_key_from_starting() -> None:
    trace = play("single", event("order.sent"), event("order.sent", 1), event("order.sent", 3))
    assert endings(trace) == [Status.SUCCEEDED, Status.SUCCEEDED]
    assert any("still going for c1" in line.text for line in trace.lines)


def test_a_newer_event_restarts() -> None:
    trace = play("restart", event("order.sent"), event("order.sent", 1))
    assert endings(trace) == [Status.CANCELLED, Status.SUCCEEDED]


def test_a_queued_run_starts_when_the_one_before_it_ends() -> None:
    trace = play("queued", event("order.sent"), event("order.sent", 1))
    starts = [line.time for line in trace.lines if line.kind == "started"]
    assert starts == [NOW, NOW + timedelta(hours=2)]
    assert endings(trace) == [Status.SUCCEEDED, Status.SUCCEEDED]


def test_parallel_runs_do_not_mind_each_other() -> None:
    assert len(play("parallel", event("order.sent"), event("order.sent")).runs) == 2


WAIT = "[{id: a, wait: {event: order.paid, match: event.order == trigger.order, timeout: 2 hours}}]"


@pytest.mark.parametrize(("hours", "kind"), [(1, "matched"), (2, "matched"), (2.01, "timed_out")])
def test_event_and_deadline_compete_and_the_event_wins_a_tie(hours: float, kind: str) -> None:
    trace = play("single", event("order.sent", order=7), event("order.paid", hours, order=7), steps=WAIT)
    assert kind in [line.kind for line in trace.lines]


def test_an_event_about_something_else_is_not_taken() -> None:
    trace = play("single", event("order.sent", order=7), event("order.paid", 1, order=8), steps=WAIT)
    assert "timed_out" in [line.kind for line in trace.lines]


def test_a_run_that_nothing_ends_is_still_waiting() -> None:
    steps = "[{id: a, wait: {event: order.paid, match: event.order == trigger.order}}]"
    assert endings(play("single", event("order.sent", order=7), steps=steps)) == [Status.WAITING]


def test_a_scripted_failure_fails_the_run_and_the_last_outcome_stays() -> None:
    text = """
workflow: w
trigger: {event: order.sent}
run: {mode: parallel}
steps: [{id: a, do: ticket.open, with: {connection: z, subject: s}}]
"""
    script = {"a": (Outcome({"ticket": "z:1"}), Outcome(fails="permanent", reason="closed"))}
    trace = simulate(load(text), [event("order.sent", hour) for hour in range(3)], script)
    assert endings(trace) == [Status.SUCCEEDED, Status.FAILED, Status.FAILED]
    assert [asked.params["subject"] for asked in trace.actions] == ["s", "s", "s"]


def test_an_event_that_cannot_be_decided_is_told_and_the_rest_goes_on() -> None:
    text = "workflow: w\ntrigger: {event: order.sent, if: event.total > 3}\nsteps: [{id: a, stop: x}]\n"
    trace = simulate(load(text), [event("order.sent"), event("order.sent", 1, total=4)])
    assert (trace.lines[0].kind, len(trace.runs)) == ("failed", 1)


EXAMPLE = (workflow_tests.__doc__ or "").partition("```yaml\n")[2].partition("```")[0]


def test_the_example_in_the_documentation_passes() -> None:
    report = run_script(read_script(EXAMPLE), load_library()["support-recovery"])
    assert str(report) == "passed: a detractor with consent is called back, once"


@pytest.mark.parametrize(("old", "new", "mismatch"), [
    ("runs: 1 ", "runs: 2 ", "runs: expected 2, got 1"),
    ("ending: done_with_failure", "ending: failed",
     "ending of run 1: expected failed, got done_with_failure (alert: the room is gone)"),
    ("priority: high", "priority: low", "actions[1].with.priority: expected 'low', got 'high'"),
    ("step: callback", "step: other", "actions[1].step: expected other, got callback"),
    ("do: alert.send", "do: score.write", "actions[0].do: expected score.write, got alert.send"),
    ("high}, at: 2026-03-02T10", "high}, at: 2026-03-02T11",
     "actions[1].at: expected 2026-03-02 11:00:00+00:00, got 2026-03-02 10:00:00+00:00"),
    ("    - {do: alert.send}\n", "", "actions[1]: expected nothing more, got ticket.open of step callback"),
    ("    - {do: alert.send}\n", "    - {do: alert.send}\n" * 2, "actions[2]: expected ticket.open, got nothing more"),
])
def test_a_mismatch_tells_what_was_expected_and_what_came(old: str, new: str, mismatch: str) -> None:
    assert old in EXAMPLE
    report = run_script(read_script(EXAMPLE.replace(old, new)), load_library()["support-recovery"])
    assert mismatch in report.mismatches
    assert "what happened:" in str(report)


@pytest.mark.parametrize(("old", "new", "path"), [
    ("at: 2026-03-02T10:00:00Z   ", "at: 2026-03-02T10:00:00   ", "events[0].at"),
    ("at: 2026-03-02T10:00:00Z   ", "after: 3 hours   ", "events[0]"),
    ("after: 3 hours", "afer: 3 hours", "events[1].afer"),
    ("ending: done_with_failure", "ending: fine", "expect.ending"),
    ("[2026-04-27]", "[2026-13-27]", "calendar.holidays[0]"), ("events:", "event:", "events"),
    ("runs: 1 ", "runs: one ", "expect.runs"), ("Europe/Amsterdam", "Mars/Olympus", "test"),
])
def test_a_mistake_in_a_test_has_its_path(old: str, new: str, path: str) -> None:
    assert old in EXAMPLE
    with pytest.raises(DefinitionError) as caught:
        read_script(EXAMPLE.replace(old, new, 1))
    assert path in [mistake.path for mistake in caught.value.mistakes]


@pytest.mark.parametrize("text", ["3", "[]", "test: x", "test: x\nworkflow: y\nevents: []\nexpect: {}"])
def test_what_is_no_test_is_refused(text: str) -> None:
    with pytest.raises(DefinitionError):
        read_script(text)
