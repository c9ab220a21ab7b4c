"""The same choice of a country everywhere: on tickets, in the queue of calls, on the page, among people, in the CRM."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import update

from connector.storage.schema import tables
from sandbox.clock import HandClock
from sandbox.world import World
from tests.support.house import Harness, a_home, a_house, answer, config_of
from tests.support.house_workflows import OPEN_A_TICKET, WRITE_THE_SCORE
from tests.survey_site import BROWSER, Site, survey_site

QUEUE = """\
trigger: {event: survey.answered}
steps:
  - {id: call, do: call.request, with: {connection: zendesk, line: LINE}}
"""
BELGIAN = "brands: {acme: {title: Acme, country: BE}}\n"


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, tickets=OPEN_A_TICKET) as home:
        yield home


def tell(home: Harness, number: int, **customer: Any) -> None:
    known = {"email": f"p{number}@example.com", "name": f"Person {number}"}
    home.deliver(answer(3, response_id=f"p-{number}", customer={**known, **customer}))
    home.settle()


def told(home: Harness) -> str:
    """The first comment of the newest ticket."""
    ticket = home.world.zendesk.tickets[-1]
    return str(home.world.zendesk.comments(ticket["id"])[0]["body"])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_ticket_tells_the_number_where_it_is_in_use(home: Harness) -> None:
    calls = [
        ("06 12345678", "en-US", "+31612345678"), ("06 12345678", "en-GB", "+31612345678"),
        ("06 12345678", "nl-BE", "+31612345678"), ("0031 6 12345678", "en-US", "+31612345678"),
        ("0475 12 34 56", "nl-BE", "+32475123456"), ("020 7946 0018", "en-GB", "+442079460018"),
        ("06 12345678", "nl", "+31612345678"),
    ]  # fmt: skip
    for number, (phone, locale, seen) in enumerate(calls):
        tell(home, number, phone=phone, locale=locale)
        assert f"Phone: {seen}" in told(home), (phone, locale)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_cannot_be_dialled_is_told_as_given_and_not_queued(home: Harness) -> None:
    line = home.world.zendesk.desk.add_line("+31201234567")
    home.install(queue=QUEUE.replace("LINE", f'"{line}"'))
    wrong = ("06-1234567", "06 12 34 56 7O", "06123456789", "12345", "0000000000", "1234567890")
    for number, phone in enumerate(wrong):
        tell(home, number, phone=phone)
        assert f"Phone as given, which we cannot read as a number: {phone}" in told(home)
    assert home.world.zendesk.desk.state.calls == []
    tell(home, 9, phone="020 1234567 tst. 12")
    assert "Phone: +31201234567 ext. 12" in told(home)
    assert [each["requester_phone_number"] for each in home.world.zendesk.desk.state.calls] == ["+31201234567"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_house_is_where_its_only_brand_is(database_url: str) -> None:
    clock = HandClock()
    with World(clock=clock) as world:
        config = config_of(world) + BELGIAN
        with a_house(database_url, world, {"tickets": OPEN_A_TICKET}, clock=clock, config=config) as home:
            tell(home, 1, phone="0475 12 34 56", locale="en-US")
            assert "Phone: +32475123456" in told(home)


def test_people_are_told_apart_by_the_number_where_it_is_in_use(home: Harness) -> None:
    for number, locale in enumerate(("en-US", "nl-BE", "")):
        tell(home, number, email=None, zendesk_user_id=number or None, name="Jan de Vries", phone="06 12345678",
             locale=locale)  # fmt: skip
    assert {row.number for row in home.rows(tables.phones)} == {"+31612345678"}


@pytest.mark.parametrize("written", ["06 12345678", "0475 12 34 56"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_contact_is_found_by_a_number_written_as_at_home(home: Harness, written: str) -> None:
    home.install(score=WRITE_THE_SCORE)
    record = home.world.salesforce.add_contact("de Vries", None, FirstName="Jan", MobilePhone=written)["Id"]
    tell(home, 1, name="Jan de Vries", phone=written, locale="nl-BE")
    home.wait(minutes=1)
    assert home.world.salesforce.contact(record)["NPS_Score__c"] == 3


# --- the survey page -------------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with survey_site(tmp_path) as found:
        yield found


def give(site: Site, phone: str) -> requests.Response:
    fields = [("shown", "score"), ("q.score", "3"), ("shown", "reason"), ("q.reason", "late"),
              ("shown", "contact_consent"), ("q.contact_consent", "yes"), ("shown", "contact"),
              ("q.contact.phone", phone), ("shown", "improvements")]  # fmt: skip
    return requests.post(f"{site.url}/s/{site.invite()}", data=fields, timeout=10, headers=BROWSER)


@pytest.mark.parametrize("phone", [
    "06-1234567", "06 12 34 56 7O", "06123456789", "12345", "0000000000", "1234567890", "06 12345678 na 18 uur",
])
def test_a_number_that_nobody_can_call_is_refused_while_the_person_is_there(site: Site, phone: str) -> None:
    page = give(site, phone)
    assert page.status_code == 422
    assert "This is no phone number we can call." in page.text
    assert site.events() == []


@pytest.mark.parametrize(("phone", "locale", "kept"), [
    ("0475 12 34 56", "nl-BE", "+32475123456"), ("06 12345678", "en-US", "+31612345678"),
    ("020 1234567 tst. 12", "nl", "+31201234567 ext. 12"),
])
def test_the_page_knows_where_a_person_may_be_from(site: Site, phone: str, locale: str, kept: str) -> None:
    with site.database.write() as tx:
        tx.execute(update(tables.customers).values(locale=locale))
    assert give(site, phone).status_code == 200
    [event] = site.events()
    assert event["data"]["contact"]["phone"] == kept
