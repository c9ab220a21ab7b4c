"""The review list: what the systems contradict each other about is decided by a person, once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from click.testing import CliRunner

from connector.cli.main import main
from connector.feedback.customers import review_queue
from connector.feedback.customers.review_queue import ReviewCase, ReviewError
from connector.storage.schema import tables
from connector.storage.stores import api_tokens
from tests.support.house import Harness, a_home, answer

TICKETS = """\
trigger: {event: survey.answered, if: event.band == "detractor"}
steps: [{id: open, do: ticket.open, with: {connection: zendesk, subject: Call}}]
"""


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, tickets=TICKETS) as home:
        yield home


def tell(home: Harness, score: int = 9, **customer: Any) -> None:
    home.deliver(answer(score, customer=customer))
    home.settle()


def contradict(home: Harness) -> None:
    tell(home, 3, email="ann@example.com", zendesk_user_id=1, name="Ann")
    tell(home, 3, email="bo@example.com", zendesk_user_id=2, name="Bo")
    tell(home, email="bo@example.com", zendesk_user_id=1)


def cases(home: Harness, status: str | None = review_queue.OPEN) -> list[ReviewCase]:
    with home.house.database.read() as tx:
        return review_queue.listed(tx, status=status)


def decide(home: Harness, choice: str) -> ReviewCase:
    [case] = cases(home)
    return home.house.database.transact(
        partial(_decide, home, case.id, choice)
    )


def _decide(home: Harness, case_id: str, choice: str, tx: Any) -> ReviewCase:
    ids = home.house.connections.ids
    return review_queue.decide(home.house.database, tx, case_id, choice, "Ada", home.clock(), ids=ids)


def test_a_contradiction_is_on_the_list_with_its_candidates(home: Harness) -> None:
    contradict(home)
    [case] = cases(home)
    assert [each.email for each in case.candidates] == ["ann@example.com", "bo@example.com"]
    assert (case.kind, case.times, case.status) == ("customers", 1, "open")


def test_the_same_contradiction_met_again_is_one_case(home: Harness) -> None:
    contradict(home)
    tell(home, email="bo@example.com", zendesk_user_id=1)
    tell(home, email="ann@example.com", zendesk_user_id=2)  # the other way round
    [case] = cases(home)
    assert case.times == 3


def test_same_makes_one_customer_of_them_with_all_that_was_theirs(home: Harness) -> None:
    contradict(home)
    decided = decide(home, "same")
    assert (decided.status, decided.decision, decided.decided_by) == ("decided", "same", "Ada")
    [person] = home.rows(tables.customers)
    for table in (tables.responses, tables.callbacks, tables.identities, tables.events, tables.runs):
        assert {row.customer_id for row in home.rows(table)} == {person.id}
    tell(home, email="bo@example.com", zendesk_user_id=1)
    assert len(home.rows(tables.customers)) == 1
    assert cases(home) == []


def test_different_is_remembered_and_not_asked_again(home: Harness) -> None:
    contradict(home)
    decide(home, "different")
    tell(home, email="bo@example.com", zendesk_user_id=1)
    assert len(home.rows(tables.customers)) == 2
    assert cases(home) == []
    assert [case.times for case in cases(home, None)] == [2]


def test_a_decision_stands(home: Harness) -> None:
    contradict(home)
    case = decide(home, "different")
    again = home.house.database.transact(partial(_decide, home, case.id, "different"))
    assert again == case
    with pytest.raises(ReviewError, match="was decided already: different, by Ada"):
        home.house.database.transact(partial(_decide, home, case.id, "same"))


def test_a_choice_that_is_none_is_refused_with_those_there_are(home: Harness) -> None:
    contradict(home)
    with pytest.raises(ReviewError, match="choose same or different"):
        decide(home, "perhaps")
    with pytest.raises(ReviewError, match="There is no case"):
        home.house.database.transact(partial(_decide, home, "0" * 26, "same"))
    assert len(cases(home)) == 1


def command(home: Harness, database_url: str, *words: str, code: int = 0) -> str:
    """What ``ringback customers review …`` prints."""
    environment = {"RINGBACK_DATABASE_URL": database_url}
    result = CliRunner().invoke(main, ["customers", "review", *words], env=environment)
    assert result.exit_code == code, result.output
    return result.output


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_admin_decides_by_command(home: Harness, database_url: str) -> None:
    assert "Nothing waits" in command(home, database_url)
    contradict(home)
    [case] = cases(home)
    assert "Ann" in command(home, database_url)
    shown = command(home, database_url, "show", case.id)
    assert "zendesk=1" in shown
    assert f"decide {case.id} same" in shown
    assert "is no choice" in command(home, database_url, "decide", case.id, "perhaps", code=2)
    assert "is decided: same, by Ada" in command(home, database_url, "decide", case.id, "same", "--by", "Ada")
    assert "There is no case" in command(home, database_url, "show", "x", code=2)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_program_decides_by_the_api(home: Harness) -> None:
    contradict(home)
    scopes = ["reviews:read", "reviews:write", "personal:read"]
    secret = home.house.database.transact(lambda tx: api_tokens.create(tx, "t", scopes, home.clock()))
    headers = {"Authorization": f"Bearer {secret}"}
    [item] = home.client.get("/api/v1/customers/review", headers=headers).json["items"]
    path = f"/api/v1/customers/review/{item['id']}"
    assert len(home.client.get(path, headers=headers).json["candidates"]) == 2
    refused = home.client.post(f"{path}/decide", headers=headers, json={"choice": "perhaps"})
    assert refused.status_code == 409
    decided = home.client.post(f"{path}/decide", headers=headers, json={"choice": "same"}).json
    assert (decided["status"], decided["decided_by"]) == ("decided", "t (API)")
    assert home.client.get("/api/v1/customers/review/none", headers=headers).status_code == 404


def several_records(home: Harness) -> list[str]:
    """Two contacts share the address of a customer."""
    tell(home, email="ann@example.com", name="Ann")
    contacts = [home.world.salesforce.add_contact(name, "ann@example.com")["Id"] for name in ("One", "Two")]
    customer = home.one(tables.customers).id
    found = review_queue.ReviewMatch("", customer, tuple(contacts), home.clock(), "salesforce", review_queue.RECORDS)
    home.house.database.transact(lambda tx: review_queue.keep(tx, [found]))
    return contacts


def test_a_chosen_record_is_the_customers_from_then_on(home: Harness) -> None:
    _, second = several_records(home)
    assert len(cases(home)[0].candidates) == 3
    decide(home, second)
    [identity] = home.rows(tables.identities, tables.identities.c.system == "salesforce")
    assert (identity.value, identity.customer_id) == (second[:15], home.one(tables.customers).id)
    with home.house.database.read() as tx:
        assert review_queue.chosen(tx, "salesforce", home.one(tables.customers).id) == second


def test_a_score_that_two_records_could_bear_waits_for_a_person_and_goes_to_the_chosen_one(home: Harness) -> None:
    home.install(scores="trigger: {event: survey.answered}\n"
                 "steps: [{id: w, do: score.write, with: {connection: salesforce}}]\n")  # fmt: skip
    first, second = (home.world.salesforce.add_contact(name, "ann@example.com")["Id"] for name in ("One", "Two"))
    tell(home, email="ann@example.com")
    tell(home, 8, email="ann@example.com")
    [case] = cases(home)
    assert {each.id for each in case.candidates[1:]} == {first, second}
    assert home.world.salesforce.contact(first)["NPS_Score__c"] is None
    decide(home, second)
    tell(home, 7, email="ann@example.com")
    assert home.world.salesforce.contact(second)["NPS_Score__c"] == 7
    assert cases(home) == []


def test_a_record_of_somebody_else_cannot_be_chosen(home: Harness) -> None:
    first, _ = several_records(home)
    tell(home, email="else@example.com", salesforce_contact_id=first)
    with pytest.raises(ReviewError, match="another customer's"):
        decide(home, first)
