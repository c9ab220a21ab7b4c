"""One customer by phone: weaker than ids and e-mail, and never a guess."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.feedback.customers import review_queue
from connector.feedback.customers.review_queue import ReviewCase
from connector.storage.schema import tables
from sandbox.clock import HandClock
from sandbox.world import World
from tests.integration.test_whole_writeback import WHOLE, on_sqlite, whole
from tests.support.house import Harness, a_home, a_house, answer, config_of
from tests.support.house_workflows import WRITE_THE_SCORE

MOBILE, OFFICE = "06-12345678", "+31 20 123 4567"


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, score=WRITE_THE_SCORE) as home:
        yield home


def tell(home: Harness, score: int = 9, **customer: Any) -> None:
    home.deliver(answer(score, customer=customer))
    home.settle()


def people(home: Harness) -> list[Any]:
    return home.rows(tables.customers)


def cases(home: Harness) -> list[ReviewCase]:
    with home.house.database.read() as tx:
        return review_queue.listed(tx)


def decide(home: Harness, choice: str) -> None:
    [case] = cases(home)
    database = home.house.database
    ids = home.house.connections.ids
    database.transact(
        lambda tx: review_queue.decide(database, tx, case.id, choice, "Ada", home.clock(), ids=ids)
    )


JAN = {"name": "Jan de Vries", "phone": MOBILE}


@pytest.mark.parametrize("turned", [False, True])
def test_a_helpdesk_user_and_a_contact_with_one_name_and_number_are_one_customer(home: Harness, turned: bool) -> None:
    tellings: list[dict[str, Any]] = [
        {**JAN, "zendesk_user_id": 8055},
        {"salesforce_contact_id": "003000000000001", "name": "J. de Vries", "phone": "+31612345678"} | JAN,
    ]
    for each in reversed(tellings) if turned else tellings:
        tell(home, **each)
    [person] = people(home)
    assert {row.customer_id for row in home.rows(tables.identities)} == {person.id}
    assert [row.number for row in home.rows(tables.phones)] == ["+31612345678"]


def test_a_number_that_is_learned_later_brings_two_together(home: Harness) -> None:
    tell(home, zendesk_user_id=8055, name="Jan de Vries")
    tell(home, **JAN, salesforce_contact_id="003000000000001")
    assert len(people(home)) == 2
    tell(home, **JAN, zendesk_user_id=8055)
    [person] = people(home)
    assert {row.customer_id for row in home.rows(tables.responses)} == {person.id}
    assert len(home.rows(tables.phones)) == 1


@on_sqlite
def test_a_household_stays_two_and_nobody_is_asked(home: Harness) -> None:
    tell(home, **JAN, zendesk_user_id=1)
    tell(home, name="Piet Bakker", phone=MOBILE, zendesk_user_id=2)
    assert len(people(home)) == 2
    assert cases(home) == []


@on_sqlite
def test_the_same_name_and_number_with_another_address_waits_for_a_person(home: Harness) -> None:
    tell(home, **JAN, email="jan@acme.example")
    tell(home, **JAN, email="jan@home.example")
    assert len(people(home)) == 2
    [case] = cases(home)
    assert {each.email for each in case.candidates} == {"jan@acme.example", "jan@home.example"}
    assert {each.phone for each in case.candidates} == {MOBILE}


def test_a_decision_about_a_number_is_applied_and_remembered(home: Harness) -> None:
    tell(home, **JAN, email="jan@acme.example")
    tell(home, **JAN, email="jan@home.example")
    decide(home, "different")
    tell(home, **JAN, email="jan@home.example")
    assert cases(home) == []
    tell(home, **JAN, zendesk_user_id=8)  # a third, who may be either
    assert len(people(home)) == 3
    decide(home, "same")
    assert len(people(home)) == 1
    assert len(home.rows(tables.phones)) == 1
    tell(home, **JAN, zendesk_user_id=8)
    assert (len(people(home)), cases(home)) == (1, [])


@on_sqlite
def test_a_switchboards_number_says_nothing_about_who_somebody_is(home: Harness) -> None:
    for number in range(8):
        tell(home, name=f"Name{chr(65 + number)} Surname", phone=OFFICE, email=f"p{number}@acme.example")
    before = len(people(home))
    tell(home, name="NameA Surname", phone=OFFICE, zendesk_user_id=1)
    assert (before, len(people(home)), cases(home)) == (8, 9, [])
    assert len(home.rows(tables.phones)) == 5  # more would only be read in vain


@on_sqlite
def test_a_caller_from_a_known_mobile_phone_is_its_owner_and_keeps_the_name(home: Harness) -> None:
    tell(home, **JAN, email="jan@acme.example")
    tell(home, 3, phone="+31612345678", name="Caller +31 6 12345678")
    [person] = people(home)
    assert person.name == "Jan de Vries"
    assert {row.customer_id for row in home.rows(tables.responses)} == {person.id}


@on_sqlite
def test_a_caller_from_an_unknown_mobile_phone_is_one_customer_each_time(home: Harness) -> None:
    tell(home, 3, phone=MOBILE)
    tell(home, 4, phone="+31612345678")
    [person] = people(home)
    tell(home, **JAN, email="jan@acme.example")  # and then somebody says whose it is
    assert [each.id for each in people(home)] == [person.id]


@on_sqlite
def test_a_nameless_caller_from_an_office_is_nobody(home: Harness) -> None:
    tell(home, name="Jan de Vries", phone=OFFICE, email="jan@acme.example")
    tell(home, 3, phone=OFFICE)
    assert len(people(home)) == 1
    assert [row.customer_id for row in home.rows(tables.responses)].count(None) == 1


@on_sqlite
def test_a_caller_whom_two_may_be_is_met_as_one_and_the_same(home: Harness) -> None:
    tell(home, **JAN, email="jan@acme.example")
    tell(home, **JAN, email="jan@home.example")
    tell(home, 3, **JAN)
    tell(home, 4, **JAN)
    assert len(people(home)) == 3
    assert sorted(len(case.candidates) for case in cases(home)) == [2, 3]


def test_two_who_call_in_one_batch_are_one(home: Harness) -> None:
    for id_ in ({"zendesk_user_id": 8055}, {"salesforce_contact_id": "003000000000001"}, {}):
        home.deliver(answer(9, customer={**JAN, **id_}))
    home.settle()
    assert len(people(home)) == 1


# --- whose record in the CRM -----------------------------------------------------------------------------------------


def contact(home: Harness, name: str = "de Vries", email: str = "", **more: Any) -> str:
    more = {"FirstName": "Jan", "MobilePhone": "(06) 123 456 78"} | more
    return str(home.world.salesforce.add_contact(name, email or None, **more)["Id"])


def score_of(home: Harness, record: str) -> Any:
    return home.world.salesforce.contact(record)["NPS_Score__c"]


@pytest.fixture(params=["newest", "everything"])
def crm(request: pytest.FixtureRequest, database_url: str) -> Iterator[Harness]:
    """A house that writes scores, under either rule of what is kept."""
    clock, everything = HandClock(), request.param == "everything"
    with World(clock=clock) as world:
        world.salesforce.install_package()
        config = whole(world) if everything else config_of(world)
        score = WHOLE if everything else WRITE_THE_SCORE
        with a_house(database_url, world, {"score": score}, clock=clock, config=config) as home:
            yield home


def bring(home: Harness) -> None:
    home.settle()
    home.wait(minutes=1)


def test_a_score_goes_to_the_contact_with_the_name_and_the_number(crm: Harness) -> None:
    person, other = contact(crm), contact(crm, "Bakker", MobilePhone="06 87654321")
    tell(crm, 3, **JAN)
    bring(crm)
    assert (score_of(crm, person), score_of(crm, other)) == (3, None)
    tell(crm, 8, **JAN)
    bring(crm)
    assert score_of(crm, person) == 8


@on_sqlite
def test_a_contact_who_may_be_another_gets_no_score_until_somebody_decides(crm: Harness) -> None:
    person = contact(crm, email="jan@acme.example")
    tell(crm, 3, **JAN, email="jan@home.example")
    bring(crm)
    assert score_of(crm, person) is None
    [run] = crm.runs()
    assert run.status == "failed"
    [case] = cases(crm)
    assert [each.id[:15] for each in case.candidates[1:]] == [person[:15]]
    decide(crm, case.candidates[1].id)
    tell(crm, 4, **JAN, email="jan@home.example")
    bring(crm)
    assert score_of(crm, person) == 4


def test_that_none_of_them_is_theirs_is_remembered_until_there_are_others(crm: Harness) -> None:
    contact(crm, email="jan@acme.example")
    tell(crm, 3, **JAN, email="jan@home.example")
    bring(crm)
    decide(crm, "different")
    tell(crm, 4, **JAN, email="jan@home.example")
    bring(crm)
    assert cases(crm) == []
    assert "none of the records" in str(crm.story(crm.runs()[-1].id))
    contact(crm, email="jan@work.example")
    tell(crm, 5, **JAN, email="jan@home.example")
    bring(crm)
    [case] = cases(crm)
    assert len(case.candidates) == 3


@on_sqlite
def test_a_colleague_with_the_same_number_gets_nothing(crm: Harness) -> None:
    piet = contact(crm, "Bakker")
    tell(crm, 3, name="Anna Visser", phone=MOBILE, email="anna@home.example")
    bring(crm)
    assert score_of(crm, piet) is None
    assert cases(crm) == []
    assert "or phone number" in str(crm.story(crm.runs()[-1].id))


@pytest.mark.parametrize(("database_url", "crm"), [("sqlite", "everything")], indirect=True)
def test_a_lead_is_found_by_its_number_where_no_contact_has_it(crm: Harness) -> None:
    salesforce = crm.world.salesforce
    lead = str(salesforce.add_lead("de Vries", FirstName="Jan", Phone="+31 (0)6 123 456 78")["Id"])
    salesforce.add_lead("de Vries", FirstName="Jan", Phone="0612345678", IsConverted=True)
    tell(crm, 3, **JAN)
    bring(crm)
    assert salesforce.lead(lead)["NPS_Score__c"] == 3
    assert cases(crm) == []


@pytest.mark.parametrize(("database_url", "crm"), [("sqlite", "newest")], indirect=True)
def test_a_number_that_only_looks_alike_is_nobodys(crm: Harness) -> None:
    """A query finds the digits in a row; which country they are from decides."""
    stranger = contact(crm, MobilePhone="+32 612 34 56 78")
    tell(crm, 3, **JAN)
    bring(crm)
    assert score_of(crm, stranger) is None
    assert cases(crm) == []
