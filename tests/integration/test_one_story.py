"""One customer's whole story, by a clock in the hand: asked, reminded, half answered, changed for the worse, called,
asked again, and heard by mail. One customer, one timeline, one count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connector.feedback.agent.timeline import Timeline
from connector.feedback.registry import TIMELINE_SOURCES
from connector.feedback.surveys import files
from connector.storage.schema import tables as t
from sandbox.clock import HandClock
from sandbox.world import World
from tests.integration.test_returned_mail import MAIL, came, envelope, reply
from tests.integration.test_survey_pages import DETRACTOR, form
from tests.support.callbacks import check_requests, library
from tests.support.house import Harness, a_house, config_of

ASK = """\
trigger: {event: order.delivered}
run: {key: event.order, mode: parallel}
steps:
  - {id: ask, do: survey.send, with: {survey: after-support, context: {order: "{{ event.order }}"}}}
"""
REMINDERS = """
reminders:
  - after: 4 days
    subject: {en: "Did you have a minute?", nl: "Had u een minuut?"}
    intro: {en: "A second try.", nl: "Een tweede poging."}
"""
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1"
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
EVENING = datetime(2026, 3, 2, 20, 30, tzinfo=AMSTERDAM)


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    clock = HandClock(EVENING.astimezone(UTC))
    with World(clock=clock) as world:
        config = config_of(world).replace("answers: {settle_after_send: 0}\n", "")
        config = re.sub("quiet_hours: none.*", 'quiet_hours: {from: "21:00", until: "08:00"}', config)
        config = config.replace('    sender: "Acme <feedback@acme.example>"\n', MAIL)
        names = ("support-recovery", "answer-changed", "score-writeback", "survey-reminders", "mail-answers",
                 "retention-survey", "retention-answered")  # fmt: skip
        built_in = files.built_in()
        surveys = {"after-support": built_in["after-support"] + REMINDERS, "retention": built_in["retention"]}
        flows = {"ask": ASK, **library(*names)}
        with a_house(database_url, world, flows, clock=clock, config=config, surveys=surveys) as found:
            yield found
            check_requests(found)


def pass_time(home: Harness, **span: float) -> None:
    """The jobs of the house come round while time goes by."""
    until = home.clock() + timedelta(**span)
    while home.clock() < until:
        home.clock.move(seconds=min(timedelta(minutes=30), until - home.clock()).total_seconds())
        home.run_job("settling")
        home.tick()


def given(fields: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in fields:
        found.setdefault(name, []).append(value)
    return found


def link(mail: Any) -> str:
    [token] = set(re.findall(r"/s/([\w-]{22})", mail.text))
    return f"/s/{token}"


def responses(home: Harness) -> list[tuple[str, int, int]]:
    return [(row.survey, row.score, row.revision) for row in home.rows(t.responses)]


def callbacks(home: Harness) -> list[Any]:
    return [each for each in home.world.zendesk.tickets if "ringback_callback" in each["tags"]]


def test_one_customer_one_timeline_one_count(home: Harness) -> None:
    home.know()
    home.world.salesforce.add_contact("Jansen", "ann@example.com", FirstName="Ann")

    # asked in the evening, before nine; reminded four days later, at an hour that is not quiet where she lives
    told = {"order": "4711", "customer": {"email": "ann@example.com", "phone": "+31612345678"}}
    home.deliver({"type": "order.delivered", "id": "o-1", "data": told})
    home.settle()
    assert len(home.mails("ann@example.com")) == 1
    pass_time(home, days=4, hours=2)
    first, reminder = home.mails("ann@example.com")
    assert (reminder.header("Subject"), link(reminder)) == ("Did you have a minute?", link(first))
    here = reminder.at.astimezone(AMSTERDAM)
    assert 8 <= here.hour < 21

    # on her phone: a score, and she puts it away without Send; half an hour later it counts, once
    page, phone = link(reminder), {"User-Agent": PHONE}
    pass_time(home, hours=14)
    assert home.client.get(page, headers=phone).status_code == 200
    tapped = home.client.post(f"{page}/answer", data=given(form(score="9")), headers=phone)
    assert (tapped.status_code, responses(home)) == (200, [])
    pass_time(home, minutes=29)
    assert responses(home) == []
    pass_time(home, minutes=31)
    assert responses(home) == [("after-support", 9, 1)]
    assert (callbacks(home), home.mails("care@acme.example")) == ([], [])

    # from the laptop she takes it back: recovery begins, once, with a ticket
    pass_time(home, hours=1)
    assert home.client.post(page, data=given(DETRACTOR)).status_code == 303
    pass_time(home, minutes=3)
    assert responses(home) == [("after-support", 3, 2)]
    [ticket] = callbacks(home)
    assert "Three weeks without an answer" in home.world.zendesk.comments(ticket["id"])[0]["body"]
    [contact] = home.world.salesforce.contacts
    assert contact["NPS_Score__c"] == 3

    # called and solved; an hour later the retention survey, which she answers well
    home.world.zendesk.solve(ticket["id"], "Called, and made it good.")
    home.ticket_event("ticket_solved", str(ticket["id"]), requester_id=str(ticket["requester_id"]))
    pass_time(home, days=1, hours=12)
    retention = home.mails("ann@example.com")[-1]
    assert link(retention) != page
    assert home.client.post(link(retention), data=given(form(score="5", comment="Thank you, Jan."))).status_code == 303
    pass_time(home, minutes=3)
    assert [each[:2] for each in responses(home)] == [("after-support", 3), ("retention", 5)]

    # and she answers the mail: a person of ours reads it, nobody writes back by himself
    mails = len(home.mails("ann@example.com"))
    came(home, reply("The new brakes are fine.", to=envelope(home), about=retention.header("Message-ID")))
    home.tick()
    assert "The new brakes are fine." in home.mails("care@acme.example")[-1].text
    assert len(home.mails("ann@example.com")) == mails

    # one customer, one timeline, one count
    customer = home.one(t.customers)
    assert {row.customer_id for row in home.rows(t.responses)} == {customer.id}
    assert (len(home.rows(t.invitations)), len(callbacks(home)), len(home.runs("support-recovery"))) == (2, 1, 1)
    with home.house.database.read() as tx:
        line = Timeline(TIMELINE_SOURCES).page(tx, customer.id, 50, None).items
    kinds = [each.kind for each in line]
    assert [kinds.count(kind) for kind in ("survey", "answer", "callback")] == [2, 2, 1]
    assert any("The new brakes are fine." in repr(each.details) for each in line)
