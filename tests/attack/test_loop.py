"""A workflow that answers its own comments, at a helpdesk that does not say whom we act as."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.config.file import read_config
from connector.observe import stored
from connector.storage.schema import tables
from sandbox.clock import HandClock
from sandbox.world import World
from tests.support.house import Harness, a_house, config_of
from workflows.errors import DefinitionError

ECHO = """\
trigger: {event: ticket.commented}
run: {key: event.id, mode: parallel}
steps:
  - {id: end, stop: done}
"""
MOST = 5

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def home(database_url: str, clock: HandClock) -> Iterator[Harness]:
    with World(clock=clock) as world:
        config = f"{config_of(world)}runs_per_record: {MOST}\n"
        with a_house(database_url, world, {"echo": ECHO}, clock=clock, config=config) as home:
            yield home


def comment(home: Harness, number: int, ticket: str = "their-desk:1", type_: str = "ticket.commented") -> None:
    assert home.deliver({"type": type_, "id": f"c{number}", "data": {"ticket": ticket}}) < 300


def begun(home: Harness) -> list[Any]:
    return [run for run in home.runs("echo") if run.status == "succeeded"]


def parked(home: Harness) -> list[Any]:
    return [run for run in home.runs("echo") if run.reason.startswith("parked: ")]


def findings(home: Harness) -> list[str]:
    with home.house.database.read() as tx:
        return [f"{each.says} {each.remedy}" for each in stored.check_parked(tx)]


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "in one batch"])
def test_a_loop_ends_after_so_many_runs_and_the_others_are_parked_and_say_why(home: Harness, together: bool) -> None:
    for number in range(12):
        comment(home, number)
        if not together:
            home.settle()
    home.settle()
    assert (len(begun(home)), len(parked(home))) == (MOST, 7)
    why = "5 runs of this workflow about their-desk:1 began within an hour; does it answer itself?"
    assert {run.reason for run in parked(home)} == {f"parked: {why}"}
    assert home.story(parked(home)[0].id) == [f"Parked: {why}"]
    [decision] = home.rows(tables.events)[-1].decisions
    assert decision["why"] == f"parked: {why}"
    [said] = findings(home)
    assert said.startswith("7 runs of echo are parked")
    assert "ringback runs retry --workflow echo" in said


@on_sqlite
def test_a_person_lets_a_parked_run_begin(home: Harness) -> None:
    for number in range(MOST + 1):
        comment(home, number)
    home.settle()
    [run] = parked(home)
    home.house.controls.retry(run.id, by="Ada")
    home.settle()
    assert (parked(home), len(begun(home)), findings(home)) == ([], MOST + 1, [])
    assert "Retried by Ada: anew, under a new key." in home.story(run.id)


@on_sqlite
def test_a_loop_that_goes_round_through_several_events_is_one_loop(home: Harness) -> None:
    home.install(echo=ECHO.replace("{event: ticket.commented}", "{event: [ticket.commented, ticket.assigned]}"))
    for number in range(8):
        comment(home, number, type_=("ticket.commented", "ticket.assigned")[number % 2])
    home.settle()
    assert len(begun(home)) == MOST


@on_sqlite
def test_other_records_go_on_and_so_does_this_one_an_hour_later(home: Harness) -> None:
    for number in range(8):
        comment(home, number)
    comment(home, 20, "their-desk:2")
    home.settle()
    assert len(begun(home)) == MOST + 1
    home.wait(minutes=61)
    comment(home, 21)
    home.settle()
    assert len(begun(home)) == MOST + 2


# --- the whole way round, between a helpdesk's stand-in and us

ANSWERS_ITSELF = """\
trigger: {event: ticket.commented}
run: {key: event.id, mode: parallel}
steps:
  - {id: reply, do: ticket.comment, with: {ticket: "{{ event.ticket }}", body: "We heard you: {{ event.comment }}"}}
"""


@on_sqlite
def test_a_helpdesk_that_does_not_say_who_we_are_shows_it_by_our_first_comment(home: Harness) -> None:
    home.install(echo=ANSWERS_ITSELF)
    desk = home.world.zendesk
    ticket = desk.write_in("Ann", "ann@example.com", "Lamp", "It is broken.")["id"]
    for _ in range(MOST + 2):  # as a webhook tells of the newest comment, by whomever
        author = str(desk.comments(ticket)[-1]["author_id"])
        home.ticket_event("ticket_commented", str(ticket), actor_id=author)
        home.settle()
        home.clock.move(seconds=6)
    assert len(home.runs("echo")) == 1
    assert home.one(tables.connections, tables.connections.c.name == "zendesk").own_user == str(
        desk.integration_user["id"]
    )


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many"])
def test_a_limit_that_is_none_is_refused_by_name(value: str) -> None:
    with pytest.raises(DefinitionError, match=r"runs_per_record.*Give a number of runs an hour"):
        read_config(f"runs_per_record: {value}\n", Path("ringback.yaml"), {})
