"""One event that ends the engine, or holds up everybody: nested macros, and filters over hundreds of kilobytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.runtime.intake import matching
from connector.storage.schema import tables
from tests.support.house import Harness, a_home, a_second_house, answer
from workflows import schema
from workflows.errors import ConditionError, TemplateError
from workflows.expressions import value
from workflows.lint import lint
from workflows.templates import render

TELL = """\
trigger: {event: survey.answered}
run: {key: event.response_id, mode: parallel}
steps:
  - {id: tell, do: alert.send, with: {to: care-team, text: "{{ event.response_id }}"}}
"""


class Killed(BaseException):
    """What ends a process that nobody asks."""


@pytest.fixture
def home(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Harness]:
    plan = matching.plan

    def deadly(arrival: Any, *rest: Any) -> Any:
        if arrival.data.get("response_id") == "poison":
            raise Killed
        return plan(arrival, *rest)

    monkeypatch.setattr(matching, "plan", deadly)
    with a_home(database_url, tell=TELL) as home:
        yield home


def told(home: Harness) -> list[str]:
    return sorted(mail.text.strip() for mail in home.mails("care@acme.example"))


def test_a_delivery_that_ends_the_engine_is_set_aside_and_the_others_go_on(home: Harness, database_url: str) -> None:
    for name in ("before", "poison", "after"):
        home.deliver(answer(3, response_id=name))
    with pytest.raises(Killed):
        home.settle()
    for _ in range(3):  # beside the first, which took it with others
        with a_second_house(home, database_url) as restarted, pytest.raises(Killed):
            restarted.settle()
    with a_second_house(home, database_url) as restarted:
        restarted.settle()
        assert told(restarted) == ["after", "before"]
        [aside] = restarted.rows(tables.deliveries, tables.deliveries.c.status == "failed")
        assert "the engine ended 3 times" in aside.reason


def test_a_macro_goes_through_no_book() -> None:
    book = {"event": {"list": list(range(100)), "text": "x" * 900_000}}
    for text in (
        "event.list.map(x, event.list.map(y, event.text))",
        "event.list.map(x, event.text)",
        "event.list.filter(x, event.list.exists(y, event.text == string(y))).size() > 0",
    ):
        with pytest.raises(ConditionError, match="letters"):
            value(text).evaluate(book)


def test_an_author_is_told_of_a_macro_in_a_macro() -> None:
    nested = "event.a.exists(x, event.b.exists(y, x == y))"
    warned = TELL.replace("survey.answered}", f'survey.answered, if: "{nested}"}}')
    [warning] = lint(schema.load(f"workflow: tell\n{warned}", "tell"))
    assert warning.path == "trigger.if"
    assert "nothing is decided" in warning.message


WORDS = [f"word {number}" for number in range(60_000)]
LONG = "a " * 238_000


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{{ event.words | uniq | size }}", {"words": WORDS}),
        ("{{ event.words | sort | first }}", {"words": WORDS}),
        ("{{ event.text | split: ' ' | uniq | size }}", {"text": LONG}),
        ("{{ event.text | split: '' | size }}", {"text": "x" * 50_000}),
        ("{{ event.text" + " | replace: 'a', 'aaaaaaaaaaaaaaaaaaaa'" * 8 + " | size }}", {"text": "aaaa"}),
        ("{{ event.text | replace: '', event.text | size }}", {"text": "x" * 9_000}),
        ("{{ event.text | escape | size }}", {"text": "&" * 90_000}),
        ("{{ event.list | join: event.text | size }}", {"list": list(range(900)), "text": "x" * 9_000}),
        ("{% for a in event.list %}{% assign b = event.list | uniq %}{% endfor %}", {"list": list(range(900))}),
        ("{% assign a = event.list %}" + "{% assign a = a | concat: a %}" * 20 + "{{ a | size }}", {"list": [1, 2, 3]}),
    ],
)
def test_a_filter_is_given_no_more_than_it_can_do_in_a_moment(text: str, names: dict[str, Any]) -> None:
    with pytest.raises(TemplateError, match=r"take less of it|namespace"):
        render(text, {"event": names})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ event.list | uniq | join: ', ' }}", "a, b"),
        ("{{ event.text | replace: 'l', 'L' | upcase | truncate: 4 }}", "H..."),
        ("{{ event.none | default: 'nobody' }}", "nobody"),
        ("{{ event.text | escape }}", "hello"),
    ],
)
def test_ordinary_words_are_rendered_as_ever(text: str, said: str) -> None:
    assert render(text, {"event": {"list": ["a", "b", "a"], "text": "hello"}}) == said
