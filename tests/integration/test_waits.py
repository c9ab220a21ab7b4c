"""Waits: an event that comes before, while or after a run starts to wait is taken, and once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.runtime.doorbell import INTAKE, TIMERS, effects_queue
from connector.runtime.effects import claims
from connector.storage.schema import tables
from sandbox.faults import Effect, Fault
from tests.support.house import Harness, a_home, a_second_house, answer
from tests.support.house_race import Racers
from tests.support.house_workflows import CALL_AND_WAIT

ZENDESK = effects_queue("zendesk")
ROUNDS = 200
WAIT_FOR_SEVEN = """\
trigger: {event: survey.answered}
run: {key: event.response, mode: parallel}
steps:
  - {id: solved, wait: {event: ticket.solved, match: event.ticket == 'zendesk:7', timeout: 1 day}}
"""


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, calls=CALL_AND_WAIT) as home:
        yield home


def waits(home: Harness) -> list[str]:
    return [row.status for row in home.rows(tables.waits)]


def ticket_is_open(home: Harness) -> str:
    """Ask for a callback and have it opened. → the ticket's number."""
    home.deliver(answer(3))
    home.settle()
    return str(home.world.zendesk.tickets[-1]["id"])


# --- the event and the wait ---------------------------------------------------------------------------------


def test_a_run_goes_on_when_its_ticket_is_solved(home: Harness) -> None:
    ticket = ticket_is_open(home)
    assert waits(home) == ["open"]
    home.ticket_event("ticket_solved", ticket)
    home.settle()
    assert (waits(home), home.run().status) == (["matched"], "succeeded")
    solved = home.one(tables.events, tables.events.c.type == "ticket.solved")
    assert home.one(tables.waits).event_seq == solved.seq


def test_another_ticket_of_the_same_helpdesk_is_none_of_its_business(home: Harness) -> None:
    ticket = ticket_is_open(home)
    home.ticket_event("ticket_solved", f"{ticket}9")
    home.settle()
    assert (waits(home), home.run().status) == (["open"], "waiting")


def test_an_event_that_came_while_the_ticket_was_being_opened_is_found_looking_back(home: Harness) -> None:
    """The agent solved the ticket before we had written down that it exists: our answer got lost."""
    home.world.zendesk.faults.add(Fault(path="/tickets$", method="POST", effect=Effect.COMMIT_THEN_DROP))
    home.deliver(answer(3))
    home.pump(INTAKE, ZENDESK)
    [ticket] = home.world.zendesk.tickets
    home.ticket_event("ticket_solved", ticket["id"])
    home.pump(INTAKE)
    assert waits(home) == []
    home.wait(minutes=10)
    assert (waits(home), home.run().status) == (["matched"], "succeeded")


def test_an_event_from_before_the_run_is_not_taken_for_the_awaited_one(home: Harness) -> None:
    home.install(calls=WAIT_FOR_SEVEN)
    home.ticket_event("ticket_solved", "7")
    home.settle()
    home.deliver(answer(3))
    home.settle()
    assert waits(home) == ["open"]
    home.ticket_event("ticket_solved", "7")
    home.settle()
    assert waits(home) == ["matched"]


def test_one_event_wakes_every_run_that_waits_for_it_once(home: Harness) -> None:
    home.install(calls=WAIT_FOR_SEVEN)
    for _ in range(5):
        home.deliver(answer(3))
    home.settle()
    home.ticket_event("ticket_solved", "7")
    home.ticket_event("ticket_solved", "7")
    home.settle()
    assert waits(home) == ["matched"] * 5
    assert {row.event_seq for row in home.rows(tables.waits)} == {home.rows(tables.events)[5].seq}
    assert [run.status for run in home.runs()] == ["succeeded"] * 5


def test_two_waits_in_a_row_are_met_by_two_events_of_one_batch(home: Harness) -> None:
    home.install(
        calls=WAIT_FOR_SEVEN + WAIT_FOR_SEVEN.splitlines()[-1].replace("solved,", "again,", 1) + "\n"
    )
    home.deliver(answer(3))
    home.settle()
    home.ticket_event("ticket_solved", "7")
    home.ticket_event("ticket_solved", "7")
    home.settle()
    met = [row.event_seq for row in sorted(home.rows(tables.waits), key=lambda row: row.event_seq)]
    assert met == [row.seq for row in home.rows(tables.events)[1:]]
    assert home.run().status == "succeeded"


def test_a_match_that_cannot_be_decided_is_noted_and_the_run_waits_on(home: Harness) -> None:
    order_seven = "event: order.shipped, match: event.order.id == 7"
    home.install(
        calls=WAIT_FOR_SEVEN.replace("event: ticket.solved, match: event.ticket == 'zendesk:7'", order_seven)
    )
    home.deliver(answer(3))
    home.settle()
    home.deliver({"type": "order.shipped", "id": "1", "data": {"customer": {"email": "ann@example.com"}}})
    home.deliver({"type": "order.shipped", "id": "2", "data": {"order": {"id": 7}}})
    home.settle()
    assert (waits(home), home.run().status) == (["matched"], "succeeded")
    assert any("an event could not be compared" in line for line in home.story())


# --- the event and the time-out -----------------------------------------------------------------------------


def test_the_event_wins_when_it_comes_first_and_the_timer_finds_nothing(home: Harness) -> None:
    ticket = ticket_is_open(home)
    home.clock.move(days=7)
    home.ticket_event("ticket_solved", ticket)
    home.pump(INTAKE, TIMERS)
    assert (waits(home), home.run().status) == (["matched"], "succeeded")
    assert home.effects("ticket.escalate") == []


def test_the_time_out_wins_when_it_comes_first_and_the_event_changes_nothing(home: Harness) -> None:
    ticket = ticket_is_open(home)
    home.clock.move(days=7)
    home.pump(TIMERS)
    home.ticket_event("ticket_solved", ticket)
    home.settle()
    assert (waits(home), home.run().status) == (["timed_out"], "succeeded")
    assert len(home.effects("ticket.escalate")) == 1


@pytest.mark.services
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_event_and_time_out_at_the_same_moment_have_one_winner(home: Harness, database_url: str) -> None:
    tickets = []
    for _ in range(30):
        home.deliver(answer(3))
    home.settle()
    tickets = [str(ticket["id"]) for ticket in home.world.zendesk.tickets]
    home.clock.move(days=7)
    with a_second_house(home, database_url) as other, Racers() as racers:
        for ticket in tickets:
            home.ticket_event("ticket_solved", ticket)
        racers.race(lambda: home.pump(INTAKE), lambda: other.pump(TIMERS))
    assert len(tickets) == 30
    assert set(waits(home)) <= {"matched", "timed_out"}
    assert waits(home).count("timed_out") == len(home.effects("ticket.escalate"))


# --- the race that loses wake-ups ---------------------------------------------------------------------------


@pytest.mark.services
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_event_that_arrives_just_as_a_run_starts_to_wait_is_never_missed(
    home: Harness, database_url: str
) -> None:
    for _ in range(ROUNDS):
        home.deliver(answer(3))
    home.pump(INTAKE)
    opened = [
        (effect, {"ticket_id": str(9000 + place), "url": ""}) for place, effect in enumerate(_claimed(home))
    ]
    with a_second_house(home, database_url) as other, Racers() as racers:
        for effect, result in opened:
            home.ticket_event("ticket_solved", result["ticket_id"])
            racers.race(lambda: other.pump(INTAKE), lambda one=(effect, result): _record(home, one))
    assert waits(home) == ["matched"] * ROUNDS
    assert {run.status for run in home.runs()} == {"succeeded"}


def _claimed(home: Harness) -> list[Any]:
    """All effects, in this test's own hands."""
    database, now = home.house.database, home.clock()
    me = claims.ClaimPolicy("zendesk", "race", concurrency=ROUNDS)
    calls = database.transact(lambda tx: claims.claim(database, tx, me, now, ROUNDS))
    return [effect for call in calls for effect in call]


def _record(home: Harness, result: Any) -> None:
    home.house.pumps._outcomes.record([result])
