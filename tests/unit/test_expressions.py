"""Conditions, values and templates: what they say, what they refuse, and how they explain themselves."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workflows.errors import ConditionError, TemplateError
from workflows.expressions import condition, equality, references, render, template_references, value

NAMES: dict[str, Any] = {
    "event": {
        "band": "promoter", "score": 9, "double": 9.0, "nothing": None, "consent": True, "tags": ["a", "b"],
        "text": "nine", "answered_at": "2026-03-01T10:00:00Z", "secret": "someone@example.org",
    },
    "customer": {"name": "Ann <b>", "tier": "gold"},
    "steps": {"callback": {"done": False}},
    "now": datetime(2026, 3, 2, 10, tzinfo=UTC),
}


def decide(text: str) -> bool:
    return condition(text).decide(NAMES).value


def refusal(ask: Callable[[], object]) -> str:
    """The room's own error, if there is one; any other error goes through and fails the test."""
    try:
        ask()
    except (ConditionError, TemplateError) as error:
        return str(error)
    return ""


@pytest.mark.parametrize("text", [
    "event.score == 9.0", "event.double == 9", "event.score <= 9.5", "event.score in [8, 9.0]",
    'event.band != "passive" && event.consent', "event.nothing == null", "has(event.nothing)", "!has(event.missing)",
    '"a" in event.tags', 'event.tags.exists(t, t.startsWith("b"))', "!steps.callback.done",
    'event["band"] == "promoter"',
    'timestamp(event.answered_at) > now - duration("48h")', 'event.score == 9 // the best but one\n',
])
def test_a_true_condition_is_true(text: str) -> None:
    assert decide(text) is True


@pytest.mark.parametrize("text", ["event.score == 8", 'event.score == "9"', "steps.callback.done", "event.score <= 6"])
def test_a_false_condition_is_false(text: str) -> None:
    assert decide(text) is False


def test_the_reason_of_a_conjunction_names_the_part_that_is_false() -> None:
    verdict = condition('event.consent && event.band == "detractor" && event.score < 3').decide(NAMES)
    assert verdict.why == 'event.band == "detractor" is false (event.band is "promoter")'


def test_the_reason_of_a_plain_field_does_not_repeat_it() -> None:
    assert condition("steps.callback.done").decide(NAMES).why == "steps.callback.done is false"


def test_the_reason_of_a_true_condition_shows_its_values() -> None:
    assert condition("event.score >= 9").decide(NAMES).why == "event.score >= 9 is true (event.score is 9)"


def test_a_long_value_is_cut_in_the_reason_and_kept_on_one_line() -> None:
    verdict = condition('event.comment == ""').decide({"event": {"comment": "a\n\nb" + "x" * 5000}})
    assert len(verdict.why) < 150
    assert '"a bxx' in verdict.why


@pytest.mark.parametrize("text", [
    "event.missing", 'event.missing == "x"', "event.missing.deeper == 1", "!event.missing",
])
def test_a_missing_field_is_an_error_that_names_it_and_never_false(text: str) -> None:
    with pytest.raises(ConditionError, match=r"event\.missing.*is not there.*has\("):
        condition(text).decide(NAMES)


@pytest.mark.parametrize("text", ["event.score", "event.text", "event.nothing", "event.tags", "now"])
def test_a_result_that_is_not_yes_or_no_is_an_error(text: str) -> None:
    with pytest.raises(ConditionError, match="not true or false"):
        condition(text).decide(NAMES)


@pytest.mark.parametrize(("text", "match"), [
    ("evnt.score == 1", "evnt is not known"), ('event.text > 3', "event.text is text"),
    ("event.tags[9] == 1", "outside"), ("1 / 0 == 1", "divides by zero"), ('int(event.text) == 9', "cannot be used"),
    ("event.consent.x", "types do not fit"),
    ("9223372036854775807 + 1 > 0", "cannot be used"),
])
def test_what_cannot_be_decided_says_why(text: str, match: str) -> None:
    with pytest.raises(ConditionError, match=match):
        condition(text).decide(NAMES)


def test_an_error_tells_types_and_never_values() -> None:
    with pytest.raises(ConditionError) as caught:
        condition("event.secret > 3").decide(NAMES)
    assert "example.org" not in str(caught.value)


@pytest.mark.parametrize("text", ["event.x ==", "(", "", "a b", "event.", '"open', "event.x === 1"])
def test_what_cannot_be_read_says_where(text: str) -> None:
    with pytest.raises(ConditionError, match=r"cannot be read: line \d+, column \d+"):
        condition(text)


def test_a_single_sign_is_told_what_is_meant() -> None:
    with pytest.raises(ConditionError, match=r"line 2, column 17: a single = compares nothing; use ==\."):
        condition('true &&\n     event.band = "promoter"')


def test_the_position_counts_lines() -> None:
    with pytest.raises(ConditionError, match="line 2, column 3"):
        condition("true &&\n  )")


@pytest.mark.parametrize(("text", "match"), [
    ("a" * 2001, "2001 characters"), ("(" * 21 + "1" + ")" * 21, "21 levels"), ("1" + "+1" * 400, "words and signs"),
    ("l.map(x, l.map(y, l.map(z, x)))", "3 list macros"), ("l.exists(x, x + x + x == 3)", '"\\+" beside'),
    ("l.exists(x, x == 3) && " + "true && " * 70 + "true", "characters beside a list macro"),
])
def test_what_is_too_large_is_refused_before_it_runs(text: str, match: str) -> None:
    with pytest.raises(ConditionError, match=match):
        condition(text)


def test_a_long_list_is_refused_for_nested_macros_at_once() -> None:
    begun = clock.thread_time()
    with pytest.raises(ConditionError, match="list of 1000 items"):
        condition("event.l.map(x, event.l.map(y, x)).size() == 1000").decide({"event": {"l": list(range(1000))}})
    assert clock.thread_time() - begun < 1


def test_the_largest_allowed_lists_are_gone_through_in_time() -> None:
    begun = clock.thread_time()
    assert condition("event.l.map(x, event.l.map(y, y)).size() == 100").decide({"event": {"l": [1] * 100}}).value
    assert condition("event.l.map(x, x).size() == 500").decide({"event": {"l": [1] * 500}}).value
    assert clock.thread_time() - begun < 5


def test_a_macro_counts_only_as_a_call() -> None:
    assert condition('event.map == 1 && event.filter == "x.map(a, b)"').decide(
        {"event": {"map": 1, "filter": "x.map(a, b)"}}).value


@pytest.mark.parametrize("item", ["\ud800", object(), {1: 2j}])
def test_a_value_that_is_no_json_is_an_error_and_no_crash(item: object) -> None:
    with pytest.raises(ConditionError):
        condition('event.x == "a"').decide({"event": {"x": item}})


@given(st.text(max_size=60))
@example("'")
@example("/*")
@example("a.map(")
@example(".map(")
def test_no_text_breaks_more_than_itself(text: str) -> None:
    assert "\n" not in refusal(lambda: condition(text).decide(NAMES))


PLAIN = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8"))
KEYS = st.text(st.characters(codec="utf-8"), max_size=5)
JSON = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))


@given(JSON)
def test_a_json_value_passes_through_unchanged(item: Any) -> None:
    assert value("event.x").evaluate({"event": {"x": item}}) == item


def test_times_and_spans_become_plain() -> None:
    assert value("now").evaluate(NAMES) == "2026-03-02T10:00:00+00:00"
    assert value('duration("90s")').evaluate(NAMES) == 90.0


@pytest.mark.parametrize(("text", "expected"), [
    ("event.ticket == steps.callback.ticket", {"event.ticket", "steps.callback.ticket"}),
    ('has(event["x y"]) && size(event.tags) > 1', {"event.x y", "event.tags"}),
    ("event.tags.exists(t, t.name == customer.name)", {"event.tags", "customer.name"}),
    ('event.comment.contains("steps.fake.done")', {"event.comment"}),
    ("true || null == now // steps.comment", {"now"}), ("timestamp(event.at) < now", {"event.at", "now"}),
])
def test_references_are_the_names_that_are_read(text: str, expected: set[str]) -> None:
    assert references(text) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("event.ticket == steps.callback.ticket", "steps.callback.ticket"),
    ("steps.callback.ticket == event.ticket", "steps.callback.ticket"),
    ('event.status == "x" && (event.ticket == trigger.ticket)', "trigger.ticket"),
    ('event.ticket == "zendesk:1"', '"zendesk:1"'),
    ('event.ticket == "a && b"', '"a && b"'),
    ("event.ticket == steps.a.ticket || event.ticket == steps.b.ticket", None),
    ("event.ticket == event.other", None), ("event.ticket != steps.a.ticket", None),
    ("event.ticket == steps.a.ticket ? true : false", None), ("!(event.ticket == steps.a.ticket)", None),
    ("event.ticket_id == steps.a.ticket", None), ("", None),
    ("event.ticket == steps.a.ticket in [true, false]", None), ("event.ticket == steps.a.ticket != true", None),
])
def test_equality_is_found_only_where_it_must_hold(text: str, expected: str | None) -> None:
    assert equality(text, "event.ticket") == expected


def test_templates_render_at_any_depth_and_leave_other_values_alone() -> None:
    params = {"a": ["{{ event.score }}", 1, None, {"b": "{{ customer.name }}!"}], "c": True, "d": "plain"}
    assert render(params, NAMES) == {"a": ["9", 1, None, {"b": "Ann <b>!"}], "c": True, "d": "plain"}


@pytest.mark.parametrize(("text", "expected"), [
    ("{{ event.missing | default: 'x' }}", "x"), ("{{ event.nothing }}", ""), ("{{ event.consent }}", "true"),
    ("{{ event.answered_at | date: '%d-%m-%Y' }}", "01-03-2026"), ("{{ now | date: '%H:%M' }}", "10:00"),
    ("{{ today }}", "2026-03-02"), ("{% if event.score > 8 %}yes{% endif %}", "yes"),
    ("{{ event.tags | join: ',' }}", "a,b"),
])
def test_a_template_renders(text: str, expected: str) -> None:
    assert render(text, NAMES) == expected


@pytest.mark.parametrize(("text", "match"), [
    ("{{ event.missing }}", "event.missing"), ("{{ nobody.name }}", "nobody"), ("{{ event.score", "expected"),
    ("{{ event.score | frobnicate }}", "frobnicate"), ("{% include 'x' %}", "include"), ("{% render 'x' %}", "render"),
    ("{% for i in (1..100000) %}x{% endfor %}", "limit"), ("{{ 'now' | date: '%Y' }}", "present"),
    ("{% for i in (1..999) %}" + "x" * 500 + "{% endfor %}", "limit"),
    ("{% if event.missing %}x{% endif %}", "event.missing"),
    ("x" * 20_001 + "{{ event.score }}", "Keep it under"), ("{{ 1 | divided_by: 0 }}", "divide"),
])
def test_a_template_that_cannot_be_rendered_is_an_error(text: str, match: str) -> None:
    with pytest.raises(TemplateError, match=match):
        render(text, NAMES)


def test_what_an_event_brings_is_never_read_as_a_template() -> None:
    assert render("{{ event.comment }}", {"event": {"comment": "{{ customer.email }}"}}) == "{{ customer.email }}"


def test_a_template_cannot_reach_into_python() -> None:
    with pytest.raises(TemplateError):
        render("{{ event.band.__class__.__mro__ }}", NAMES)


@given(st.text(alphabet="{}% |'\"abnow.<()1:,-", max_size=30))
def test_no_template_breaks_more_than_itself(text: str) -> None:
    assert "\n" not in refusal(lambda: render(text, NAMES))


def test_the_references_of_a_template_are_its_dotted_names() -> None:
    text = "{% for t in event.tags %}{{ t }}{{ steps.a.ticket }}{% endfor %}{{ customer.name | append: now }}"
    assert template_references(text) == {"event.tags", "steps.a.ticket", "customer.name", "now"}
