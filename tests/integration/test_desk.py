"""The desk: runs advance in one transaction, many at a time, and their history explains every decision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from connector.runtime.doorbell import INTAKE, effects_queue
from connector.storage.engine.database import Database
from connector.storage.schema import tables
from tests.support.house import Harness, a_home, answer
from tests.support.house_faults import PowerCutError, just_before, power_cut
from tests.support.house_workflows import CALL_AND_WAIT, OPEN_A_TICKET

DECIDES_AT_ONCE = """\
trigger: {event: survey.answered}
run: {key: event.response, mode: parallel}
steps:
  - {id: score, do: score.write, with: {connection: salesforce}}
  - {id: never, if: steps.score.done, do: alert.send, with: {to: care-team, text: Written}}
  - {id: done, stop: Nothing to write}
"""


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, it=OPEN_A_TICKET) as home:
        yield home


@contextmanager
def counted_statements(database: Database) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def test_steps_that_need_nobody_are_taken_in_one_go(home: Harness) -> None:
    home.install(it=DECIDES_AT_ONCE)
    home.deliver(answer(9, email=None, customer={"name": "Ann"}))
    home.pump(INTAKE)
    assert (home.run().status, home.effects()) == ("succeeded", [])
    assert len(home.rows(tables.history)) == 1


def test_the_history_tells_what_was_decided_and_why_in_order(home: Harness) -> None:
    home.install(it=DECIDES_AT_ONCE)
    home.deliver(answer(9, email=None, customer={"name": "Ann"}))
    home.pump(INTAKE)
    started, asked, not_done, skipped, *_, stopped = home.story()
    assert started == "Started by survey.answered."
    assert asked == "Asked for score.write."
    assert "neither a record, nor an e-mail address or phone number is known" in not_done
    assert "steps.score.done is false" in skipped
    assert stopped == "The workflow stopped the run."


def test_an_action_that_cannot_even_be_asked_for_fails_at_once_with_the_remedy(home: Harness) -> None:
    home.deliver(answer(3, email=None, customer={"name": "Ann"}))
    home.pump(INTAKE)
    run = home.run()
    assert (run.status, home.effects(), home.rows(tables.callbacks)) == ("failed", [], [])
    assert "Send one of them with the answer (customer.email)" in run.reason
    assert run.ended_at == home.clock()


def test_what_is_asked_for_is_stored_whole_before_anybody_is_called(home: Harness) -> None:
    home.deliver(answer(3))
    home.pump(INTAKE)
    [effect] = home.effects()
    assert (effect.status, effect.connection, effect.attempts) == ("due", "zendesk", 0)
    assert effect.request["body"]["ticket"]["subject"] == "Call back"
    assert effect.key == f"{home.run().id}-callback-1"
    assert home.world.zendesk.requests == ()


def test_a_power_cut_while_an_outcome_is_written_leaves_the_run_where_it_was(home: Harness) -> None:
    home.install(it=CALL_AND_WAIT)
    home.deliver(answer(3))
    home.pump(INTAKE)
    with just_before(home.house.database, "INSERT INTO waits", power_cut), pytest.raises(PowerCutError):
        home.pump(effects_queue("zendesk"))
    assert (home.effects()[0].status, home.rows(tables.waits)) == ("performing", [])
    assert "callback" not in home.run().state["outputs"]
    home.wait(seconds=61)  # the lease ends, and the ticket is found to be there
    assert (home.effects()[0].status, len(home.world.zendesk.tickets)) == ("done", 1)
    assert [row.status for row in home.rows(tables.waits)] == ["open"]


@pytest.mark.services
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_batch_of_many_takes_hardly_more_statements_than_a_batch_of_one(home: Harness) -> None:
    """On PostgreSQL each statement is a way there and back."""
    counts = []
    for size in (1, 100):
        for number in range(size):
            home.deliver(answer(3, email=f"p{size}-{number}@example.com"))
        with counted_statements(home.house.database) as statements:
            home.pump(INTAKE)
        counts.append(len(statements))
    one, many = counts
    assert len(home.runs()) == 101
    assert many <= 3 * one
