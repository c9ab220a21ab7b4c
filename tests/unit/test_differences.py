"""Two texts of a workflow: which lines differ, and what that means."""

from __future__ import annotations

import pytest

from workflows import differences, schema
from workflows.differences import Sign, lines, unified

BEFORE = """\
workflow: greet
name: Greet
trigger: {event: survey.answered, if: event.score > 8}
steps:
  - id: alert
    do: alert.send
    with: {to: care-team, text: hello}
  - id: pause
    wait: 3 days
  - id: by_value
    choose:
      - {if: customer.tier == "gold", steps: [{id: call, do: alert.send, with: {to: sales, text: call}}]}
      - otherwise: [{id: rest, stop: nothing more}]
"""


def meaning(before: str, after: str) -> list[str]:
    old, new = (schema.to_dict(schema.load(text)) for text in (before, after))
    return [str(each) for each in differences.semantic(old, new)]


def test_the_same_text_has_no_difference() -> None:
    assert lines(BEFORE, BEFORE) == []
    assert unified(BEFORE, BEFORE) == ""


def test_lines_have_their_numbers_in_both_texts() -> None:
    found = lines("a\nb\nc\n", "a\nx\ny\nc\n")
    assert [(each.sign, each.text, each.before, each.after) for each in found] == [
        (Sign.SAME, "a", 1, 1),
        (Sign.REMOVED, "b", 2, None),
        (Sign.ADDED, "x", None, 2),
        (Sign.ADDED, "y", None, 3),
        (Sign.SAME, "c", 3, 4),
    ]


def test_what_is_the_same_for_long_is_left_out() -> None:
    before = "\n".join(str(number) for number in range(100))
    after = before.replace("50", "fifty").replace("90", "ninety")
    assert [each.text for each in lines(before, after, context=1)] == [
        "", "49", "50", "fifty", "51", "", "89", "90", "ninety", "91",
    ]  # fmt: skip


@pytest.mark.parametrize("before", ["", "a\nb"])
def test_a_text_from_nothing_and_to_nothing(before: str) -> None:
    assert {each.sign for each in lines(before, "c")} <= {Sign.ADDED, Sign.REMOVED}
    assert {each.sign for each in lines("c", before)} <= {Sign.ADDED, Sign.REMOVED}


def test_layout_and_comments_mean_nothing() -> None:
    assert meaning(BEFORE, "# a word first\n" + BEFORE.replace("name: Greet", "name:    Greet")) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("score > 8", "score > 7", "trigger.if: event.score > 8 → event.score > 7"),
        ("text: hello", "text: good day", "step alert: with.text: hello → good day"),
        ("3 days", "4 days", "step pause: wait: 3 days → 4 days"),
        ("{to: sales, text: call}", "{to: care, text: call}", "step call: with.to: sales → care"),
        ("nothing more", "enough", "step rest: stop: nothing more → enough"),
        ("name: Greet", "name: Greet\nenabled: false", "enabled added: false"),
        ("    wait: 3 days", "    wait: 3 days\n    if: event.score > 9", "step pause: if added: event.score > 9"),
    ],
)
def test_a_change_is_told_in_words(old: str, new: str, said: str) -> None:
    assert meaning(BEFORE, BEFORE.replace(old, new)) == [said]


def test_steps_that_come_go_and_move() -> None:
    alert = BEFORE[BEFORE.index("  - id: alert") : BEFORE.index("  - id: pause")]
    pause = BEFORE[BEFORE.index("  - id: pause") : BEFORE.index("  - id: by_value")]
    assert meaning(BEFORE, BEFORE.replace(pause, "")) == ["step pause removed: wait"]
    assert meaning(BEFORE.replace(pause, ""), BEFORE) == ["step pause added: wait"]
    (moved,) = meaning(BEFORE, BEFORE.replace(alert + pause, pause + alert))
    assert moved in ("step alert moved: after pause", "step pause moved: to the beginning")
