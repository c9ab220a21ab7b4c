"""The engine: what a run does next, whatever happens, and how it says why."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import oracle_path
from workflows.calendars import BusinessCalendar
from workflows.definitions import Workflow
from workflows.engine import (
    cancel,
    from_json,
    match_trigger,
    replay,
    resume,
    run_key,
    start,
    to_json,
    wait_matches,
)
from workflows.errors import ConditionError
from workflows.runs import (
    Decision,
    EffectDone,
    EffectFailed,
    EventArrived,
    Facts,
    Input,
    Moment,
    RunState,
    Status,
    TimePassed,
)
from workflows.schema import load

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
MOMENT = Moment(NOW)
EVENT: dict[str, Any] = {
    "response": "r1", "response_id": "r1", "survey": "after-support", "band": "detractor", "score": 3,
    "comment": "it took days", "contact_consent": True, "customer": "c1", "items": ["a", "b", "c"],
}
CUSTOMER = {"id": "c1", "name": "Ann"}
FACTS = Facts("run1", EVENT, CUSTOMER, NOW)

RECOVERY = """
workflow: recovery
trigger: {event: survey.answered, if: event.band == "detractor"}
steps:
  - id: callback
    if: event.contact_consent
    do: ticket.open
    with: {connection: zendesk, subject: "Call back {{ customer.name }}"}
  - id: solved
    if: steps.callback.done
    wait: {event: ticket.solved, match: event.ticket == steps.callback.ticket, timeout: 7 days}
    on_timeout:
      - {id: escalate, do: ticket.escalate, with: {ticket: "{{ steps.callback.ticket }}"}}
  - id: score
    do: score.write
    with: {connection: salesforce}
"""


def workflow(steps: str) -> Workflow:
    return load(f"workflow: w\ntrigger: {{event: survey.answered}}\nsteps:\n{steps}")


def later(**span: float) -> Moment:
    return Moment(NOW + timedelta(**span))


def kinds(decision: Decision) -> list[str]:
    return [note.kind for note in decision.notes]


def asked(decision: Decision) -> str:
    """The action asked for; fails when there is none."""
    assert decision.effect is not None
    return decision.effect.action


def opened() -> Decision:
    return resume(load(RECOVERY), start(load(RECOVERY), FACTS, MOMENT).state, FACTS,
                  EffectDone("callback#1", {"ticket": "zendesk:1"}), MOMENT)


# Triggers and keys


def test_a_trigger_says_why_it_does_not_apply() -> None:
    verdict = match_trigger(load(RECOVERY), "survey.answered", {**EVENT, "band": "passive"}, CUSTOMER, MOMENT)
    assert (verdict.value, verdict.why) == (False, 'event.band == "detractor" is false (event.band is "passive")')


def test_another_event_type_and_a_disabled_workflow_do_not_start() -> None:
    assert not match_trigger(load(RECOVERY), "survey.sent", EVENT, CUSTOMER, MOMENT).value
    disabled = replace(load(RECOVERY), enabled=False)
    assert match_trigger(disabled, "survey.answered", EVENT, CUSTOMER, MOMENT).why == "the workflow is switched off"


def test_a_trigger_without_its_field_is_an_error() -> None:
    with pytest.raises(ConditionError, match=r"event\.band is not there"):
        match_trigger(load(RECOVERY), "survey.answered", {}, CUSTOMER, MOMENT)


@pytest.mark.parametrize(("value", "key"), [("c1", "c1"), (7, "7"), (7.0, "7")])
def test_a_run_key_is_text(value: object, key: str) -> None:
    assert run_key(load(RECOVERY), {"customer": value}, {}) == key


@pytest.mark.parametrize("data", [{"customer": None}, {"customer": ""}, {"customer": ["c1"]}, {"customer": True}, {}])
def test_a_run_without_a_subject_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ConditionError):
        run_key(load(RECOVERY), data, {})


# Actions


def test_a_run_asks_for_its_first_action_with_rendered_parameters() -> None:
    decision = start(load(RECOVERY), FACTS, MOMENT)
    assert decision.effect is not None
    assert decision.effect.params == {"connection": "zendesk", "subject": "Call back Ann"}
    assert (decision.effect.visit, decision.state.waiting_for) == ("callback#1", "callback#1")
    assert decision.notes[-1].text == "Asked for ticket.open, because event.contact_consent is true."


def test_a_step_whose_condition_is_false_is_skipped_with_the_reason_and_its_followers_can_ask() -> None:
    decision = start(load(RECOVERY), replace(FACTS, event={**EVENT, "contact_consent": False}), MOMENT)
    assert [note.text for note in decision.notes if note.kind == "skipped"] == [
        "Skipped, because event.contact_consent is false.",
        "Skipped, because steps.callback.done is false.",
    ]
    assert asked(decision) == "score.write"
    assert decision.state.outputs["callback"] == {"done": False, "skipped": True}


def test_an_action_that_decided_not_to_is_not_done_and_says_why() -> None:
    state = start(load(RECOVERY), FACTS, MOMENT).state
    decision = resume(load(RECOVERY), state, FACTS,
                      EffectDone("callback#1", {"done": False, "reason": "asked 12 days ago, rule is 90"}), MOMENT)
    assert decision.notes[0].text == "ticket.open was not done: asked 12 days ago, rule is 90."
    assert asked(decision) == "score.write"


def test_a_failed_action_fails_the_run_with_its_reason() -> None:
    state = start(load(RECOVERY), FACTS, MOMENT).state
    decision = resume(load(RECOVERY), state, FACTS, EffectFailed("callback#1", "permanent", "no such group"), MOMENT)
    assert (decision.state.status, decision.state.reason) == (Status.FAILED, "no such group")
    assert "no such group" in decision.notes[-1].text


def test_an_ambiguous_failure_asks_a_human_who_may_say_that_it_happened() -> None:
    state = start(load(RECOVERY), FACTS, MOMENT).state
    review = resume(load(RECOVERY), state, FACTS, EffectFailed("callback#1", "ambiguous", "lost"), MOMENT)
    assert review.state.status is Status.NEEDS_REVIEW
    told = resume(load(RECOVERY), review.state, FACTS, EffectDone("callback#1", {"ticket": "zendesk:1"}), MOMENT)
    assert told.wait is not None


def test_a_failed_run_tries_its_step_again_as_a_new_visit() -> None:
    state = start(load(RECOVERY), FACTS, MOMENT).state
    failed = resume(load(RECOVERY), state, FACTS, EffectFailed("callback#1", "permanent", "x"), MOMENT).state
    again = replay(load(RECOVERY), failed, FACTS, MOMENT)
    assert again.effect is not None
    assert again.effect.visit == "callback#2"


def test_a_run_that_goes_well_is_not_replayed() -> None:
    state = start(load(RECOVERY), FACTS, MOMENT).state
    assert replay(load(RECOVERY), state, FACTS, MOMENT).state == state


# on_error


def test_on_error_takes_over_and_the_run_goes_on_after_the_step() -> None:
    definition = workflow("""
  - id: a
    do: score.write
    with: {connection: x}
    on_error: [{id: b, do: alert.send, with: {to: t, text: "{{ steps.a.reason }}"}}]
  - {id: c, do: score.write, with: {connection: y}}
""")
    state = start(definition, FACTS, MOMENT).state
    rescued = resume(definition, state, FACTS, EffectFailed("a#1", "permanent", "gone"), MOMENT)
    assert rescued.effect is not None
    assert rescued.effect.params["text"] == "gone"
    after = resume(definition, rescued.state, FACTS, EffectDone("b#1", {}), MOMENT)
    assert after.effect is not None
    assert after.effect.step == "c"


def test_an_empty_on_error_just_goes_on() -> None:
    definition = workflow("""
  - {id: a, do: score.write, with: {connection: x}, on_error: []}
  - {id: b, do: score.write, with: {connection: "{{ steps.a.failed }}"}}
""")
    state = start(definition, FACTS, MOMENT).state
    decision = resume(definition, state, FACTS, EffectFailed("a#1", "ambiguous", "lost"), MOMENT)
    assert decision.effect is not None
    assert decision.effect.params["connection"] == "true"


def test_a_failure_inside_on_error_does_not_go_round() -> None:
    definition = workflow("""
  - id: a
    do: score.write
    with: {connection: x}
    on_error: [{id: b, do: score.write, with: {connection: y}}]
""")
    state = start(definition, FACTS, MOMENT).state
    state = resume(definition, state, FACTS, EffectFailed("a#1", "permanent", "one"), MOMENT).state
    decision = resume(definition, state, FACTS, EffectFailed("b#1", "permanent", "two"), MOMENT)
    assert (decision.state.status, decision.state.reason) == (Status.FAILED, "two")


def test_a_failure_inside_a_branch_is_rescued_by_the_choose_around_it() -> None:
    definition = workflow("""
  - id: a
    choose: [{otherwise: [{id: b, do: score.write, with: {connection: x}}]}]
    on_error: [{id: c, do: alert.send, with: {to: t, text: x}}]
""")
    state = start(definition, FACTS, MOMENT).state
    assert asked(resume(definition, state, FACTS, EffectFailed("b#1", "permanent", "x"), MOMENT)) == "alert.send"


@pytest.mark.parametrize("step", [
    "{id: a, if: event.missing == 1, do: score.write, with: {connection: x}, on_error: []}",
    '{id: a, do: score.write, with: {connection: "{{ event.missing }}"}, on_error: []}',
    '{id: a, wait: {event: ticket.solved, match: event.ticket == trigger.missing}, on_error: []}',
    "{id: a, choose: [{if: event.missing, steps: []}], on_error: []}",
    "{id: a, each: {in: event.comment, steps: []}, on_error: []}",
])
def test_what_cannot_be_decided_or_rendered_fails_its_step_visibly(step: str) -> None:
    decision = start(workflow(f"  - {step}\n"), FACTS, MOMENT)
    assert kinds(decision) == ["started", "failed", "ended"]
    assert "missing" in decision.notes[1].text or "no list" in decision.notes[1].text
    failing = start(workflow(f"  - {step.replace(', on_error: []', '')}\n"), FACTS, MOMENT)
    assert failing.state.status is Status.FAILED


# Waits


def test_a_wait_is_findable_by_its_subject_and_looks_back_to_the_begin_of_what_it_is_about() -> None:
    state = start(load(RECOVERY), FACTS, MOMENT).state
    decision = resume(load(RECOVERY), state, FACTS, EffectDone("callback#1", {"ticket": "zendesk:1"}), later(minutes=5))
    assert decision.wait is not None
    assert (decision.wait.event, decision.wait.subject) == ("ticket.solved", "zendesk:1")
    assert decision.wait.since == NOW
    assert decision.wait.deadline == NOW + timedelta(days=7, minutes=5)


def test_a_wait_about_the_trigger_looks_back_to_the_start() -> None:
    definition = workflow("""
  - {id: a, do: score.write, with: {connection: x}}
  - {id: b, wait: {event: ticket.reopened, match: event.ticket == trigger.response, timeout: 1 hour}}
""")
    state = start(definition, FACTS, MOMENT).state
    wait = resume(definition, state, FACTS, EffectDone("a#1", {}), later(minutes=5)).wait
    assert wait is not None
    assert (wait.since, wait.subject) == (NOW, "r1")


def test_a_wait_without_an_equality_must_look_at_every_event_from_now_on() -> None:
    wait = start(workflow("  - {id: a, wait: {event: ticket.solved, match: event.status == 'x'}}"), FACTS, MOMENT).wait
    assert wait is not None
    assert (wait.subject, wait.since, wait.deadline) == (None, NOW, None)


def test_only_the_matching_event_is_the_one_waited_for() -> None:
    state = opened().state
    assert wait_matches(load(RECOVERY), state, FACTS, {"ticket": "zendesk:1"}, MOMENT).value
    other = wait_matches(load(RECOVERY), state, FACTS, {"ticket": "zendesk:2"}, MOMENT)
    assert not other.value
    assert '"zendesk:2"' in other.why


def test_a_run_that_waits_for_an_action_matches_no_event() -> None:
    state = start(load(RECOVERY), FACTS, MOMENT).state
    assert not wait_matches(load(RECOVERY), state, FACTS, {"ticket": "zendesk:1"}, MOMENT).value


def test_an_event_without_the_matched_field_is_an_error() -> None:
    with pytest.raises(ConditionError, match=r"event\.ticket is not there"):
        wait_matches(load(RECOVERY), opened().state, FACTS, {}, MOMENT)


def test_the_event_is_there_for_later_steps_beside_the_flags() -> None:
    event = {"ticket": "zendesk:1", "status": "solved", "done": "no", "event": "clash"}
    decision = resume(load(RECOVERY), opened().state, FACTS, EventArrived("solved#1", event), MOMENT)
    assert decision.state.outputs["solved"] == {
        "ticket": "zendesk:1", "status": "solved", "done": True, "event": event,
    }
    assert asked(decision) == "score.write"


def test_a_wait_that_times_out_takes_its_branch_and_goes_on_after_it() -> None:
    decision = resume(load(RECOVERY), opened().state, FACTS, TimePassed("solved#1"), later(days=7))
    assert decision.effect is not None
    assert (decision.effect.step, decision.effect.params) == ("escalate", {"ticket": "zendesk:1"})
    assert decision.state.outputs["solved"] == {"done": False, "timed_out": True}
    after = resume(load(RECOVERY), decision.state, FACTS, EffectDone("escalate#1", {}), later(days=7))
    assert asked(after) == "score.write"


def test_a_wait_for_time_alone_is_done_when_it_has_passed() -> None:
    definition = workflow("  - {id: a, wait: 2 business hours}\n  - {id: b, if: steps.a.done, stop: enough}\n")
    waiting = start(definition, FACTS, Moment(NOW, BusinessCalendar("UTC")))
    assert waiting.wait is not None
    assert (waiting.wait.event, waiting.wait.deadline) == (None, NOW + timedelta(hours=2))
    ended = resume(definition, waiting.state, FACTS, TimePassed("a#1"), later(hours=2))
    assert (ended.state.status, ended.state.reason) == (Status.SUCCEEDED, "enough")


@pytest.mark.parametrize("given_input", [
    EffectDone("callback#1", {}), EffectDone("solved#1", {}), EffectFailed("solved#1", "permanent", "x"),
    TimePassed("solved#2"), EventArrived("other#1", {}),
])
def test_what_the_run_does_not_wait_for_changes_nothing_and_is_named(given_input: Input) -> None:
    state = opened().state
    decision = resume(load(RECOVERY), state, FACTS, given_input, MOMENT)
    assert decision.state == state
    assert (decision.effect, decision.wait) == (None, None)
    assert given_input.visit in decision.notes[0].text


def test_an_event_for_a_run_that_ended_is_ignored() -> None:
    ended = cancel(opened().state, "by hand").state
    decision = resume(load(RECOVERY), ended, FACTS, EventArrived("solved#1", {}), MOMENT)
    assert (decision.state, kinds(decision)) == (ended, ["ignored"])


# Choose, each, stop, end


def test_the_first_branch_that_applies_is_taken_and_no_other() -> None:
    definition = workflow("""
  - id: a
    choose:
      - {if: event.score > 8, steps: [{id: b, stop: high}]}
      - {if: event.score > 2, steps: [{id: c, do: score.write, with: {connection: middle}}]}
      - otherwise: [{id: d, stop: low}]
  - {id: e, stop: "after {{ steps.c.done }} {{ steps.b.done }}"}
""")
    decision = start(definition, FACTS, MOMENT)
    assert asked(decision) == "score.write"
    assert "branch 2" in decision.notes[1].text
    assert resume(definition, decision.state, FACTS, EffectDone("c#1", {}), MOMENT).state.reason == "after true false"


def test_a_choose_in_which_nothing_applies_is_passed() -> None:
    definition = workflow("  - {id: a, choose: [{if: event.score > 8, steps: [{id: b, stop: high}]}]}\n")
    decision = start(definition, FACTS, MOMENT)
    assert kinds(decision) == ["started", "branched", "ended"]


EACH = """
  - id: round
    each:
      in: event.items
      as: word
      steps:
        - {id: notify, if: word != "b", do: alert.send, with: {to: team, text: "{{ word }}"}}
  - {id: last, stop: "{{ steps.round.count }} {{ steps.notify.text }}"}
"""


def test_each_goes_through_its_items_one_by_one_with_visits_of_their_own() -> None:
    definition = workflow(EACH)
    first = start(definition, FACTS, MOMENT)
    assert first.effect is not None
    assert (first.effect.visit, first.effect.params["text"]) == ("notify[0]#1", "a")
    second = resume(definition, first.state, FACTS, EffectDone("notify[0]#1", {"text": "first"}), MOMENT)
    assert second.effect is not None
    assert (second.effect.visit, second.effect.params["text"]) == ("notify[2]#1", "c")
    ended = resume(definition, second.state, FACTS, EffectDone("notify[2]#1", {"text": "third"}), MOMENT)
    assert (ended.state.reason, ended.state.items) == ("3 third", {})


@pytest.mark.parametrize(("count", "status"), [(0, Status.SUCCEEDED), (50, Status.WAITING), (51, Status.FAILED)])
def test_each_takes_at_most_fifty_items(count: int, status: Status) -> None:
    facts = replace(FACTS, event={**EVENT, "items": ["a"] * count})
    definition = workflow(EACH.replace("{{ steps.notify.text }}", ""))
    assert start(definition, facts, MOMENT).state.status is status


def test_an_each_inside_an_each_knows_both_items() -> None:
    definition = workflow("""
  - id: outer
    each:
      in: '["x", "y"]'
      as: o
      steps:
        - id: inner
          each:
            in: "[o + '1', o + '2']"
            as: i
            steps: [{id: say, do: alert.send, with: {to: t, text: "{{ o }}{{ i }}"}}]
""")
    said, decision = [], start(definition, FACTS, MOMENT)
    while decision.effect is not None:
        said.append((decision.effect.visit, decision.effect.params["text"]))
        decision = resume(definition, decision.state, FACTS, EffectDone(decision.effect.visit, {}), MOMENT)
    assert said == [("say[0][0]#1", "xx1"), ("say[0][1]#1", "xx2"), ("say[1][0]#1", "yy1"), ("say[1][1]#1", "yy2")]


def test_a_run_ends_when_its_steps_are_done() -> None:
    definition = workflow("  - {id: a, do: score.write, with: {connection: x}}\n")
    decision = resume(definition, start(definition, FACTS, MOMENT).state, FACTS, EffectDone("a#1", {}), MOMENT)
    assert (decision.state.status, kinds(decision)) == (Status.SUCCEEDED, ["done", "ended"])


def test_cancelling_ends_a_run_once() -> None:
    ended = cancel(opened().state, "replaced").state
    assert (ended.status, ended.reason, ended.waiting_for) == (Status.CANCELLED, "replaced", None)
    assert cancel(ended, "again").state == ended


# The workload that everything is measured by


def test_the_bench_workflow_opens_a_ticket_only_for_a_detractor_with_consent() -> None:
    text = (oracle_path("README.md").parent.parent / "bench" / "README.md").read_text("utf-8")
    bench = load(text.partition("```yaml\n")[2].partition("```")[0])
    decision = start(bench, FACTS, MOMENT)
    assert decision.effect is not None
    assert decision.effect.params["body"] == "3: it took days (r1)"
    assert asked(start(bench, replace(FACTS, event={**EVENT, "band": "passive"}), MOMENT)) == "score.write"


# Properties


LONG = """
  - id: a
    if: event.contact_consent
    do: ticket.open
    with: {connection: z, subject: s}
    on_error: [{id: a2, wait: 1 day}]
  - id: b
    choose:
      - if: steps.a.done
        steps:
          - id: c
            wait: {event: ticket.solved, match: event.ticket == steps.a.ticket, timeout: 1 day}
            on_timeout: [{id: d, do: ticket.escalate, with: {ticket: "{{ steps.a.ticket }}"}, on_error: []}]
      - otherwise: [{id: e, do: alert.send, with: {to: t, text: x}}]
  - id: f
    each:
      in: event.items
      as: word
      steps: [{id: g, do: alert.send, with: {to: t, text: "{{ word }}"}}, {id: h, wait: 1 hour}]
    on_error: []
  - {id: i, if: steps.c.timed_out, stop: late}
  - {id: j, do: score.write, with: {connection: x}}
"""


def answer(decision: Decision, choice: int) -> Input:
    """One of the things that may happen to what was asked for, among them nonsense."""
    visit = decision.state.waiting_for or "gone#1"
    answers: tuple[Input, ...] = (
        EffectDone(visit, {"ticket": "zendesk:1"}), EffectDone(visit, {"done": False}), TimePassed(visit),
        EffectFailed(visit, "permanent", "refused"), EffectFailed(visit, "ambiguous", "lost"),
        EventArrived(visit, {"ticket": "zendesk:1"}), TimePassed("other#7"), EffectDone("a#1", {"ticket": "zendesk:1"}),
    )
    return answers[choice % len(answers)]


@settings(max_examples=150)
@given(st.lists(st.integers(0, 7), max_size=40), st.booleans(), st.lists(st.text(max_size=3), max_size=3))
def test_whatever_happens_a_decision_asks_one_thing_survives_json_and_is_made_again_alike(
    choices: list[int], consent: bool, items: list[str]
) -> None:
    definition = workflow(LONG)
    facts = replace(FACTS, event={**EVENT, "contact_consent": consent, "items": items})
    decision = start(definition, facts, MOMENT)
    visits = []
    for number, choice in enumerate(choices):
        assert decision.effect is None or decision.wait is None
        waits = decision.state.status in {Status.WAITING, Status.NEEDS_REVIEW}
        assert (decision.state.waiting_for is not None) == waits
        asking = decision.effect or decision.wait
        if asking is not None:
            visits.append(asking.visit)
        stored = json.loads(json.dumps(to_json(decision.state)))
        assert from_json(stored) == decision.state
        given_input, moment = answer(decision, choice), later(hours=number)
        following = resume(definition, from_json(stored), facts, given_input, moment)
        assert following == resume(definition, decision.state, facts, given_input, moment)
        assert all(note.text.endswith(".") and "\n" not in note.text for note in following.notes)
        decision = following
    assert len(set(visits)) == len(visits)


def test_a_state_is_stored_without_loss() -> None:
    state = RunState(Status.WAITING, (2, "each:1", 0), {"a": {"done": True}}, {"a": 1}, {"a": NOW.isoformat()},
                     {"f": ["x"]}, "a#1", "because")
    assert from_json(json.loads(json.dumps(to_json(state)))) == state
