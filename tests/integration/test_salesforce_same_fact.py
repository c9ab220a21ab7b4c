"""The same fact in another standard field, and fields that an org hides from us: each by itself; unknown is no "no"."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from connector.storage.schema import tables
from integrations.errors import Permanent
from integrations.salesforce.seen_fields import ASK_AGAIN, SeenFields
from sandbox.clock import HandClock
from sandbox.world import World
from tests.integration.test_whole_writeback import WHOLE, on_sqlite, whole
from tests.oracles import field_path
from tests.support.house import Harness, a_house, answer
from tests.unit.test_translate_salesforce import message, record, the_event
from webhooks.delivery import Account
from workflows.library import library_texts

RECOVERY = library_texts()["support-recovery.yaml"]
RECOVERY = RECOVERY[RECOVERY.index("workflow:") :]
ASK = """
trigger: {event: case.closed}
steps: [{id: ask, do: survey.send, with: {survey: after-support}}]
"""
NUMBER = "06 12345678"


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    """A house whose Salesforce keeps everything."""
    clock = HandClock()
    with World(clock=clock) as world:
        world.salesforce.install_package()
        with a_house(database_url, world, {"score": WHOLE}, clock=clock, config=whole(world)) as home:
            yield home


def people_with(home: Harness, number: str) -> Any:
    [found] = client(home).people_by_phone([number])
    return found



def hide(home: Harness, *names: str) -> None:
    for name in names:
        home.world.salesforce.org.security.guard(name)


def client(home: Harness) -> Any:
    return home.house.connections.crm("salesforce")


def contact(home: Harness, **fields: Any) -> str:
    return str(home.world.salesforce.add_contact("Mobiel", "mies@example.com", FirstName="Mies", **fields)["Id"])


def lead(home: Harness, **fields: Any) -> str:
    told = {"LastName": "Mobiel", "Company": "Acme", "Email": "lea@example.com", **fields}
    return str(home.world.salesforce.add("Lead", **told)["Id"])


# --- phones


@pytest.mark.parametrize(
    ("fields", "phone"),
    [
        ({"MobilePhone": NUMBER}, NUMBER), ({"HomePhone": NUMBER}, NUMBER), ({"OtherPhone": NUMBER}, NUMBER),
        ({"Phone": "020 1234567", "MobilePhone": NUMBER}, NUMBER),
        ({"Phone": NUMBER, "HomePhone": "020 7654321"}, NUMBER),
        ({"HomePhone": NUMBER, "OtherPhone": "020 7654321"}, NUMBER), ({"AssistantPhone": NUMBER}, None),
    ],
)  # fmt: skip
@on_sqlite
def test_a_contact_is_known_by_the_first_number_there_is(
    home: Harness, fields: dict[str, str], phone: str | None
) -> None:
    person = contact(home, **fields)
    assert client(home).get_contact(person).phone == phone
    assert [each.phone for each in client(home).find_contacts("mies@example.com")] == [phone]
    assert [each.phone for each in people_with(home, "+31612345678")] == ([NUMBER] if phone else [])


@on_sqlite
def test_a_lead_is_found_by_its_mobile_number(home: Harness) -> None:
    lead(home, MobilePhone=NUMBER)
    assert [each.phone for each in people_with(home, "+31612345678")] == [NUMBER]


@pytest.mark.parametrize("hidden", [["MobilePhone"], ["HomePhone", "OtherPhone"], ["MobilePhone", "Phone"]])
@on_sqlite
def test_numbers_that_are_hidden_cost_only_themselves(home: Harness, hidden: list[str]) -> None:
    every = ("MobilePhone", "Phone", "HomePhone", "OtherPhone")
    person = contact(home, **dict.fromkeys(every, NUMBER))
    hide(home, *(f"Contact.{name}" for name in hidden))
    assert client(home).get_contact(person).phone == NUMBER
    assert [each.phone for each in client(home).find_contacts("mies@example.com")] == [NUMBER]
    assert len(people_with(home, "+31612345678")) == 1


@on_sqlite
def test_a_contact_without_any_number_that_we_may_see_is_found_by_address_all_the_same(home: Harness) -> None:
    contact(home, MobilePhone=NUMBER)
    hide(home, *(f"Contact.{name}" for name in ("MobilePhone", "Phone", "HomePhone", "OtherPhone")))
    assert [each.phone for each in client(home).find_contacts("mies@example.com")] == [None]
    assert list(people_with(home, "+31612345678")) == []


@on_sqlite
def test_the_callback_ticket_tells_the_mobile_number(home: Harness) -> None:
    """As people met it: the contact is looked up before the survey, and the answer gives no number."""
    home.install(after_support=ASK, support_recovery=RECOVERY)
    told = {name: value for name, value in _met().items() if name != "Id"}
    person = home.world.salesforce.add("Contact", **told)
    home.deliver({"type": "case.closed", "id": "c", "data": {"customer": {"salesforce_contact_id": person["Id"]}}})
    home.settle()
    assert [mail.to for mail in home.mails()] != []
    home.deliver(answer(2, customer={"email": "mies@example.com"}))
    home.settle()
    [ticket] = home.world.zendesk.tickets
    assert "+31612345678" in str(home.world.zendesk.comments(ticket["id"]))


def _met() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(field_path("contact-with-only-a-mobile-number.json").read_text())["inputs"]
    return dict(told["Contact"])


@pytest.mark.parametrize(
    ("kind", "fields", "phone", "email"),
    [
        ("Contact", {"HomePhone": "1", "OtherPhone": "2"}, "1", None),
        ("Contact", {"Phone": "0", "HomePhone": "1", "MobilePhone": "3"}, "3", None),
        ("Contact", {"AssistantPhone": "1"}, None, None),
        ("Case", {"SuppliedPhone": "1", "ContactPhone": "2", "ContactMobile": "3"}, "3", None),
        ("Account", {"PersonMobilePhone": "1", "Phone": "2", "PersonEmail": "p@example.com"}, "1", "p@example.com"),
        ("Account", {"PersonHomePhone": "1", "PersonOtherPhone": "2", "PersonContactId": "003000000000007"}, "1", None),
    ],
)
def test_messages_tell_the_same_facts_in_other_fields(
    kind: str, fields: dict[str, str], phone: str | None, email: str | None
) -> None:
    more = {"IsClosed": "true", "ContactId": "003000000000007"} if kind == "Case" else {}
    who = Account("salesforce", "salesforce", options={"events": {"Account": "account.changed"}})
    person = the_event(message(record(kind, **fields, **more)), who).person
    assert person is not None
    assert (person.phone, person.email) == (phone, email)
    assert kind == "Contact" or "PersonEmail" in fields or person.ids == {"salesforce": "003000000000007"}


def test_our_own_look_reads_them_too_and_whom_a_case_without_a_contact_is_about(home: Harness) -> None:
    home.run_job("poll salesforce for changes")
    home.clock.move(minutes=1)
    contact(home, OtherPhone=NUMBER)
    supplied = {"SuppliedEmail": "c@example.com", "SuppliedPhone": "020 1234567"}
    home.world.salesforce.add("Case", Subject="x", Status="Closed", **supplied)
    hide(home, "Contact.HomePhone", "Contact.HasOptedOutOfEmail", "Case.SuppliedName")
    home.clock.move(minutes=20)
    home.run_job("poll salesforce for changes")
    home.settle()
    known = {row.email: row.phone for row in home.rows(tables.customers)}
    assert known == {"mies@example.com": NUMBER, "c@example.com": "020 1234567"}


# --- consent


def known(home: Harness, email: str) -> Any:
    return home.one(tables.customers, tables.customers.c.email == email)


def tell(home: Harness, email: str, at: str = "2026-03-01T10:00:00Z") -> None:
    home.deliver(answer(3, email=email, answered_at=at))
    home.settle()
    home.wait(minutes=1)


def test_a_field_that_leads_hide_is_still_read_of_contacts(home: Harness) -> None:
    contact(home, DoNotCall=True, HasOptedOutOfEmail=True)
    lead(home)
    hide(home, "Lead.HasOptedOutOfEmail", "Lead.DoNotCall")
    tell(home, "lea@example.com")
    tell(home, "mies@example.com")
    seen = known(home, "mies@example.com")
    assert (seen.facts["do_not_call"], seen.opted_out_at is not None) == (True, True)
    assert "do_not_call" not in known(home, "lea@example.com").facts


@on_sqlite
def test_of_two_fields_the_one_that_is_not_hidden_is_still_read(home: Harness) -> None:
    contact(home, DoNotCall=True, HasOptedOutOfEmail=True)
    hide(home, "Contact.HasOptedOutOfEmail")
    tell(home, "mies@example.com")
    seen = known(home, "mies@example.com")
    assert (seen.facts["do_not_call"], seen.opted_out_at) == (True, None)


def test_what_is_hidden_later_neither_clears_nor_sets_what_is_known(home: Harness) -> None:
    contact(home, DoNotCall=True, HasOptedOutOfEmail=True)
    tell(home, "mies@example.com")
    hide(home, "Contact.HasOptedOutOfEmail", "Contact.DoNotCall")
    home.clock.move(days=2)
    tell(home, "mies@example.com", at="2026-03-04T10:00:00Z")
    seen = known(home, "mies@example.com")
    assert (seen.facts["do_not_call"], seen.opted_out_at is not None) == (True, True)


@on_sqlite
def test_a_helpdesk_that_knows_no_consent_clears_none(home: Harness) -> None:
    contact(home, DoNotCall=True)
    tell(home, "mies@example.com")
    user = home.know("mies2@example.com")
    pictures = home.house.connections.helpdesk("zendesk").pictures
    assert [(each.opted_out, each.do_not_call) for each in pictures.people([user])] == [(None, None)]
    assert known(home, "mies@example.com").facts["do_not_call"] is True


def test_a_hidden_field_is_asked_for_again_after_an_hour() -> None:
    asked: list[list[str]] = []
    seconds = [0.0]
    seen = SeenFields(lambda: seconds[0])

    def select(names: Any) -> str:
        asked.append(list(names))
        if "B" in names and seconds[0] < 10:
            error = Permanent("hidden", code="INVALID_FIELD")
            error.fields = ("b",)
            raise error
        return "rows"

    assert [seen.ask("Contact", ("A", "B"), select), seen.ask("Contact", ("A", "B"), select)] == ["rows", "rows"]
    assert asked == [["A", "B"], ["A"], ["A"]]
    seconds[0] = ASK_AGAIN + 1
    seen.ask("Contact", ("A", "B"), select)
    assert asked[-1] == ["A", "B"]
