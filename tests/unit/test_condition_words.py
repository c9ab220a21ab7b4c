"""A condition beside its words: what they say is what it asks, or nothing is said."""

from __future__ import annotations

import pytest

from workflows.condition_words import in_words


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ('event.band == "detractor"', "band is detractor"),
        ('event.band == "detractor" && event.score <= 3', "band is detractor, and score is at most 3"),
        ("event.contact_consent == true", "contact consent is yes"),
        ("event.contact_consent", "contact consent is yes"),
        ("!steps.callback.done", "callback done is no"),
        ("event.previous == null", "previous is nothing"),
        ('customer.tier in ["gold", "vip"]', "the customer's tier is one of gold, vip"),
        ("has(customer.since)", "the customer's since is known"),
        ('"callback" in event.tags', "callback is among tags"),
        ("event.ticket == steps.callback.ticket", "ticket is callback ticket"),
        ('event.a == "x" || event.b > 2', "a is x or b is above 2"),
    ],
)
def test_plain_conditions_have_words(condition: str, words: str) -> None:
    assert in_words(condition) == words


@pytest.mark.parametrize(
    "condition",
    ["event.tags.exists(t, t == 'a')", "event.score + 1 > 3", "a ? b : c",
     'event.x == "a" && size(event.y) > 2', "", "("],
)
def test_of_others_nothing_is_said(condition: str) -> None:
    assert in_words(condition) == ""
