"""A mistake is told with its line."""

from __future__ import annotations

import pytest

from workflows import schema
from workflows.errors import DefinitionError
from workflows.yaml_lines import liner

TEXT = """\
workflow: greet
# a comment
trigger: {event: survey.answered}
steps:
  - id: first
    do: alert.send
    with:
      to: care-team
      text: hello
  - id: second
    choose:
      - if: event.score > 8
        steps:
          - {id: third, stop: done}
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("workflow", 1),
        ("trigger.event", 3),
        ("steps[0]", 5),
        ("steps[0].do", 6),
        ("steps[0].with.text", 9),
        ("steps[1].choose[0].if", 12),
        ("steps[1].choose[0].steps[0].id", 14),
        ("steps[0].with.subject", 7),  # what is missing is missing there
        ("steps[7].if", 4),
        ("line 4, column 2", 4),
        ("file", None),
    ],
)
def test_a_path_is_at_a_line(path: str, line: int | None) -> None:
    assert liner(TEXT)(path) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (TEXT.replace("hello", '"{{ broken"'), 9),
        (TEXT.replace("event.score > 8", "event.score >"), 12),
        (TEXT.replace("do: alert.send", "do: alert.sent"), 6),
        (TEXT.replace("id: second", "id: first"), 10),
        (TEXT.replace("id: second", "id: &second second"), 10),
        (TEXT.replace("event: survey.answered}", "event: survey.answered, if: " + "(" * 200 + "}"), 3),
        (TEXT + "x: " + "[" * 41 + "]" * 41 + "\n", 15),
    ],
)
def test_the_loaders_own_refusals_are_at_their_line(text: str, line: int) -> None:
    with pytest.raises(DefinitionError) as refused:
        schema.load(text)
    assert line in [liner(text)(each.path) for each in refused.value.mistakes]


def test_a_text_that_is_too_long_has_no_lines() -> None:
    text = TEXT + "# " + "x" * 200_000
    with pytest.raises(DefinitionError) as refused:
        schema.load(text)
    assert [liner(text)(each.path) for each in refused.value.mistakes] == [None]
