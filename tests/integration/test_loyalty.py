"""Where a customer stands in the loyalty matrix: on the customer, in conditions, and on the helpdesk's user (A4)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest

from connector.storage.schema import tables
from tests.support.house import Harness, a_home, answer

LOYAL = """\
trigger: {event: survey.answered, if: customer.loyalty == "pure loyalty"}
run: {key: event.response, mode: parallel}
steps:
  - {id: tell, do: message.send, with: {subject: Thank you, text: You stand by us.}}
"""
SCORES = """\
trigger: {event: survey.answered}
run: {key: event.response, mode: parallel}
steps:
  - {id: score, do: score.write, with: {connection: zendesk}}
"""


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, loyal=LOYAL, scores=SCORES) as home:
        yield home


def tell(home: Harness, metric: str, score: int, at: str = "2026-02-22T10:00:00Z", **data: Any) -> None:
    home.deliver(answer(score, metric=metric, answered_at=at, **data))
    home.settle()


def stands(home: Harness) -> str:
    return str(home.one(tables.customers).loyalty)


@pytest.mark.parametrize(("nps", "nls", "quadrant"), [
    (8, 8, "disloyalty"), (9, 8, "false loyalty"), (8, 9, "trapped loyalty"), (9, 9, "pure loyalty"),
    (0, 0, "disloyalty"), (10, 10, "pure loyalty"),
])
def test_the_newest_of_both_make_the_quadrant(home: Harness, nps: int, nls: int, quadrant: str) -> None:
    tell(home, "nps", nps)
    assert stands(home) == ""
    tell(home, "nls", nls)
    assert stands(home) == quadrant


def test_other_metrics_make_none(home: Harness) -> None:
    tell(home, "nps", 9)
    tell(home, "csat", 5)
    assert stands(home) == ""


ANSWERS = (("nps", 10, "2026-02-21"), ("nps", 3, "2026-02-22"), ("nls", 2, "2026-02-21"), ("nls", 9, "2026-02-23"))


def test_whatever_order_the_answers_come_in_the_customer_stands_in_one_place(home: Harness) -> None:
    for number, order in enumerate(permutations(ANSWERS)):
        who = {"email": f"p{number}@example.com", "name": "P"}
        for metric, score, day in order:
            home.deliver(answer(score, metric=metric, answered_at=f"{day}T10:00:00Z", customer=who))
    home.settle()
    assert {row.loyalty for row in home.rows(tables.customers)} == {"trapped loyalty"}


def test_european_nps_counts_by_its_own_bounds(home: Harness) -> None:
    tell(home, "nps", 8, variant="european-nps")
    tell(home, "nls", 9)
    assert stands(home) == "pure loyalty"


def test_a_condition_about_the_answer_that_moves_the_customer_sees_where_they_stand_now(home: Harness) -> None:
    tell(home, "nps", 9)
    tell(home, "nls", 9)
    assert len(home.runs("loyal")) == 1
    tell(home, "nls", 5, at="2026-02-23T10:00:00Z")
    assert len(home.runs("loyal")) == 1


def test_two_customers_that_become_one_stand_where_their_answers_put_the_one(home: Harness) -> None:
    tell(home, "nps", 9, customer={"email": "ann@example.com"})
    tell(home, "nls", 9, customer={"zendesk_user_id": "77"})
    assert [row.loyalty for row in home.rows(tables.customers)] == ["", ""]
    tell(home, "csat", 5, customer={"email": "ann@example.com", "zendesk_user_id": "77"})
    assert stands(home) == "pure loyalty"


def test_the_helpdesks_user_says_it_too_also_when_the_last_answer_was_an_nls(home: Harness) -> None:
    user = home.know()
    tell(home, "nps", 9)
    fields = home.world.zendesk.user(int(user))["user_fields"]
    assert not fields.get("ringback_loyalty")
    tell(home, "nls", 4)
    home.wait(seconds=2)  # Zendesk takes one such write a second
    home.settle()
    fields = home.world.zendesk.user(int(user))["user_fields"]
    assert (fields["ringback_loyalty"], fields["ringback_score"]) == ("false loyalty", 9)


def test_an_answer_names_what_figures_are_cut_by_as_far_as_it_is_known(home: Harness) -> None:
    context = {"product": "Bike", "team": "Repairs", "moment": "delivery", "more": 1}
    tell(home, "nps", 9, context=context, channel="email", brand="acme-be")
    row = home.one(tables.responses)
    cuts = (row.brand, row.team, row.product, row.channel, row.moment)
    assert cuts == ("acme-be", "Repairs", "Bike", "email", "delivery")


@pytest.mark.parametrize("context", [None, {"team": 7, "product": None}, {"team": "T" * 101}])
def test_what_is_not_known_or_no_text_stays_empty_and_what_is_too_long_is_cut(home: Harness, context: Any) -> None:
    tell(home, "nps", 9, context=context)
    row = home.one(tables.responses)
    assert (row.brand, row.product, row.moment) == ("", "", "")
    assert row.team in ("", "T" * 100)
