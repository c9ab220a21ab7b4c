"""Run modes: what an event does when a run with its key is under way already."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from connector.runtime.doorbell import INTAKE, TIMERS
from connector.storage.schema import tables
from tests.support.house import Harness, a_home, a_second_house, answer
from tests.support.house_faults import just_before
from tests.support.house_race import Racers

STEPS = """\
steps:
  - {id: pause, wait: 1 day}
  - {id: tell, do: alert.send, with: {to: care-team, text: "{{ event.response_id }}"}}
"""
ROUNDS = 40


def a_workflow(mode: str, steps: str = STEPS) -> str:
    return f"trigger: {{event: survey.answered}}\nrun: {{key: event.customer, mode: {mode}}}\n{steps}"


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url) as home:
        yield home


together = pytest.mark.parametrize("together", [True, False], ids=["in one batch", "in several batches"])
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def three_answers(home: Harness, mode: str, together: bool) -> None:
    home.install(it=a_workflow(mode))
    for number in range(3):
        home.deliver(answer(3, response_id=f"r{number}"))
        if not together:
            home.settle()
    home.settle()


def states(home: Harness) -> list[str]:
    return [run.status for run in home.runs()]


def told(home: Harness) -> list[str]:
    return [mail.text.strip() for mail in home.mails("care@acme.example")]


@together
def test_single_keeps_the_first_and_lets_the_others_pass(home: Harness, together: bool) -> None:
    three_answers(home, "single", together)
    assert states(home) == ["waiting"]
    home.wait(days=1)
    assert told(home) == ["r0"]
    home.deliver(answer(3, response_id="later"))
    home.settle()
    assert states(home) == ["succeeded", "waiting"]


@together
def test_restart_keeps_the_last_and_ends_the_others(home: Harness, together: bool) -> None:
    three_answers(home, "restart", together)
    assert states(home)[-1] == "waiting"
    assert set(states(home)[:-1]) <= {"cancelled"}
    home.wait(days=2)
    assert told(home) == ["r2"]
    assert {row.status for row in home.rows(tables.waits)} <= {"timed_out", "cancelled"}


def test_restart_takes_back_calls_that_were_not_made_yet(home: Harness) -> None:
    home.install(it=a_workflow("restart", STEPS.replace("  - {id: pause, wait: 1 day}\n", "")))
    home.deliver(answer(3, response_id="r0"))
    home.pump(INTAKE)
    home.deliver(answer(3, response_id="r1"))
    home.settle()
    assert told(home) == ["r1"]
    assert [row.status for row in home.effects()] == ["cancelled", "done"]
    assert any("restarted this workflow" in line for line in home.story(home.runs()[0].id))


@together
def test_queued_does_them_all_one_after_the_other(home: Harness, together: bool) -> None:
    three_answers(home, "queued", together)
    assert states(home) == ["waiting", "queued", "queued"]
    for done in range(1, 4):
        home.wait(days=1)
        assert told(home) == [f"r{number}" for number in range(done)]
    assert states(home) == ["succeeded"] * 3


@together
def test_parallel_does_them_all_at_once(home: Harness, together: bool) -> None:
    three_answers(home, "parallel", together)
    assert states(home) == ["waiting"] * 3
    home.wait(days=1)
    assert sorted(told(home)) == ["r0", "r1", "r2"]


@pytest.mark.parametrize("mode", ["single", "restart", "queued"])
def test_another_customer_has_a_key_of_their_own(home: Harness, mode: str) -> None:
    home.install(it=a_workflow(mode))
    for number in range(3):
        home.deliver(answer(3, email=f"p{number}@example.com"))
    home.settle()
    assert states(home) == ["waiting"] * 3


def test_a_run_that_failed_lets_the_next_one_in_the_queue_begin(home: Harness) -> None:
    broken = "steps:\n  - {id: tell, do: alert.send, with: {to: nobody, text: Hello}}\n"
    home.install(
        it=a_workflow("queued", "steps:\n  - {id: pause, wait: 1 day}\n" + broken.removeprefix("steps:\n"))
    )
    for _ in range(2):
        home.deliver(answer(3))
    home.settle()
    home.wait(days=1)
    assert states(home) == ["failed", "waiting"]


# --- two workers at once ------------------------------------------------------------------------------------


def two_events_at_once(home: Harness, database_url: str, mode: str) -> None:
    """Each round two workers understand, at the same moment, answers of two customers with one key."""
    home.install(it=a_workflow(mode).replace("event.customer", "event.survey"))
    with a_second_house(home, database_url) as other, Racers() as racers:
        for number in range(ROUNDS):
            racers.race(partial(_answer_now, home, number, "a"), partial(_answer_now, other, number, "b"))
    home.settle()


def _answer_now(home: Harness, number: int, name: str) -> None:
    id_ = f"{number}-{name}"
    home.deliver(answer(3, email=f"{id_}@example.com", survey=f"s{number}", response_id=id_))
    home.pump(INTAKE)


@pytest.mark.services
@on_postgresql
def test_of_two_events_at_once_single_lets_one_in(home: Harness, database_url: str) -> None:
    two_events_at_once(home, database_url, "single")
    assert states(home) == ["waiting"] * ROUNDS
    assert len(home.rows(tables.customers)) == 2 * ROUNDS


@pytest.mark.services
@on_postgresql
def test_of_two_events_at_once_restart_leaves_one_running_and_passes_neither_over(
    home: Harness, database_url: str
) -> None:
    two_events_at_once(home, database_url, "restart")
    begun: dict[str, dict[int, str]] = {}
    for run in home.runs():
        begun.setdefault(run.key, {})[run.event_seq] = run.status
    for event in home.rows(tables.events):
        runs = begun[event.data["survey"]]
        assert list(runs.values()).count("waiting") == 1
        assert event.seq in runs or event.seq < max(runs)  # whatever came last was not passed over


@pytest.mark.services
@on_postgresql
def test_of_two_events_at_once_queued_keeps_both(home: Harness, database_url: str) -> None:
    two_events_at_once(home, database_url, "queued")
    assert sorted(states(home)) == ["queued"] * ROUNDS + ["waiting"] * ROUNDS
    home.wait(days=1)
    home.wait(days=1)
    assert states(home) == ["succeeded"] * (2 * ROUNDS)


@pytest.mark.services
@on_postgresql
def test_a_run_that_joins_the_queue_just_as_the_one_before_it_ends_has_its_turn(
    home: Harness, database_url: str
) -> None:
    """It found the key taken; before it stands in the queue, the run that held the key ends."""
    home.install(it=a_workflow("queued", "steps:\n  - {id: pause, wait: 1 day}\n"))
    home.deliver(answer(3))
    home.settle()
    home.clock.move(days=1)
    home.deliver(answer(3))
    with (
        a_second_house(home, database_url) as other,
        just_before(
            other.house.database, "INSERT INTO runs", lambda _: home.pump(TIMERS), without="ON CONFLICT"
        ),
    ):
        other.pump(INTAKE)
    assert states(home) == ["succeeded", "ready"]
    home.tick()
    assert states(home) == ["succeeded", "waiting"]
