"""The score on the customer's record: the newest answer, never an older one, never on a guessed record."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import pytest

from connector.runtime.doorbell import INTAKE, effects_queue
from connector.storage.schema import tables
from integrations.protocols import Score
from sandbox.faults import Effect, Fault
from tests.support.house import Harness, a_home, answer
from tests.support.house_workflows import WRITE_THE_SCORE

SALESFORCE = effects_queue("salesforce")
ANSWERS = ((3, "2026-03-01T10:00:00Z"), (8, "2026-03-01T11:00:00Z"), (10, "2026-03-01T12:00:00Z"))
"""Scores by the time they were given: the last one is the newest."""


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, score=WRITE_THE_SCORE) as home:
        yield home


def contact(home: Harness, email: str = "ann@example.com", **fields: Any) -> str:
    return str(home.world.salesforce.add_contact("Jansen", email, **fields)["Id"])


def score(home: Harness, record: str) -> Any:
    return home.world.salesforce.contact(record)["NPS_Score__c"]


def calls(home: Harness) -> list[Any]:
    return [each for each in home.world.salesforce.requests if "/composite/sobjects" in each.path]


def tell(home: Harness, given: Sequence[tuple[int, str]]) -> None:
    for value, answered_at in given:
        home.deliver(answer(value, answered_at=answered_at))


# --- the newest wins ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("order", list(itertools.permutations(ANSWERS)))
@pytest.mark.parametrize(
    "cut", [(0,), (0, 1), (0, 2), (0, 1, 2)], ids=["one batch", "1+2", "2+1", "one by one"]
)
def test_in_whatever_order_answers_arrive_the_newest_stays_on_the_record(
    home: Harness, order: Sequence[tuple[int, str]], cut: Sequence[int]
) -> None:
    record = contact(home)
    for begin, end in itertools.pairwise((*cut, len(order))):
        tell(home, order[begin:end])
        home.settle()
    assert score(home, record) == 10
    writes = home.world.salesforce.writes_of(record)
    written = [write.fields["NPS_Score__c"] for write in writes if "NPS_Score__c" in write.fields]
    assert written == sorted(written)  # no older one was there even for a moment
    assert {run.status for run in home.runs()} == {"succeeded"}


def test_an_older_answer_says_why_it_was_not_written(home: Harness) -> None:
    record = contact(home)
    tell(home, [ANSWERS[2]])
    home.settle()
    tell(home, [ANSWERS[0]])
    home.settle()
    assert score(home, record) == 10
    assert any("a newer answer" in line for line in home.story(home.runs()[-1].id))
    assert home.one(tables.writebacks).answered_at.hour == 12


def test_an_older_answer_that_is_written_late_after_trouble_does_not_overwrite(home: Harness) -> None:
    record = contact(home)
    home.world.salesforce.faults.add(Fault(path="/composite", status=503))
    tell(home, [ANSWERS[0]])
    home.settle()
    tell(home, [ANSWERS[2]])
    for _ in range(20):
        home.wait(minutes=1)
    assert score(home, record) == 10
    assert {effect.status for effect in home.effects()} == {"done"}


def test_the_same_answer_again_changes_nothing(home: Harness) -> None:
    record = contact(home)
    home.world.salesforce.faults.add(Fault(path="/composite", effect=Effect.COMMIT_THEN_DROP))
    tell(home, [ANSWERS[2]])
    home.settle()
    for _ in range(10):
        home.wait(minutes=1)
    assert score(home, record) == 10
    assert home.effects()[0].status == "done"


def test_a_write_that_lands_long_after_its_answer_was_lost_lands_on_nothing_newer(home: Harness) -> None:
    record = contact(home)
    tell(home, [ANSWERS[0]])
    home.settle()
    home.world.salesforce.faults.add(Fault(path="/composite", effect=Effect.DROP_BEFORE))
    tell(home, [ANSWERS[1]])
    home.settle()  # nobody answers, and the request is still on its way
    under_way = home.effects()[-1]
    tell(home, [ANSWERS[2]])
    for _ in range(4):
        home.wait(seconds=14)
    assert score(home, record) == ANSWERS[0][0]  # the newer answer waits
    assert (home.effects()[-1].status, under_way.status, under_way.owner) == ("due", "performing", None)
    lands = Score(record, "nps", ANSWERS[1][0], "passive", datetime.fromisoformat(ANSWERS[1][1]), "")
    home.house.connections.crm("salesforce").write_scores([lands])
    home.wait(seconds=4)
    home.wait(minutes=5)
    assert score(home, record) == ANSWERS[2][0]
    assert {effect.status for effect in home.effects()} == {"done"}


# --- many at once -------------------------------------------------------------------------------------------


def test_many_answers_go_out_in_few_calls(home: Harness) -> None:
    records = [contact(home, f"p{number}@example.com") for number in range(60)]
    for number, record in enumerate(records):
        home.deliver(
            answer(number % 11, email=f"p{number}@example.com", customer={"salesforce_contact_id": record})
        )
    home.settle()
    assert [score(home, record) for record in records] == [number % 11 for number in range(60)]
    assert len(calls(home)) == 1


def test_salesforce_refusing_one_record_of_a_batch_parks_only_that_one(home: Harness) -> None:
    records = [contact(home, f"p{number}@example.com") for number in range(5)]
    home.world.salesforce.refuse(records[2], "FIELD_CUSTOM_VALIDATION_EXCEPTION", "Ann may not be scored")
    for record in records:
        home.deliver(answer(9, customer={"salesforce_contact_id": record}))
    home.settle()
    assert [score(home, record) for record in records] == [9, 9, None, 9, 9]
    [parked] = [effect for effect in home.effects() if effect.status == "failed"]
    assert parked.request["record"] == records[2][:15]
    assert "FIELD_CUSTOM_VALIDATION_EXCEPTION" in parked.error
    assert "Ann" not in parked.error
    assert sorted(run.status for run in home.runs()) == ["failed", *["succeeded"] * 4]


def test_a_locked_row_is_tried_again_alone(home: Harness) -> None:
    records = [contact(home, f"p{number}@example.com") for number in range(3)]
    home.world.salesforce.refuse(records[1], "UNABLE_TO_LOCK_ROW")
    for record in records:
        home.deliver(answer(9, customer={"salesforce_contact_id": record}))
    home.settle()
    for _ in range(5):
        home.wait(minutes=1)
    assert [score(home, record) for record in records] == [9, 9, 9]
    assert len(home.world.salesforce.writes_of(records[0])) == 2  # created, scored; not scored again


# --- never guessed ------------------------------------------------------------------------------------------


def test_two_contacts_with_one_address_are_both_left_alone_and_people_are_told(home: Harness) -> None:
    records = [contact(home), contact(home)]
    home.deliver(answer(9))
    home.settle()
    assert [score(home, record) for record in records] == [None, None]
    assert home.effects()[0].status == "failed"
    assert "2 records share this customer's e-mail address" in home.run().reason
    assert "ann@example.com" not in home.run().reason


def test_an_id_decides_between_two_contacts_with_one_address(home: Harness) -> None:
    records = [contact(home), contact(home)]
    home.deliver(answer(9, customer={"email": "ann@example.com", "salesforce_contact_id": records[1]}))
    home.settle()
    assert [score(home, record) for record in records] == [None, 9]


def test_a_customer_without_a_record_is_no_failure_and_the_run_says_why(home: Harness) -> None:
    home.deliver(answer(9))
    home.settle()
    assert home.run().status == "succeeded"
    assert home.output("score")["done"] is False
    assert any("no record with this e-mail address" in line for line in home.story())


def test_neither_record_nor_address_is_said_at_once_and_nobody_is_called(home: Harness) -> None:
    home.deliver(answer(9, email=None, customer={"name": "Ann"}))
    home.settle()
    assert home.run().status == "succeeded"
    assert home.output("score")["done"] is False
    assert home.world.salesforce.requests == ()


def test_a_record_found_by_address_is_the_customers_from_then_on(home: Harness) -> None:
    record = contact(home)
    home.deliver(answer(9))
    home.settle()
    home.world.salesforce.change_contact(record, Email="other@example.com")
    home.clock.move(hours=1)
    home.deliver(answer(4))
    home.settle()
    assert score(home, record) == 4


def test_a_contact_that_is_gone_is_said_to_be_gone(home: Harness) -> None:
    record = contact(home)
    home.world.salesforce.delete_contact(record)
    home.deliver(answer(9, customer={"salesforce_contact_id": record}))
    home.settle()
    [effect] = home.effects()
    assert effect.status == "failed"
    assert "ENTITY_IS_DELETED" in effect.error


def test_no_more_calls_today_holds_the_connection_and_costs_no_attempt(home: Harness) -> None:
    record = contact(home)
    refused = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    home.world.salesforce.faults.add(Fault(path="/composite|/query", status=403, body=refused))
    home.deliver(answer(9))
    home.settle()
    [effect] = home.effects()
    assert (effect.status, effect.attempts, effect.error_kind) == ("due", 0, "rate_limited")
    assert (
        home.one(tables.connections, tables.connections.c.name == "salesforce").blocked_until > home.clock()
    )
    home.wait(days=1)
    assert score(home, record) == 9


def test_a_session_that_ran_out_is_renewed_without_anybody_noticing(home: Harness) -> None:
    record = contact(home)
    home.deliver(answer(4, answered_at=ANSWERS[0][1]))
    home.settle()
    home.world.salesforce.expire_sessions()
    home.deliver(answer(9, answered_at=ANSWERS[1][1]))
    home.settle()
    assert score(home, record) == 9
    assert {effect.attempts for effect in home.effects()} == {1}


def test_a_score_goes_to_a_helpdesks_user_as_well(home: Harness) -> None:
    home.install(score=WRITE_THE_SCORE.replace("connection: salesforce", "connection: zendesk"))
    user = home.world.zendesk.add_user("Ann", "ann@example.com")
    home.deliver(answer(9))
    home.settle()
    fields = home.world.zendesk.user(user["id"])["user_fields"]
    assert (fields["ringback_score"], fields["ringback_band"]) == (9, "promoter")


def test_two_scores_of_one_record_never_go_out_side_by_side(home: Harness) -> None:
    record = contact(home)
    for value, answered_at in ANSWERS:
        home.deliver(answer(value, answered_at=answered_at, customer={"salesforce_contact_id": record}))
    home.pump(INTAKE)
    assert len({effect.serial for effect in home.effects()} - {None}) == 1
    home.pump(SALESFORCE)
    assert score(home, record) == 10
