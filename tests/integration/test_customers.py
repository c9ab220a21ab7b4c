"""One customer across systems: found by what the sources say, never by guessing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy import JSON, Column, Connection, Table, insert, select

from connector.feedback.customers import identity
from connector.storage.engine.database import Database
from connector.storage.schema import tables
from tests.support.house import Harness, a_home, a_second_house, answer
from tests.support.house_race import Racers

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url) as home:
        yield home


def tell(home: Harness, **customer: Any) -> None:
    home.deliver(answer(9, customer=customer))
    home.settle()


def people(home: Harness) -> list[Any]:
    return home.rows(tables.customers)


def ids(home: Harness) -> dict[str, str]:
    """Every identity, and whose it is."""
    return {f"{row.system}={row.value}": row.customer_id for row in home.rows(tables.identities)}


def test_an_answer_and_a_helpdesk_event_about_one_person_meet_in_one_customer(home: Harness) -> None:
    tell(home, email="ann@example.com", name="Ann", zendesk_user_id=8055)
    home.ticket_event("ticket_created", "1", requester_id="8055")
    home.settle()
    [person] = people(home)
    assert {row.customer_id for row in home.rows(tables.events)} == {person.id}


def test_the_order_of_the_events_does_not_matter(home: Harness) -> None:
    home.ticket_event("ticket_created", "1", requester_id="8055")
    home.settle()
    tell(home, email="ann@example.com", zendesk_user_id=8055)
    [person] = people(home)
    assert person.email == "ann@example.com"


def test_both_in_one_batch_make_one_customer(home: Harness) -> None:
    home.ticket_event("ticket_created", "1", requester_id="8055")
    home.deliver(answer(9, customer={"email": "ann@example.com", "zendesk_user_id": 8055}))
    home.deliver(answer(9, customer={"email": "ANN@example.com "}))
    home.settle()
    assert len(people(home)) == 1


def test_an_e_mail_address_is_the_same_in_any_case_and_with_spaces(home: Harness) -> None:
    tell(home, email="Ann@Example.com")
    tell(home, email=" ann@example.COM ")
    assert len(people(home)) == 1


def test_a_salesforce_id_is_the_same_with_15_and_18_characters_but_not_in_another_case(home: Harness) -> None:
    tell(home, salesforce_contact_id="003000000000001AAA")
    tell(home, salesforce_contact_id="003000000000001")
    assert len(people(home)) == 1
    tell(home, salesforce_contact_id="003a00000000001")
    tell(home, salesforce_contact_id="003A00000000001")
    assert len(people(home)) == 3


def test_an_id_whose_last_three_characters_do_not_fit_identifies_nobody(
    home: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    """Cut to 15 characters it would be another person's."""
    tell(home, email="ann@example.com", salesforce_contact_id="003ak00000luKU1AAM")
    tell(home, email="bo@example.com", salesforce_contact_id="003ak00000luKU1AAA")
    assert len(people(home)) == 2
    assert [name for name in ids(home) if name.startswith("salesforce")] == ["salesforce=003ak00000luKU1"]
    assert "003ak00000luKU1AAA; its last three characters do not fit" in caplog.text


def test_two_customers_become_one_when_a_source_names_an_id_of_each(home: Harness) -> None:
    tell(home, email="ann@example.com", name="Ann")
    home.ticket_event("ticket_created", "1", requester_id="8055")
    home.settle()
    assert len(people(home)) == 2
    tell(home, email="ann@example.com", zendesk_user_id=8055)
    [person] = people(home)
    assert set(ids(home).values()) == {person.id}
    for table in (tables.events, tables.responses):
        assert {row.customer_id for row in home.rows(table)} == {person.id}
    assert person.name == "Ann"


def test_ids_that_contradict_are_kept_apart_and_shown_to_people(home: Harness) -> None:
    tell(home, email="ann@example.com", zendesk_user_id=1)
    tell(home, email="bo@example.com", zendesk_user_id=2)
    before = ids(home)
    tell(home, email="bo@example.com", zendesk_user_id=1)
    assert len(people(home)) == 2
    assert ids(home) == before
    conflict = home.one(tables.identity_conflicts)
    assert conflict.kept == before["zendesk=1"]
    assert conflict.others == [before["zendesk=2"]]
    assert (
        home.rows(tables.events)[-1].customer_id == before["zendesk=1"]
    )  # an id is stronger than an address
    assert conflict.event_id == home.rows(tables.events)[-1].id


def test_a_conflict_never_gives_one_customers_address_to_the_other(home: Harness) -> None:
    """Else a survey of Ann's would be mailed to Bo."""
    tell(home, email="ann@example.com", zendesk_user_id=1)
    tell(home, email="bo@example.com", zendesk_user_id=2)
    tell(home, email="bo@example.com", zendesk_user_id=1)
    assert sorted(person.email for person in people(home)) == ["ann@example.com", "bo@example.com"]


def test_a_person_of_two_helpdesk_users_under_one_address_is_not_merged_with_itself(home: Harness) -> None:
    tell(home, email="ann@example.com", zendesk_user_id=1)
    tell(home, email="ann@example.com", zendesk_user_id=2)
    assert len(people(home)) == 1
    tell(home, zendesk_user_id=2)
    assert len(people(home)) == 1


def test_later_details_complete_earlier_ones_and_silence_removes_nothing(home: Harness) -> None:
    tell(home, email="ann@example.com", name="Ann", phone="+31201234567", tier="gold")
    tell(home, email="ann@example.com", name=None, locale="nl", city="Utrecht")
    [person] = people(home)
    assert (person.name, person.phone, person.locale) == ("Ann", "+31201234567", "nl")
    assert person.facts == {"tier": "gold", "city": "Utrecht"}


def test_nobody_outside_can_name_our_own_ids(home: Harness) -> None:
    tell(home, email="ann@example.com")
    [ann] = people(home)
    tell(home, id=ann.id, ringback=ann.id, name="Mallory", email="mallory@example.com")
    assert sorted(person.email for person in people(home)) == ["ann@example.com", "mallory@example.com"]


def test_an_event_about_nobody_has_no_customer(home: Harness) -> None:
    home.deliver({"type": "order.delivered", "id": "1", "data": {"order": 7}})
    tell(home)
    assert people(home) == []
    assert {row.customer_id for row in home.rows(tables.events)} == {None}


def test_an_opt_out_of_one_of_two_records_holds_for_the_one_they_become(home: Harness) -> None:
    home.deliver(
        {"type": "customer.opted_out", "id": "1", "data": {"customer": {"email": "ann@example.com"}}}
    )
    home.ticket_event("ticket_created", "1", requester_id="8055")
    home.settle()
    tell(home, email="ann@example.com", zendesk_user_id=8055)
    [person] = people(home)
    assert person.opted_out_at is not None


@pytest.mark.services
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_workers_that_meet_a_new_person_at_the_same_moment_make_one_customer(
    home: Harness, database_url: str
) -> None:
    with a_second_house(home, database_url) as other, Racers() as racers:
        for number in range(30):
            racers.race(partial(_meet, home, number), partial(_meet, other, number))
    assert len(people(home)) == 30


def _meet(home: Harness, number: int) -> None:
    home.deliver(answer(9, email=f"p{number}@example.com"))
    home.pump("intake")


def test_at_a_merge_every_row_of_the_customer_goes_along(database: Database) -> None:
    with database.write() as tx:
        for who in ("kept", "gone"):
            _fill(tx, tables.customers, id=who)
        _fill(tx, tables.definitions, id="definition")
        for table in tables.OF_CUSTOMERS:
            _fill(tx, table, customer_id="gone")
        identity.merge(tx, "kept", "gone")
        owners = {table.name: set(tx.execute(select(table.c.customer_id)).scalars()) for table in tables.OF_CUSTOMERS}
        left = tx.execute(select(tables.customers.c.id)).scalars().all()
    assert owners == {name: {"kept"} for name, table in tables.metadata.tables.items() if "customer_id" in table.c}
    assert left == ["kept"]


def test_a_number_that_both_were_seen_with_is_kept_once(database: Database) -> None:
    with database.write() as tx:
        for who in ("kept", "gone"):
            _fill(tx, tables.customers, id=who)
            _fill(tx, tables.phones, number="+31201234567", customer_id=who)
        identity.merge(tx, "kept", "gone")
        assert tx.execute(select(tables.phones.c.customer_id)).scalars().all() == ["kept"]


def _fill(tx: Connection, table: Table, **told: str) -> None:
    """A row with what is told, and something wherever the table wants something."""
    wanted = [each for each in table.columns if not (each.nullable or each.autoincrement is True)]
    row = {each.name: _anything(each) for each in wanted}
    references = {each.name: "definition" for each in wanted if each.name == "definition_id"}
    tx.execute(insert(table).values({**row, **references, **told}))


def _anything(column: Column[Any]) -> Any:
    if isinstance(column.type, JSON):
        return {}
    return START if isinstance(column.type, tables.UtcDateTime) else column.type.python_type()
