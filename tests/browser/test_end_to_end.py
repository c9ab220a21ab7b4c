"""The whole loop, from a solved ticket to the score on the customer's records, in three set-ups.

Real processes, real databases and brokers, real mail over SMTP, and a real browser that answers the surveys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select, update

from connector.config.file import load_config
from connector.storage.schema.tables import (
    callbacks,
    consents,
    customers,
    deliveries,
    invitations,
    press_traces,
    responses,
    runs,
)
from sandbox.mailbox.store import StoredMail
from sandbox.world import World
from tests.browser.browser import new_context
from tests.support.installation import SALESFORCE_TOKEN, Installation, installed
from tests.support.processes import PATIENCE, until
from workflows import durations

ADDRESS = "ines@example.com"
WORDS = "Two visits, and the brakes {{still}} squeak <b>loudly</b>."
ACK = (
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    b"</notificationsResponse></soapenv:Body></soapenv:Envelope>"
)
_SLOTS = 30
"""Of two minutes each, in an hour: what is touched within one is one row."""

RECOVERY = [
    "Started by survey.answered.",
    "Asked for alert.send.",
    "alert.send is done.",
    "Asked for ticket.open.",
    "ticket.open is done.",
    "Waiting for callback.changed until then.",
    "callback.changed came.",  # the agent wrote on it
    "Waiting for callback.changed until then.",
    "callback.changed came.",  # and solved it
    "All steps are done.",
]
RETENTION = [
    "Started by ticket.solved.",
    "Waiting for callback.changed until then.",
    "callback.changed did not come in time.",
    "Skipped.",  # it was not reopened
    "Asked for callback.read.",
    "callback.read is done.",
    *["Skipped."] * 4,  # nothing is to be filled in, and it is solved still
    "Asked for survey.send.",
    "survey.send is done.",
    "All steps are done.",
]
SETUPS = [
    pytest.param("sqlite", None, id="sqlite-embedded"),
    pytest.param("postgresql", "redis_url", id="postgresql-redis", marks=pytest.mark.services),
    pytest.param("postgresql", "rabbitmq_url", id="postgresql-rabbitmq", marks=pytest.mark.services),
]
pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with new_context(browser) as context:
        yield context.new_page()


@pytest.mark.parametrize(("empty_database_url", "broker"), SETUPS, indirect=["empty_database_url"])
def test_a_solved_ticket_ends_as_a_score_on_both_records(
    empty_database_url: str, broker: str | None, tmp_path: Path, page: Page, request: pytest.FixtureRequest
) -> None:
    broker_url = request.getfixturevalue(broker) if broker else "memory://"
    with installed(tmp_path, empty_database_url, broker_url) as ringback:
        loop = Loop(
            ringback, page, ringback.world.salesforce.add_contact("Smit", ADDRESS, FirstName="Ines")["Id"]
        )
        loop.a_solved_ticket_brings_an_invitation()
        loop.looking_at_every_link_records_nothing()
        loop.the_customer_reads_the_mail_an_hour_later()
        loop.the_customer_answers_in_the_browser()
        loop.the_team_hears_of_it()
        loop.one_callback_ticket_is_opened()
        loop.the_score_is_on_both_records(score=3, band="detractor", comment=WORDS)
        loop.the_solve_brings_one_retention_survey(cycle=1)
        loop.reopened_and_solved_again_it_asks_once_more()
        loop.a_second_bad_answer_goes_to_a_person()
        loop.solved_by_that_person_it_asks_nobody()
        loop.duplicates_change_nothing()
        loop.a_contact_changed_by_sales_arrives_and_our_own_write_does_not()
        loop.the_history_tells_it_all()


@dataclass
class Loop:
    """One customer's way round, station by station; each asserts what its name says."""

    ringback: Installation
    page: Page
    contact: str
    ticket: str = ""
    callback: int = 0
    answered: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    started: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    @property
    def world(self) -> World:
        return self.ringback.world

    def a_solved_ticket_brings_an_invitation(self) -> None:
        ticket = self.world.zendesk.write_in("Ines Smit", ADDRESS, "Squeaking brakes", "They squeak.")
        self.ticket = str(ticket["id"])
        self.world.zendesk.solve(ticket["id"], "New pads are in.")
        mail = self.mail(1)
        assert mail.subject == "How did Anna de Vries do?"
        assert mail.header("From") == "Acme <feedback@acme.example>"
        assert mail.header("To") == f"Ines Smit <{ADDRESS}>"
        assert mail.header("List-Unsubscribe") == f"<{self.link(mail).replace('/s/', '/u/')}>"
        assert mail.header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
        links = [f"{self.link(mail)}?score={score}" for score in range(11)]
        assert [line.split(": ")[1] for line in mail.text.splitlines() if "?score=" in line] == links
        assert re.findall(r'href="([^"]+\?score=\d+)"', mail.html) == links

    def looking_at_every_link_records_nothing(self) -> None:
        mail = self.mail(1)
        found = set(re.findall(rf"{self.ringback.url}/[^\s\"<>]+", mail.text + mail.html))
        assert len(found) == 14  # the page, eleven scores, the way out, and what no person sees
        for link in found:
            assert requests.get(link, timeout=30).status_code == 200
        self.ringback.settle()
        assert self.invitation(1).answers == {}
        assert self.invitation(1).answered_at is None
        assert [self.ringback.count(table) for table in (responses, consents)] == [0, 0]
        assert self.customer().opted_out_at is None

    def the_customer_reads_the_mail_an_hour_later(self) -> None:
        """Who answers within minutes of a scanner is asked "was this you?". The hour is put into what is stored of the
        mail: the clock of real processes is not a test's to move."""
        hour, mails, looks = timedelta(hours=1), invitations.c, press_traces.c
        with self.ringback.database.write() as tx:
            for row in tx.execute(select(mails.id, mails.sent_at)).all():
                tx.execute(update(invitations).where(mails.id == row.id).values(sent_at=row.sent_at - hour))
            for row in tx.execute(select(press_traces)).all():
                earlier = {"first_at": row.first_at - hour, "last_at": row.last_at - hour, "slot": row.slot - _SLOTS}
                tx.execute(update(press_traces).where(looks.id == row.id).values(**earlier))

    def the_customer_answers_in_the_browser(self) -> None:
        self.started = datetime.now(UTC)
        page = self.page
        page.goto(f"{self.link(self.mail(1))}?score=3")
        expect(page.get_by_text("You chose “3” in the e-mail.")).to_be_visible()
        expect(page.get_by_role("radio", name="3", exact=True)).to_be_checked()
        page.get_by_label("What went wrong?").fill(WORDS)
        page.get_by_role("group", name="May we contact you").get_by_role("radio", name="Yes, please").click()
        page.get_by_label("Phone").fill("+31 20 123 45 67")
        page.get_by_label("Preferred time").select_option("morning")
        page.get_by_role("button", name="Send my answer").click()
        expect(page.get_by_role("heading", name="Thank you for telling us")).to_be_visible()
        promise = r"We will call .{0,2}\+?\d+ •• •• 67.{0,2}, in the morning, before \w+ [\d:]+"
        expect(page.get_by_text(re.compile(promise))).to_be_visible()

    def the_team_hears_of_it(self) -> None:
        [alert] = until(lambda: self.world.mailbox.to("care@acme.example"), "the care team's mail")
        assert alert.subject == "Score 3 in after-support"
        link = f"{self.world.zendesk_url}/agent/tickets/{self.ticket}"
        assert alert.text.split() == f"Ines Smit gave 3: {WORDS} {link}".split()

    def one_callback_ticket_is_opened(self) -> None:
        ticket = until(lambda: next(iter(self.callbacks()), None), "the callback ticket")
        self.ringback.settle()
        assert len(self.callbacks()) == 1
        self.callback = ticket["id"]
        requester = self.world.zendesk.user(ticket["requester_id"])
        assert requester["email"] == ADDRESS
        [run] = self.ringback.runs("support-recovery")
        self.has_fields(ticket, subject="Call back Ines Smit", priority="high", type="task", status="new",
                        external_id=f"ringback-{run.id}-callback-1")  # fmt: skip
        assert sorted(ticket["tags"]) == ["callback", "ringback_callback", "ringback_detractor"]
        self.is_due_in_four_business_hours(ticket)
        self.tells_the_caller_all(self.world.zendesk.comments(ticket["id"]))
        assert self.world.zendesk.notices == []  # nothing of it was mailed to the customer

    @staticmethod
    def has_fields(record: Mapping[str, Any], **wanted: Any) -> None:
        assert {name: record[name] for name in wanted} == wanted

    def is_due_in_four_business_hours(self, ticket: Mapping[str, Any]) -> None:
        hours, calendar = durations.parse("4 business hours"), self.calendar()
        due = datetime.fromisoformat(ticket["due_at"])
        earliest = hours.after(self.started, calendar).replace(microsecond=0)
        assert earliest <= due <= hours.after(datetime.now(UTC), calendar)

    def calendar(self) -> Any:
        return load_config(self.ringback.folder / "ringback.yaml", environ={}).calendar

    def tells_the_caller_all(self, comments: list[dict[str, Any]]) -> None:
        [first] = comments
        assert first["public"] is False
        lines = first["plain_body"].replace("\u200b", "").splitlines()
        about = f"{self.ticket} {self.world.zendesk_url}/agent/tickets/{self.ticket}"
        for line in (
            "Score: 3 (nps, detractor)", "Survey: after-support", f"In the customer's words: {WORDS}",
            f"About ticket: {about}",
            "Customer: Ines Smit", "Phone: +31201234567", f"E-mail: {ADDRESS}", "Prefers: morning",
        ):  # fmt: skip
            assert line in lines, f"{line!r} is missing in {lines}"

    def the_score_is_on_both_records(self, score: int, band: str, comment: str) -> None:
        self.ringback.settle()
        contact = self.world.salesforce.contact(self.contact)
        self.answered = self.responses()[0].answered_at.replace(microsecond=0)
        self.has_fields(contact, NPS_Score__c=float(score), NPS_Band__c=band, NPS_Date__c=self.answered,
                        NPS_Comment__c=comment)  # fmt: skip
        fields = self.zendesk_user()["user_fields"]
        self.has_fields(fields, ringback_score=score, ringback_band=band)
        assert fields["ringback_answered_at"].startswith(self.answered.date().isoformat())
        assert fields["ringback_comment"].replace("\u200b", "") == comment

    def the_solve_brings_one_retention_survey(self, cycle: int) -> None:
        self.world.zendesk.solve(self.callback, "Called, new brakes ordered.")
        mail = self.mail(cycle + 1)
        assert mail.subject == "Is it solved to your satisfaction?"
        assert "List-Unsubscribe" in dict(mail.headers)
        self.ringback.settle()
        self.has_mails(cycle + 1)
        invitation = self.invitation(cycle + 1)
        assert invitation.survey == "retention"
        assert invitation.about == self.responses()[0].id
        assert invitation.once == f"zendesk:{self.callback}/{cycle}"

    def a_second_bad_answer_goes_to_a_person(self) -> None:
        self.choose_smiley(3, "Dissatisfied", "What is still not right?", "Still waiting.")
        expect(self.page.get_by_role("heading", name="Thank you for being honest")).to_be_visible()
        [alert] = until(lambda: self.world.mailbox.to("lead@acme.example"), "the care lead's mail")
        assert alert.subject == "Still unhappy after the callback"
        link = f"{self.world.zendesk_url}/agent/tickets/{self.callback}"
        assert alert.text.split() == f"Ines Smit gave 2 to the solution: Still waiting. {link}".split()
        self.ringback.settle()
        assert self.world.zendesk.ticket(self.callback)["status"] == "open"
        word = self.world.zendesk.comments(self.callback)[-1]
        assert word["public"] is False
        assert word["plain_body"].startswith("The customer gave 2 to the solution: Still waiting.")
        assert len(self.callbacks()) == 1  # it never starts the loop again
        self.satisfaction_is(2)

    def reopened_and_solved_again_it_asks_once_more(self) -> None:
        self.world.zendesk.reopen(self.callback)
        until(lambda: self.callback_status() == "reopened", "the reopening, before the next solve")
        self.the_solve_brings_one_retention_survey(cycle=2)

    def solved_by_that_person_it_asks_nobody(self) -> None:
        self.world.zendesk.solve(self.callback, "Called again, and sent a mechanic.")
        self.ringback.settle()
        self.has_mails(3)
        assert [row.about for row in self.responses()] == [None, self.responses()[0].id]
        assert len(self.world.mailbox.to("lead@acme.example")) == 1

    def choose_smiley(self, number: int, face: str, ask: str, words: str) -> None:
        """Answer the retention survey that is the customer's mail of this number."""
        page = self.page
        page.goto(self.link(self.mail(number)))
        page.get_by_role("radio", name=face, exact=True).click()
        page.get_by_label(ask).fill(words)
        page.get_by_role("button", name="Send my answer").click()

    def satisfaction_is(self, score: int) -> None:
        """On both records; and the first answer's score beside it is untouched."""
        self.has_fields(
            self.world.salesforce.contact(self.contact), CSAT_Score__c=float(score), NPS_Score__c=3.0
        )
        self.has_fields(self.zendesk_user()["user_fields"], csat_score=score, ringback_score=3)

    def duplicates_change_nothing(self) -> None:
        """Every delivery once more: the same attempt again, and the same event as a new one."""
        before, zendesk = self.figures(), self.world.zendesk
        for delivery in [each for each in zendesk.deliveries if each.status == 200]:
            zendesk.redeliver(delivery)
            with zendesk.desk.state.lock:
                webhook = zendesk.desk.webhooks.get(delivery.webhook)
                zendesk.desk.webhooks.send(webhook, delivery.body.encode())
        self.ringback.settle()
        after = self.figures()
        assert after["events"][len(before["events"]) :] == []
        assert after == before
        assert {each.status for each in zendesk.deliveries} == {200}

    def figures(self) -> dict[str, Any]:
        """How much there is of everything that a customer or a colleague would notice."""
        world, count = self.world, self.ringback.count
        return {
            "events": self.ringback.told(),
            "rows": [count(table) for table in (runs, responses, invitations)],
            "mails": len(world.mailbox.mails),
            "comments": {each["id"]: len(world.zendesk.comments(each["id"])) for each in world.zendesk.tickets},
            "writes": len(world.salesforce.writes),
        }

    def a_contact_changed_by_sales_arrives_and_our_own_write_does_not(self) -> None:
        salesforce = self.world.salesforce
        # One, of the contact's creation: a well set up integration user's writes send none.
        assert [each.status for each in salesforce.deliveries] == [200]
        salesforce.change_contact(self.contact, Title="Baker")
        self.ringback.settle()
        delivery = salesforce.deliveries[1]
        assert (delivery.status, delivery.acknowledged) == (200, True)
        assert [event.subject for event in self.ringback.events("contact.changed")] == [self.contact] * 2
        assert self.acknowledged(delivery.body) == ACK
        echo = delivery.body.replace(
            self.by(salesforce.sales_username), self.by(salesforce.integration_username)
        )
        echo = re.sub(r"<Id>04l\w+</Id>", "<Id>04lak0000000999AAA</Id>", echo)
        assert self.acknowledged(echo) == ACK
        self.ringback.settle()
        assert len(self.ringback.events("contact.changed")) == 2
        assert self.last_delivery("salesforce") == ("ignored", "our own write")

    def by(self, username: str) -> str:
        user = next(each for name, each in self.world.salesforce.org.access.users.items() if name == username)
        return f"<sf:LastModifiedById>{user['id']}</sf:LastModifiedById>"

    def acknowledged(self, body: str) -> bytes:
        """What a message gets for an answer."""
        url = f"{self.ringback.url}/webhooks/salesforce/{SALESFORCE_TOKEN}"
        answer = requests.post(url, data=body.encode(), headers={"Content-Type": "text/xml"}, timeout=30)
        assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (200, "text/xml")
        return answer.content

    def last_delivery(self, connection: str) -> tuple[str, str]:
        with self.ringback.database.read() as tx:
            statement = select(deliveries).where(deliveries.c.connection == connection)
            row = tx.execute(statement.order_by(deliveries.c.id.desc()).limit(1)).one()
        return row.status, row.reason

    def the_history_tells_it_all(self) -> None:
        [recovery], retention = self.runs("support-recovery"), self.runs("retention-survey")
        assert self.decisions(recovery) == RECOVERY
        assert [self.decisions(run) for run in retention] == [RETENTION] * 2  # one per solve
        assert len(self.runs("score-writeback")) == 2  # one per answer
        assert len(self.runs("retention-answered")) == 1  # of the bad one
        assert self.runs("promoter-thanks") == []
        calls = [line["text"] for line in self.ringback.story(recovery) if line["kind"] == "effect"]
        assert "ticket.open on zendesk is done after 1 attempt" in calls

    def runs(self, workflow: str) -> list[str]:
        """Ids of a workflow's runs; all have succeeded."""
        found = self.ringback.runs(workflow)
        assert {run.status for run in found} <= {"succeeded"}
        return [run.id for run in found]

    def decisions(self, run_id: str) -> list[str]:
        """What a run decided, without the moments and the reasons."""
        told = [
            line["text"] for line in self.ringback.story(run_id) if line["kind"] not in ("effect", "wait")
        ]
        return [re.sub(r"(, because .*)?\.$", ".", re.sub(r"until [-:\d ]+ UTC", "until then", text)) for text in told]

    def mail(self, number: int) -> StoredMail:
        """The customer's mail of this number, from 1; waits for it."""
        found = self.world.mailbox.wait(ADDRESS, number, PATIENCE)
        assert len(found) >= number, f"only {[each.subject for each in found]} came"
        return found[number - 1]

    def has_mails(self, count: int) -> None:
        assert len(self.world.mailbox.to(ADDRESS)) == count

    def link(self, mail: StoredMail) -> str:
        """The survey page's address in a mail."""
        return re.search(rf"{self.ringback.url}/s/[\w-]{{22}}", mail.text)[0]  # type: ignore[index]  # else it fails, as it should

    def callbacks(self) -> list[dict[str, Any]]:
        return [each for each in self.world.zendesk.tickets if "ringback_callback" in each["tags"]]

    def callback_status(self) -> str:
        """As we know it."""
        with self.ringback.database.read() as tx:
            return str(tx.execute(select(callbacks.c.status)).scalar_one())

    def zendesk_user(self) -> dict[str, Any]:
        [user] = [each for each in self.world.zendesk.users if each["email"] == ADDRESS]
        return dict(user)

    def invitation(self, number: int) -> Any:
        return self.rows(invitations, invitations.c.id)[number - 1]

    def responses(self) -> list[Any]:
        return self.rows(responses, responses.c.received_at)

    def customer(self) -> Any:
        [row] = self.rows(customers, customers.c.id)
        return row

    def rows(self, table: Any, order: Any) -> list[Any]:
        with self.ringback.database.read() as tx:
            return list(tx.execute(select(table).order_by(order)))
