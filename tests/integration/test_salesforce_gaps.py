"""Messages of Salesforce that never came: found by asking, told once, and what is gone is followed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.storage.schema import tables
from connector.vendors.salesforce.change_polling import looks_of
from sandbox.faults import Fault
from tests.support.house import SALESFORCE_TOKEN, Harness, a_home, answer
from workflows.library import library_texts

AFTER_MERGE = library_texts()["score-after-merge.yaml"]
AFTER_MERGE = AFTER_MERGE[AFTER_MERGE.index("workflow:") :]
SCORES = "trigger: {event: survey.answered}\nsteps: [{id: w, do: score.write, with: {connection: salesforce}}]\n"


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, score_after_merge=AFTER_MERGE, scores=SCORES) as home:
        home.house.own_users.learn()
        home.run_job("poll salesforce for changes")  # the first look only says where to begin
        yield home


def look(home: Harness, **span: float) -> None:
    home.clock.move(**(span or {"minutes": 20}))
    home.run_job("poll salesforce for changes")
    home.settle()


def events(home: Harness, prefix: str = "") -> list[str]:
    return [row.type for row in home.rows(tables.events) if row.type.startswith(prefix)]


def calls(home: Harness, part: str) -> int:
    return sum(part in request.path for request in home.world.salesforce.requests)


def add(home: Harness, name: str = "Jansen", **fields: Any) -> dict[str, Any]:
    home.clock.move(minutes=1)
    return home.world.salesforce.add_contact(name, **{"email": "ann@example.com", **fields})


def test_a_change_that_no_message_told_is_found_and_told_once(home: Harness) -> None:
    contact = add(home)
    look(home)
    look(home)
    look(home)
    assert events(home) == ["contact.changed"]
    assert home.one(tables.customers).email == "ann@example.com"
    assert home.rows(tables.events)[0].subject == contact["Id"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_do_not_call_is_found_too_and_an_org_that_hides_it_is_looked_at_all_the_same(home: Harness) -> None:
    contact = add(home, DoNotCall=True)
    look(home)
    assert home.one(tables.customers).facts["do_not_call"] is True
    home.world.salesforce.org.security.guard("Contact.DoNotCall")
    home.world.salesforce.change_contact(contact["Id"], Phone="020 1234567")
    look(home)
    assert home.one(tables.customers).phone == "020 1234567"


def test_what_a_message_told_is_not_told_again(home: Harness) -> None:
    with home.on_the_network() as url:
        home.world.salesforce.outbound.endpoint = f"{url}/webhooks/salesforce/{SALESFORCE_TOKEN}"
        add(home)
        case = home.world.salesforce.add("Case", Subject="x")
        home.world.salesforce.change("Case", case["Id"], Status="Closed")
        assert home.world.salesforce.settle()
        home.settle()
    assert sorted(events(home)) == ["case.closed", "contact.changed"]
    look(home)
    assert sorted(events(home)) == ["case.closed", "contact.changed"]


def test_our_own_writes_are_no_news(home: Harness) -> None:
    contact = add(home)
    look(home)
    home.deliver(answer(9, customer={"salesforce_contact_id": contact["Id"], "email": "ann@example.com"}))
    home.settle()
    assert home.world.salesforce.contact(contact["Id"])["NPS_Score__c"] == 9
    look(home)
    assert events(home, "contact.") == ["contact.changed"]


def test_a_case_closed_long_ago_is_no_news_when_somebody_edits_it(home: Harness) -> None:
    case = home.world.salesforce.add("Case", Subject="x", Status="Closed")
    home.clock.move(days=2)
    home.run_job("poll salesforce for changes")
    home.settle()
    home.clock.move(minutes=5)
    home.world.salesforce.change("Case", case["Id"], Subject="y")
    look(home)
    assert events(home, "case.").count("case.closed") <= 1


def test_a_callback_case_whose_closing_no_message_told_is_solved_all_the_same(home: Harness) -> None:
    home.clock.move(minutes=1)
    case = home.world.salesforce.add("Case", Subject="x", Ringback_Key__c="ringback-1")
    home.clock.move(minutes=1)
    home.world.salesforce.change("Case", case["Id"], Status="Closed")
    look(home)
    assert events(home) == ["case.closed", "ticket.solved"]
    home.world.salesforce.delete("Case", case["Id"])
    look(home)
    assert events(home, "ticket.") == ["ticket.solved", "ticket.deleted"]


def test_an_org_without_our_fields_on_cases_is_looked_at_without_them(home: Harness) -> None:
    home.clock.move(minutes=1)
    for name in ("Ringback_Key__c", "Ringback_Tags__c"):
        home.world.salesforce.org.records.remove_field("Case", name)
    home.world.salesforce.add("Case", Subject="x", Status="Closed")
    look(home)
    assert events(home) == ["case.closed"]


def test_looks_are_as_seldom_as_the_settings_say_and_cost_few_calls(home: Harness) -> None:
    before = calls(home, "/updated")
    for _ in range(10):
        look(home, minutes=1)
    assert calls(home, "/updated") == before
    look(home, minutes=10)
    assert calls(home, "/updated") - before == 2  # Contact and Case


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_many_changes_are_read_in_few_calls(home: Harness) -> None:
    home.clock.move(minutes=1)
    for number in range(450):
        home.world.salesforce.add_contact("x", f"p{number}@example.com")
    before = calls(home, "/query")
    look(home)
    assert calls(home, "/query") - before == 3
    assert len(home.rows(tables.customers)) == 450
    assert len(home.rows(tables.deliveries)) == 1


def test_a_look_that_fails_is_done_again_from_the_same_place(home: Harness) -> None:
    add(home)
    home.world.salesforce.faults.add(Fault(path="/query", status=503))
    look(home)
    assert events(home) == []
    look(home)
    assert events(home) == ["contact.changed"]


def test_a_paused_connection_is_left_alone_and_caught_up_with_later(home: Harness) -> None:
    home.house.switches.pause("salesforce", "Ada", "moving house")
    add(home)
    before = len(home.world.salesforce.requests)
    look(home, days=3)
    assert len(home.world.salesforce.requests) == before
    home.house.switches.resume("salesforce")
    look(home)
    assert events(home) == ["contact.changed"]


def test_a_deleted_contact_is_no_longer_the_customers_record(home: Harness) -> None:
    contact = add(home)
    look(home)
    home.clock.move(minutes=1)
    home.world.salesforce.delete_contact(contact["Id"])
    look(home)
    assert events(home) == ["contact.changed", "contact.deleted"]
    home.deliver(answer(9))
    home.settle()
    assert home.world.salesforce.writes_of(contact["Id"])[-1].fields == {"IsDeleted": True}
    assert len(home.rows(tables.customers)) == 1
    assert "no record with this e-mail address" in " ".join(home.story())


def test_the_deletion_of_a_stranger_makes_no_customer(home: Harness) -> None:
    contact = add(home)
    home.world.salesforce.delete_contact(contact["Id"])
    look(home)
    assert home.rows(tables.customers) == []


def test_a_score_follows_its_customer_onto_the_contact_that_stays(home: Harness) -> None:
    loser, winner = add(home), add(home, "Jansen-Vos", email="ann.vos@example.com")
    look(home)
    home.deliver(answer(9, customer={"salesforce_contact_id": loser["Id"], "email": "ann@example.com"}))
    home.settle()
    home.clock.move(minutes=1)
    home.world.salesforce.delete_contact(loser["Id"], master=winner["Id"])
    look(home)
    [ann] = home.rows(tables.customers)
    assert {row.customer_id for row in home.rows(tables.responses)} == {ann.id}
    assert home.world.salesforce.contact(winner["Id"])["NPS_Score__c"] == 9
    [merged] = [row for row in home.rows(tables.events) if row.type == "contact.merged"]
    assert (merged.data["into"], merged.customer_id) == (winner["Id"], ann.id)


def test_an_older_score_does_not_overwrite_that_of_the_contact_that_stays(home: Harness) -> None:
    loser, winner = add(home), add(home, "Jansen-Vos", email="ann.vos@example.com")
    look(home)
    for contact, score in ((loser, 2), (winner, 10)):
        home.deliver(answer(score, customer={"salesforce_contact_id": contact["Id"]}))
        home.settle()
        home.clock.move(minutes=1)
    home.world.salesforce.delete_contact(loser["Id"], master=winner["Id"])
    look(home)
    assert home.world.salesforce.contact(winner["Id"])["NPS_Score__c"] == 10
    assert len(home.rows(tables.customers)) == 1


def test_a_merge_that_another_system_contradicts_is_put_before_a_person(home: Harness) -> None:
    loser, winner = add(home), add(home, "Vos", email="vos@example.com")
    for contact, user in ((loser, 1), (winner, 2)):
        home.deliver(answer(9, customer={"salesforce_contact_id": contact["Id"], "zendesk_user_id": user}))
    home.settle()
    home.clock.move(minutes=1)
    home.world.salesforce.delete_contact(loser["Id"], master=winner["Id"])
    look(home)
    assert len(home.rows(tables.customers)) == 2
    assert home.one(tables.identity_conflicts).status == "open"


def test_a_restored_contact_is_the_customers_record_again(home: Harness) -> None:
    contact = add(home)
    look(home)
    home.clock.move(minutes=1)
    home.world.salesforce.delete_contact(contact["Id"])
    look(home)
    assert home.one(tables.identities, tables.identities.c.system == "salesforce").gone_at is not None
    home.clock.move(minutes=1)
    home.world.salesforce.restore("Contact", contact["Id"])
    look(home)
    assert home.one(tables.identities, tables.identities.c.system == "salesforce").gone_at is None


def test_a_connection_may_say_what_is_looked_at_and_how_often() -> None:
    events = {"IO__Order__c": {"type": "order.delivered", "when": {"IO__Status__c": "Delivered"}}}
    looks = looks_of("salesforce", {"gaps": {"every_minutes": 60}, "events": events})
    assert looks is not None
    assert list(looks.fields) == ["Contact", "Case", "IO__Order__c"]
    assert "IO__Status__c" in looks.fields["IO__Order__c"]
    assert looks_of("salesforce", {"gaps": False}) is None
