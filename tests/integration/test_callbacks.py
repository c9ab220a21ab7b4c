"""Callback tickets: which answer each follows, and where its life stands, in whatever order events come."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from connector.runtime.doorbell import INTAKE
from connector.storage.schema import tables
from tests.support.house import Harness, a_home, answer
from tests.support.house_workflows import OPEN_A_TICKET

EVENTS = {"solved": "ticket_solved", "reopened": "ticket_reopened"}
SOLVED_AGAIN = """\
trigger: {event: ticket.solved, if: event.callback != null && event.callback.cycle > 1}
steps:
  - {id: tell, do: alert.send, with: {to: care-team, text: "solved {{ event.callback.cycle }} times"}}
"""


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, tickets=OPEN_A_TICKET) as home:
        home.deliver(answer(3))
        home.settle()
        yield home


def callback(home: Harness) -> Any:
    return home.one(tables.callbacks)


def tell(home: Harness, *events: tuple[str, int], together: bool = False) -> None:
    """Zendesk's events about the callback's ticket: (name, minutes after now), in the order they arrive."""
    for name, minutes in events:
        at = home.clock() + timedelta(minutes=minutes)
        home.ticket_event(EVENTS.get(name, name), callback(home).ticket_id, at=at)
        if not together:
            home.settle()
    home.settle()


def test_a_callback_knows_its_ticket_its_answer_and_its_run(home: Harness) -> None:
    [ticket] = home.world.zendesk.tickets
    row = callback(home)
    assert (row.status, row.cycle, row.ticket_id) == ("open", 0, str(ticket["id"]))
    assert (row.response_id, row.run_id) == (home.one(tables.responses).id, home.run().id)


def test_a_solve_and_a_reopening_are_followed_and_solves_are_counted(home: Harness) -> None:
    seen = []
    for minute, name in enumerate(["solved", "reopened", "solved"], 1):
        tell(home, (name, minute))
        seen.append((callback(home).status, callback(home).cycle))
    assert seen == [("solved", 1), ("reopened", 1), ("solved", 2)]


def test_a_solve_told_twice_is_one_solve(home: Harness) -> None:
    tell(home, ("solved", 1), ("solved", 2))
    assert (callback(home).status, callback(home).cycle) == ("solved", 1)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one by one"])
@pytest.mark.parametrize(
    "order", list(itertools.permutations([("solved", 1), ("reopened", 2), ("solved", 3)]))
)
def test_in_whatever_order_events_come_the_latest_one_says_where_the_ticket_stands(
    home: Harness, order: tuple[tuple[str, int], ...], together: bool
) -> None:
    tell(home, *order, together=together)
    assert callback(home).status == "solved"
    assert callback(home).changed_at == home.clock() + timedelta(minutes=3)


@pytest.mark.parametrize("name", ["merged", "deleted"])
def test_a_ticket_that_is_no_more_is_known_to_be(home: Harness, name: str) -> None:
    tell(home, (f"ticket_{name}", 1))
    assert callback(home).status == name
    tell(home, ("reopened", 0))  # older: it changes nothing
    assert callback(home).status == name


def test_the_helpdesks_clock_is_never_compared_with_ours(home: Harness) -> None:
    tell(home, ("solved", -24 * 60))  # their clock is a day behind
    assert callback(home).status == "solved"


def test_an_event_that_overtakes_our_own_record_finds_the_callback_by_our_mark(database_url: str) -> None:
    with a_home(database_url, tickets=OPEN_A_TICKET) as home:
        home.deliver(answer(3))
        home.pump(INTAKE)
        home.ticket_event("ticket_solved", "77", external_id=callback(home).external_id)
        home.pump(INTAKE)
        assert (callback(home).status, callback(home).ticket_id) == ("solved", "77")
        home.settle()
        assert callback(home).status == "solved"  # what the event told is not undone by our late record


def test_an_ordinary_ticket_has_no_callback_and_conditions_can_say_so(home: Harness) -> None:
    home.install(ordinary="trigger: {event: ticket.solved, if: event.callback == null}\nsteps:\n"
                 "  - {id: tell, do: alert.send, with: {to: care-team, text: ordinary}}\n")  # fmt: skip
    home.ticket_event("ticket_solved", "4711")
    tell(home, ("solved", 1))
    assert len(home.runs("ordinary")) == 1


def test_a_workflow_can_ask_how_often_a_callback_was_solved(home: Harness) -> None:
    home.install(again=SOLVED_AGAIN)
    tell(home, ("solved", 1), ("reopened", 2), ("solved", 3), together=True)
    [mail] = home.mails("care@acme.example")
    assert mail.text.strip() == "solved 2 times"


def test_our_own_writes_coming_back_are_no_news(home: Harness) -> None:
    home.house.own_users.learn()
    me = str(home.world.zendesk.integration_user["id"])
    home.ticket_event("ticket_solved", callback(home).ticket_id, actor_id=me)
    home.settle()
    assert callback(home).status == "open"
    assert [row.reason for row in home.rows(tables.deliveries)][-1] == "our own write"
