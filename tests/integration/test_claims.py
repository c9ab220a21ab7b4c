"""Claims: a call belongs to one worker until its lease ends, and who comes too late changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from connector.feedback.base.actions import Effect
from connector.runtime.doorbell import INTAKE, effects_queue
from connector.runtime.effects import claims
from connector.runtime.effects.claims import ClaimPolicy
from connector.storage.schema import tables
from tests.support.house import Harness, a_home, a_second_house, answer
from tests.support.house_race import Racers
from tests.support.house_workflows import OPEN_A_TICKET, WRITE_THE_SCORE, WRITE_TO_THE_CUSTOMER

ZENDESK = effects_queue("zendesk")


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, tickets=OPEN_A_TICKET) as home:
        home.know()
        yield home


def claim(home: Harness, owner: str = "one", limit: int = 100, connection: str = "zendesk") -> list[Effect]:
    database, now, who = home.house.database, home.clock(), ClaimPolicy(connection, owner)
    calls = database.transact(lambda tx: claims.claim(database, tx, who, now, limit))
    return sorted((effect for call in calls for effect in call), key=lambda effect: effect.id)


def ask(home: Harness, times: int = 1) -> None:
    for _ in range(times):
        home.deliver(answer(3))
    home.pump(INTAKE)


def record(home: Harness, effect: Effect, **result: Any) -> None:
    home.house.pumps._outcomes.record([(effect, result)])


def test_what_one_worker_claimed_no_other_gets(home: Harness) -> None:
    ask(home, 5)
    first, second = claim(home, "one", 3), claim(home, "two", 10)
    assert (len(first), len(second), claim(home)) == (3, 2, [])
    assert {row.owner for row in home.effects()} == {"one", "two"}


def test_each_claim_raises_the_epoch_and_counts_an_attempt(home: Harness) -> None:
    ask(home)
    [first] = claim(home)
    home.clock.move(seconds=61)
    home.house.sweep.tick()
    [second] = claim(home)
    assert (first.epoch, second.epoch, first.attempts, second.attempts) == (1, 2, 1, 2)
    assert (first.unsure, second.unsure) == (False, True)
    assert first.first_tried_at == second.first_tried_at


def test_a_lease_that_still_runs_is_not_given_back(home: Harness) -> None:
    ask(home)
    claim(home)
    home.clock.move(seconds=59)
    home.house.sweep.tick()
    assert claim(home, "two") == []


def test_an_outcome_written_after_another_worker_took_over_changes_nothing(home: Harness) -> None:
    ask(home)
    [late] = claim(home, "frozen")
    home.clock.move(seconds=61)
    home.house.sweep.tick()
    [now] = claim(home, "successor")
    before = (home.effects(), home.runs(), home.story())
    record(home, late, ticket_id="666", url="")
    assert (home.effects(), home.runs(), home.story()) == before
    record(home, now, ticket_id="7", url="")
    assert home.output("callback")["ticket"] == "zendesk:7"
    record(home, late, ticket_id="666", url="")
    assert home.output("callback")["ticket"] == "zendesk:7"
    assert home.one(tables.callbacks).ticket_id == "7"


def test_an_outcome_written_after_the_lease_ended_but_before_anyone_took_over_changes_nothing(
    home: Harness,
) -> None:
    ask(home)
    [late] = claim(home)
    home.clock.move(seconds=61)
    home.house.sweep.tick()
    record(home, late, ticket_id="666", url="")
    assert (home.effects()[0].status, home.run().status) == ("due", "waiting")


def test_a_worker_that_died_with_a_call_in_its_hands_costs_a_lease_and_no_second_ticket(home: Harness) -> None:
    ask(home)
    [effect] = claim(home, "dies")
    client = home.house.connections.helpdesk("zendesk")
    client.open_ticket(effect.request["body"], key=effect.key)  # and dies before it could write that down
    home.wait(seconds=61)
    assert len(home.world.zendesk.tickets) == 1
    assert home.run().status == "succeeded"


def test_a_mail_in_the_hands_of_a_worker_that_died_is_not_sent_again(home: Harness) -> None:
    home.install(tickets=WRITE_TO_THE_CUSTOMER)
    ask(home)
    claim(home, "dies", connection="mail")
    home.wait(seconds=61)
    assert home.mails() == []
    assert (home.effects()[0].status, home.run().status) == ("done", "succeeded")


def test_a_paused_connection_hands_out_nothing_and_a_probed_one_a_single_call(home: Harness) -> None:
    ask(home, 5)
    with home.house.database.write() as tx:
        tx.execute(
            tables.connections.insert().values(
                name="zendesk", status="paused", reason="", updated_at=home.clock()
            )
        )
    assert claim(home) == []
    with home.house.database.write() as tx:
        tx.execute(tables.connections.update().values(status="probing"))
    assert len(claim(home)) == 1


def test_a_call_that_is_not_due_yet_is_not_claimed(home: Harness) -> None:
    ask(home)
    with home.house.database.write() as tx:
        tx.execute(tables.effects.update().values(due_at=home.clock() + timedelta(seconds=1)))
    assert claim(home) == []
    home.clock.move(seconds=1)
    assert len(claim(home)) == 1


def test_calls_about_one_record_are_not_handed_to_two_workers(home: Harness) -> None:
    home.install(tickets=WRITE_THE_SCORE)
    known = {"email": "ann@example.com", "salesforce_contact_id": "003000000000001AAA"}
    home.deliver(answer(3, customer=known))
    home.pump(INTAKE)
    [first] = claim(home, "one", connection="salesforce")
    home.deliver(answer(3, customer=known))
    home.pump(INTAKE)
    assert claim(home, "two", connection="salesforce") == []
    record(home, first, record="003000000000001")
    assert len(claim(home, "two", connection="salesforce")) == 1


def test_after_a_restart_of_the_only_process_harmless_calls_are_free_again_at_once(home: Harness) -> None:
    home.install(mails=WRITE_TO_THE_CUSTOMER)
    ask(home)
    claim(home, "before")
    claim(home, "before", connection="mail")
    now = home.clock()
    freed = home.house.database.transact(lambda tx: claims.release_orphans(tx, now))
    assert freed == {"zendesk"}  # the mail may still be on its way: it waits for its lease


def test_mails_of_a_dead_process_keep_the_next_from_sending_none_of_its_own(home: Harness) -> None:
    home.install(mails=WRITE_TO_THE_CUSTOMER)
    ask(home, 3)
    who, now, database = ClaimPolicy("mail", "before", concurrency=3), home.clock(), home.house.database
    assert len(database.transact(lambda tx: claims.claim(database, tx, who, now, 100))) == 3
    ask(home, 3)
    assert database.transact(lambda tx: claims.claim(database, tx, who, now, 100)) == []  # three are all it may have
    database.transact(lambda tx: claims.release_orphans(tx, now))
    after = ClaimPolicy("mail", "after", concurrency=3)
    assert len(database.transact(lambda tx: claims.claim(database, tx, after, now, 100))) == 3


def test_a_score_of_a_dead_process_is_written_again_after_a_moment_and_none_overtakes_it(home: Harness) -> None:
    home.install(tickets=WRITE_THE_SCORE)
    known = {"email": "ann@example.com", "salesforce_contact_id": "003000000000001AAA"}
    home.deliver(answer(3, customer=known))
    home.pump(INTAKE)
    [first] = claim(home, "before", connection="salesforce")
    now = home.clock()
    assert home.house.database.transact(lambda tx: claims.release_orphans(tx, now)) == set()
    home.deliver(answer(4, customer=known))
    home.pump(INTAKE)
    home.clock.move(seconds=9)
    home.house.sweep.tick()
    assert claim(home, "after", connection="salesforce") == []
    home.clock.move(seconds=1)
    home.house.sweep.tick()
    again = claim(home, "after", connection="salesforce")
    assert (first.id in [effect.id for effect in again], len(again)) == (True, 2)


@pytest.mark.services
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_workers_do_three_hundred_answers_without_losing_or_doubling_one(
    home: Harness, database_url: str
) -> None:
    home.install(tickets=OPEN_A_TICKET.replace("Call back", '"Call {{ event.response_id }}"'))
    for number in range(300):
        home.deliver(answer(3, email=f"p{number % 50}@example.com", response_id=f"a{number}"))
    with a_second_house(home, database_url) as other, Racers() as racers:
        racers.race(home.settle, other.settle)
    home.settle()
    assert sorted(ticket["subject"] for ticket in home.world.zendesk.tickets) == sorted(
        f"Call a{n}" for n in range(300)
    )
    assert {run.status for run in home.runs()} == {"succeeded"}
    assert {effect.attempts for effect in home.effects()} == {1}
    assert len(home.rows(tables.customers)) == 50 + 1  # and the one whom all tests know
