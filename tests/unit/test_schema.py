"""Workflow files: read whole or refused with every mistake, written back without loss."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import oracle_path
from workflows.definitions import (
    Branch,
    Choose,
    DeliveryGuarantee,
    Do,
    Each,
    Mode,
    Retry,
    RunRule,
    Stop,
    Trigger,
    Wait,
    Workflow,
)
from workflows.errors import DefinitionError
from workflows.library import library_texts
from workflows.paths import with_paths
from workflows.schema import dump, from_dict, json_schema, lint, load, to_dict
from workflows.step_positions import every_step
from workflows.yaml_text import read

HEAD = "workflow: w\ntrigger: {event: survey.answered}\nsteps:\n"


def mistakes(text: str) -> dict[str, str]:
    """Path → message and remedy of every mistake in the text."""
    with pytest.raises(DefinitionError) as caught:
        load(text, "w.yaml")
    return {each.path: f"{each.message} {each.remedy}".strip() for each in caught.value.mistakes}


def step_mistakes(step: str) -> dict[str, str]:
    return mistakes(f"{HEAD}  - {step}\n")


def warnings(steps: str) -> dict[str, str]:
    found = lint(load(HEAD + steps))
    assert all(each.warning for each in found)
    return {each.path: each.message for each in found}


# Reading


def test_a_file_becomes_frozen_values() -> None:
    found = load("""
workflow: after-call
name: After a call
description: Long
enabled: false
trigger: {event: call.ended, if: event.minutes > 3}
run: {key: event.call, mode: queued}
steps:
  - id: ask
    if: event.minutes < 60
    do: survey.send
    with: {survey: call, context: {minutes: 4, tags: [a, 1.5, true, null]}}
    retry: {attempts: 3, first: 10 seconds, longest: 600}
    delivery: needs-review
    on_error: []
  - {id: later, wait: 3 days}
""")
    ask = Do(
        id="ask", path="steps[0]", condition="event.minutes < 60", action="survey.send",
        params={"survey": "call", "context": {"minutes": 4, "tags": ["a", 1.5, True, None]}},
        retry=Retry(3, 10.0, 600.0), delivery=DeliveryGuarantee.NEEDS_REVIEW, on_error=(),
    )
    assert found == Workflow(
        "after-call", "After a call", Trigger("call.ended", "event.minutes > 3"),
        (ask, Wait(id="later", path="steps[1]", timeout="3 days")),
        RunRule("event.call", Mode.QUEUED), "Long", enabled=False,
    )


def test_a_trigger_may_name_several_events() -> None:
    text = HEAD.replace("survey.answered", "[survey.answered, survey.changed]") + "  - {id: a, stop: x}\n"
    found = load(text)
    assert found.trigger.events == ("survey.answered", "survey.changed")
    assert to_dict(found)["trigger"] == {"event": ["survey.answered", "survey.changed"]}
    assert load(dump(found)) == found
    jsonschema.validate(read(text, "w"), json_schema())


@pytest.mark.parametrize(("event", "match"), [
    ("[]", "must be an event type, or a list of some"), ("[a.b, a.b]", "names an event type twice"),
    ("[a.b, 7]", "Write text"), ("[a.b, oops]", "Write an event type such as"), ("{a: b}", "Write text"),
])  # fmt: skip
def test_events_that_are_none_are_refused(event: str, match: str) -> None:
    found = mistakes(f"workflow: w\ntrigger: {{event: {event}}}\nsteps:\n  - {{id: a, stop: x}}\n")
    assert match in found["trigger.event"]


def test_what_is_left_out_has_its_default() -> None:
    found = load(HEAD + "  - {id: a, stop: x}\n")
    assert (found.name, found.run, found.enabled) == ("w", RunRule("event.customer", Mode.SINGLE), True)


def test_the_headline_workflow_of_the_design_is_read_without_a_warning() -> None:
    text = (oracle_path("README.md").parent.parent / "design.md").read_text("utf-8")
    found = load(text.partition("```yaml\n")[2].partition("```")[0])
    assert [step.id for step in every_step(found.steps)] == [
        "alert", "callback", "solved", "escalate", "retention", "score",
    ]
    assert lint(found) == ()


def test_a_step_knows_its_place() -> None:
    found = load(HEAD + """
  - id: a
    choose:
      - {if: event.score > 3, steps: [{id: b, stop: x}]}
      - otherwise: [{id: c, each: {in: event.l, steps: [{id: d, wait: 1 day, on_error: [{id: e, stop: x}]}]}}]
""")
    assert {step.id: step.path for step in every_step(found.steps)} == {
        "a": "steps[0]", "b": "steps[0].choose[0].steps[0]", "c": "steps[0].choose[1].otherwise[0]",
        "d": "steps[0].choose[1].otherwise[0].each.steps[0]",
        "e": "steps[0].choose[1].otherwise[0].each.steps[0].on_error[0]",
    }


# Mistakes


def test_every_mistake_is_told_at_once() -> None:
    found = mistakes("""
workflow: Bad Name
extra: 1
trigger: {event: survey, iff: x}
run: {key: "event.", mode: singel}
steps:
  - {id: a, do: ticket.opne}
  - {id: a, wait: 3 lightyears}
  - {wait: {event: ticket.solved, match: event.ticket == steps.z.ticket, timeout: soon}}
""")
    assert set(found) == {
        "workflow", "extra", "trigger.event", "trigger.iff", "run.key", "run.mode", "steps[0].do", "steps[1].wait",
        "steps[1].id", "steps[2].id", "steps[2].wait.timeout", "steps[2].wait.match",
    }
    assert all(len(message) > 20 for message in found.values())


@pytest.mark.parametrize(("step", "path", "match"), [
    ("{do: score.write, with: {connection: x}}", "steps[0].id", "missing"),
    ("{id: a-b, stop: x}", "steps[0].id", "letters"),
    ("{id: in, stop: x}", "steps[0].id", "letters"),
    ("{id: a, dos: x}", "steps[0]", "exactly one"),
    ("{id: a, stop: x, wait: 1 day}", "steps[0]", "stop"),
    ("17", "steps[0]", "mapping"),
    ("{id: a, do: score.wite, with: {}}", "steps[0].do", '"score.write"'),
    ("{id: a, do: score.write, with: {conection: x}}", "steps[0].with.conection", '"connection"'),
    ("{id: a, do: score.write}", "steps[0].with.connection", "Add connection"),
    ("{id: a, do: score.write, with: 3}", "steps[0].with", "mapping"),
    ('{id: a, do: score.write, with: {connection: "{{ x"}}', "steps[0].with.connection", "Mend"),
    ('{id: a, do: ticket.update, with: {ticket: x, tags: [ok, "{% if %}"]}}', "steps[0].with.tags[1]", "Mend"),
    ("{id: a, if: event.x ==, stop: x}", "steps[0].if", "line 1, column 11"),
    ("{id: a, if: true, stop: x}", "steps[0].if", "text"),
    ("{id: a, iff: x, stop: x}", "steps[0].iff", '"if"'),
    ("{id: a, wait: soon}", "steps[0].wait", "unit"),
    ("{id: a, wait: 3}", "steps[0].wait", "text"),
    ("{id: a, wait: {timeout: 3 days}}", "steps[0].wait.event", "missing"),
    ("{id: a, wait: 1 day, on_timeout: [{id: b, stop: x}]}", "steps[0].on_timeout", "after this one"),
    ("{id: a, choose: []}", "steps[0].choose", "no branch"),
    ("{id: a, choose: [{otherwise: []}, {otherwise: []}]}", "steps[0].choose", "end"),
    ("{id: a, choose: [{if: event.x}]}", "steps[0].choose[0].steps", "missing"),
    ("{id: a, each: {in: event.x, as: event, steps: []}}", "steps[0].each.as", "means nothing else"),
    ("{id: a, do: score.write, with: {connection: x}, retry: {attempts: 0}}", "steps[0].retry.attempts", "1 to 50"),
    ("{id: a, do: score.write, with: {connection: x}, retry: {first: 1 business hour}}", "steps[0].retry.first",
     "plain"),
    ("{id: a, do: score.write, with: {connection: x}, delivery: once}", "steps[0].delivery", "at-most-once"),
    ('{id: a, stop: "{{ x"}', "steps[0].stop", "template"),
    ("{id: a, if: steps.a.done, stop: x}", "steps[0].if", "comes later"),
    ('{id: a, stop: "{{ steps.nobody.done }}"}', "steps[0].stop", 'no step "nobody"'),
])
def test_a_mistake_in_a_step_has_its_path_and_remedy(step: str, path: str, match: str) -> None:
    assert match in step_mistakes(step)[path]


def test_a_reference_to_a_later_step_is_told_apart_from_an_unknown_one() -> None:
    found = mistakes(f"{HEAD}  - {{id: a, if: steps.callbak.done, stop: x}}\n  - {{id: callback, stop: x}}\n")
    assert found == {"steps[0].if": 'There is no step "callbak". Did you mean "callback"?'}


def test_a_trigger_and_a_key_cannot_speak_of_steps() -> None:
    found = mistakes(
        "workflow: w\ntrigger: {event: a.b, if: steps.a.done}\nrun: {key: steps.a.x}\nsteps: [{id: a, stop: x}]"
    )
    assert set(found) == {"trigger.if", "run.key"}


@pytest.mark.parametrize("key", ["on", True])
def test_on_instead_of_trigger_is_explained(key: object) -> None:
    with pytest.raises(DefinitionError, match=r'starts with "trigger", not "on"'):
        from_dict({"workflow": "w", key: {"event": "a.b"}, "steps": [{"id": "a", "stop": "x"}]})


@pytest.mark.parametrize("data", [None, [], "text", 3, {}, {"steps": None}, {"steps": {}}, {"trigger": 3, "run": []}])
def test_what_is_no_workflow_is_refused(data: object) -> None:
    with pytest.raises(DefinitionError):
        from_dict(data)


def test_too_many_steps_and_too_deep_ones_are_refused() -> None:
    many = [{"id": f"s{number}", "stop": "x"} for number in range(201)]
    deep: dict[str, Any] = {"id": "s", "stop": "x"}
    for number in range(7):
        deep = {"id": f"d{number}", "choose": [{"otherwise": [deep]}]}
    rounds: dict[str, Any] = {"id": "s", "stop": "x"}
    for number in range(3):
        rounds = {"id": f"e{number}", "each": {"in": "event.l", "steps": [rounds]}}
    for steps, match in ((many, "201 steps"), ([deep], "nested too deep"), ([rounds], "too many others")):
        with pytest.raises(DefinitionError, match=match):
            from_dict({"workflow": "w", "trigger": {"event": "a.b"}, "steps": steps})


def test_a_bottomless_value_is_refused_and_does_not_exhaust_the_stack() -> None:
    bottomless: Any = "x"
    for _ in range(100_000):
        bottomless = [bottomless]
    with pytest.raises(DefinitionError, match="nested too deep"):
        from_dict({"workflow": "w", "steps": bottomless})


# YAML


@pytest.mark.parametrize(("text", "place", "match"), [
    ("a: [1", "line 1", "no YAML"), ("a: 1\n b: 2\n", "line 2, column 3", "no YAML"),
    ("a: 1\na: 2\n", "line 2", "twice"), ("a: &x [1]\nb: *x\n", "line 1", "anchor"),
    ("a: *x\n", "line 1", "anchor"), ("a: !!python/name:os.system x", "line 1", "tag"),
    ("if: !event.x\n", "line 1", "quotes"), ("[" * 60, "line 1", "deep"), ("a: \x00", "file", "character"),
    ("? [a]\n: 1\n", "line 1", "key"), ("x" * 200_001, "file", "200 kB"), ("a: 1\n---\nb: 2\n", "line 2", "no YAML"),
])
def test_hostile_or_broken_yaml_is_refused_with_its_place(text: str, place: str, match: str) -> None:
    ((path, message),) = mistakes(text).items()
    assert path.startswith(place)
    assert match in message


def test_yaml_holds_only_what_json_knows() -> None:
    assert read("{a: on, b: no, c: 10:30, d: 2026-03-02, e: .inf, f: 0x10, g: 007, h: 1e3, i: ~, j: 1.5}", "x") == {
        "a": "on", "b": "no", "c": "10:30", "d": "2026-03-02", "e": ".inf", "f": "0x10", "g": "007", "h": "1e3",
        "i": None, "j": 1.5,
    }


@pytest.mark.parametrize("text", sorted(library_texts()))
def test_a_built_in_workflow_survives_writing(text: str) -> None:
    found = load(library_texts()[text], text)
    assert load(dump(found)) == found
    assert from_dict(to_dict(found)) == found
    jsonschema.validate(to_dict(found), json_schema())


# Any workflow survives

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="{}", exclude_categories=["Cc", "Cs"]), max_size=20)
ODD = st.sampled_from([
    "on", "no", "~", "null", "1e3", "0x1F", "10:30", "2026-03-02", "", " x ", "a: b", "- x", "#", "1_0", "yes", "=",
    "<<", "line\nbreak\n", "tab\tbed", "'", '"', "%", "@a", "`", "!x", "&a", "*a", "1.", ".5", "1.0e+100",
])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS | ODD
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | ODD, inner, max_size=3), max_leaves=4,
)
CONDITIONS = st.sampled_from([None, "event.a", 'event.b == "x: y" && !has(event.c)', "now != now"])
DURATIONS = st.sampled_from(["1 day", "4 business hours", "90 seconds"])
RETRIES = st.none() | st.builds(Retry, st.integers(1, 50), st.floats(0.1, 60), st.integers(60, 86_400).map(float))


def steps(depth: int) -> st.SearchStrategy[tuple[Any, ...]]:
    """Lists of steps with ids to be numbered afterwards."""
    common = {"id": st.just("x"), "condition": CONDITIONS}
    inner = steps(depth - 1) if depth else st.just(())
    errors = st.none() | st.just(())
    do = st.builds(
        Do, **common, on_error=errors, action=st.just("ticket.comment"), retry=RETRIES,
        params=st.fixed_dictionaries({"ticket": VALUES, "body": VALUES}),
        delivery=st.none() | st.sampled_from(DeliveryGuarantee),
    )
    wait = st.builds(Wait, **common, on_error=errors, event=st.just("ticket.solved"), match=CONDITIONS,
                     timeout=st.none() | DURATIONS, on_timeout=inner)
    pause = st.builds(Wait, **common, on_error=errors, timeout=DURATIONS)
    branches = st.lists(st.builds(Branch, CONDITIONS.filter(bool), inner), min_size=1, max_size=2)
    otherwise = st.just([]) | st.builds(Branch, st.none(), inner).map(lambda branch: [branch])
    choose = st.builds(Choose, **common, on_error=errors,
                       branches=st.builds(lambda some, last: (*some, *last), branches, otherwise))
    stop = st.builds(Stop, **common, on_error=errors, reason=TEXTS | ODD)
    rounds = st.builds(Each, **common, on_error=errors, items=st.just("event.l"),
                       name=st.sampled_from(["item", "word"]), steps=inner)
    kinds = (do, wait, pause, choose, stop) if depth == 1 else (do, wait, pause, choose, stop, rounds)
    return st.lists(st.one_of(*kinds), min_size=1, max_size=2).map(tuple)


def numbered(workflow: Workflow) -> Workflow:
    """The workflow with an id of its own for each step."""
    count = iter(range(10_000))

    def renamed(some: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(one(step) for step in some)

    def one(step: Any) -> Any:
        step = replace(step, id=f"s{next(count)}")
        if step.on_error is not None:
            step = replace(step, on_error=renamed(step.on_error))
        if isinstance(step, Wait):
            return replace(step, on_timeout=renamed(step.on_timeout))
        if isinstance(step, Each):
            return replace(step, steps=renamed(step.steps))
        if isinstance(step, Choose):
            return replace(step, branches=tuple(Branch(each.condition, renamed(each.steps)) for each in step.branches))
        return step

    return with_paths(replace(workflow, steps=renamed(workflow.steps)))


WORKFLOWS = st.builds(
    Workflow, st.sampled_from(["w", "7-up", "a-b-c"]), (TEXTS | ODD).filter(bool),
    st.builds(Trigger, st.sampled_from(["survey.answered", "order.line.sent"]), CONDITIONS), steps(2),
    st.builds(RunRule, st.sampled_from(["event.customer", "event.a + event.b"]), st.sampled_from(Mode)),
    TEXTS | ODD, st.booleans(),
).map(numbered)


@settings(max_examples=50, deadline=None)
@given(WORKFLOWS)
def test_any_workflow_survives_being_written_and_read(workflow: Workflow) -> None:
    assert load(dump(workflow)) == workflow
    assert from_dict(to_dict(workflow)) == workflow
    jsonschema.validate(to_dict(workflow), json_schema())


@pytest.mark.parametrize("step", [
    {"id": "a"}, {"id": "a", "do": "nothing.known"}, {"id": "a", "stop": "x", "wait": "1 day"},
    {"id": "a", "do": "score.write"}, {"id": "a", "do": "score.write", "with": {"conection": "x"}},
    {"id": "a", "wait": "soon"}, {"id": "a", "choose": [{"if": "true"}]}, {"stop": "x"},
])
def test_the_json_schema_refuses_what_we_refuse(step: dict[str, Any]) -> None:
    data = {"workflow": "w", "trigger": {"event": "a.b"}, "steps": [step]}
    assert list(jsonschema.Draft202012Validator(json_schema()).iter_errors(data))
    with pytest.raises(DefinitionError):
        from_dict(data)


# Lint


@pytest.mark.parametrize(("found", "path", "match"), [
    ("  - {id: a, wait: {event: ticket.solved, match: event.ticket == trigger.ticket}}\n", "steps[0].wait", "for ever"),
    ("  - {id: a, wait: {event: ticket.solved, timeout: 1 day}}\n", "steps[0].wait.match", "every ticket.solved"),
    ("  - {id: a, wait: {event: ticket.sovled, timeout: 1 day}}\n", "steps[0].wait.event", "neutral"),
    ("  - {id: a, stop: x}\n  - {id: b, stop: y}\n", "steps[1]", "never reached"),
    ("  - {id: a, if: evnt.score > 3, stop: x}\n", "steps[0].if", '"evnt" is not declared'),
    ('  - {id: a, do: alert.send, with: {to: t, text: "{{ custmer.name }}"}}\n', "steps[0].with.text", '"custmer"'),
    ("  - {id: a, do: score.write, with: {connection: x}, delivery: at-most-once}\n", "steps[0].delivery", "nothing"),
    ("  - {id: a, each: {in: event.l, as: word, steps: []}}\n  - {id: b, if: word == 1, stop: x}\n", "steps[1].if",
     '"word"'),
])
def test_lint_warns(found: str, path: str, match: str) -> None:
    assert match in warnings(found)[path]


def test_lint_knows_the_names_that_each_binds_and_a_stop_with_a_condition() -> None:
    assert warnings("""
  - id: a
    each: {in: event.l, as: word, steps: [{id: b, if: word == 1, do: alert.send, with: {to: t, text: "{{ word }}"}}]}
  - {id: c, if: event.score > 3, stop: x}
  - {id: d, wait: {event: ticket.solved, match: event.ticket == trigger.ticket, timeout: 1 day}}
""") == {}


def test_an_event_that_is_not_neutral_is_no_mistake() -> None:
    found = load("workflow: w\ntrigger: {event: parcel.lost}\nsteps: [{id: a, stop: x}]\n")
    assert [each.path for each in lint(found)] == ["trigger.event"]
