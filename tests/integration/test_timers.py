"""Timers: a due time is a row; what is due happens once, whoever looks and however late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from connector.runtime.doorbell import TIMERS
from connector.storage.schema import tables
from tests.support.house import Harness, a_home, a_house, a_second_house, answer
from tests.support.house_race import Racers

PAUSE = """\
trigger: {event: survey.answered}
run: {key: event.response_id, mode: parallel}
steps:
  - {id: pause, wait: 3 days}
  - {id: tell, do: alert.send, with: {to: care-team, text: "{{ event.response_id }}"}}
"""


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, pause=PAUSE) as home:
        yield home


def told(home: Harness) -> list[str]:
    return sorted(mail.text.strip() for mail in home.mails("care@acme.example"))


def test_a_run_that_waits_for_time_goes_on_at_its_moment_and_not_before(home: Harness) -> None:
    home.deliver(answer(3, response_id="r1"))
    home.settle()
    assert (home.run().status, home.run().due_at) == ("waiting", datetime(2026, 3, 5, 9, 0, tzinfo=UTC))
    home.wait(days=2, hours=23, minutes=59, seconds=59)
    assert told(home) == []
    home.wait(seconds=1)
    assert told(home) == ["r1"]
    assert home.run().status == "succeeded"


def test_a_timer_that_comes_very_late_still_comes_once(home: Harness) -> None:
    home.deliver(answer(3, response_id="r1"))
    home.settle()
    home.clock.move(days=400)
    home.tick()
    home.tick()
    assert told(home) == ["r1"]


def test_timers_survive_the_house(home: Harness, database_url: str) -> None:
    home.deliver(answer(3, response_id="r1"))
    home.settle()
    home.house.close()
    with a_second_house(home, database_url) as after_a_restart:
        after_a_restart.wait(days=3)
        assert told(after_a_restart) == ["r1"]


def test_business_time_and_the_change_of_the_clocks_are_kept(home: Harness) -> None:
    home.install(pause=PAUSE.replace("3 days", "1 business day"))
    home.clock.now = datetime(
        2026, 3, 27, 15, 0, tzinfo=UTC
    )  # Friday, 16:00 in Amsterdam; summer begins on Sunday
    home.deliver(answer(3))
    home.settle()
    assert home.run().due_at == datetime(2026, 3, 30, 14, 0, tzinfo=UTC)  # Monday, 16:00 again


def test_more_due_runs_than_a_batch_holds_all_go_on(home: Harness) -> None:
    home.install(pause=PAUSE[: PAUSE.index("  - {id: tell")])
    for number in range(205):
        home.deliver(answer(9, response_id=f"r{number}"))
    home.settle()
    home.clock.move(days=3)
    home.pump(TIMERS)
    assert {run.status for run in home.runs()} == {"succeeded"}


def test_a_run_that_cannot_be_advanced_is_dead_and_visible_and_the_others_go_on(
    home: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        home.deliver(answer(3, response_id=f"r{number}"))
    home.settle()
    with home.house.database.write() as tx:  # a state that this version cannot read
        tx.execute(
            tables.runs.update().where(tables.runs.c.key == "r1").values(state={"status": "unheard-of"})
        )
    home.wait(days=3)
    assert [run.status for run in home.runs()] == ["succeeded", "dead", "succeeded"]
    assert told(home) == ["r0", "r2"]
    assert "an error of ours" in home.runs()[1].reason
    assert "could not be advanced" in caplog.text
    home.tick()
    assert [run.status for run in home.runs()] == ["succeeded", "dead", "succeeded"]


@pytest.mark.services
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_schedulers_that_look_at_the_same_moment_wake_each_run_once(
    home: Harness, database_url: str
) -> None:
    for number in range(60):
        home.deliver(answer(3, response_id=f"r{number:02}"))
    home.settle()
    home.clock.move(days=3)
    with a_second_house(home, database_url) as other, Racers() as racers:
        racers.race(home.tick, other.tick)
    home.settle()
    assert told(home) == [f"r{number:02}" for number in range(60)]


@pytest.mark.services
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_run_that_another_worker_holds_is_left_to_it(home: Harness, database_url: str) -> None:
    for number in range(2):
        home.deliver(answer(3, response_id=f"r{number}"))
    home.settle()
    home.clock.move(days=3)
    with home.house.database.write() as tx:
        tx.execute(text("SELECT id FROM runs WHERE key = 'r0' FOR UPDATE"))
        with a_house(database_url, home.world, clock=home.clock) as other:
            other.pump(TIMERS)
            held, free = other.runs()
            assert (held.due_at, free.due_at) == (home.clock(), None)  # the one still waits for its time
    home.tick()
    assert told(home) == ["r0", "r1"]
