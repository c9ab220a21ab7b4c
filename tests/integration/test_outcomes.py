"""The closed loop as one workflow runs it, end to end: answer, alert, ticket, solve, survey, score."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.storage.schema import tables
from tests.support.house import ZENDESK_SECRET, Harness, a_home, answer
from tests.support.house_workflows import SUPPORT_RECOVERY


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, support_recovery=SUPPORT_RECOVERY) as home:
        home.world.salesforce.add_contact("Jansen", "ann@example.com", FirstName="Ann")
        yield home


def test_a_detractor_with_consent_is_called_back_asked_again_and_written_on_the_contact(home: Harness) -> None:
    with home.on_the_network() as url:
        home.world.zendesk.subscribe(
            f"{url}/webhooks/zendesk", "ticket.status_changed", secret=ZENDESK_SECRET
        )
        assert home.deliver(answer(3)) == 200
        home.settle()
        [alert] = home.mails("care@acme.example")
        assert alert.text.strip() == "Ann Jansen gave 3: Waited a week."
        [ticket] = home.world.zendesk.tickets
        home.world.zendesk.solve(ticket["id"], "Called; all well")
        assert home.world.zendesk.settle()
        home.settle()
    assert home.mails("ann@example.com") == []  # not before the hour is over
    home.wait(minutes=59)
    assert home.mails("ann@example.com") == []
    home.wait(minutes=1)
    [mail] = home.mails("ann@example.com")
    assert mail.subject == "Is it solved to your satisfaction?"
    [contact] = home.world.salesforce.contacts
    assert (contact["NPS_Score__c"], contact["NPS_Band__c"]) == (3.0, "detractor")
    assert contact["NPS_Comment__c"] == "Waited a week."
    assert home.run().status == "succeeded"
    assert home.one(tables.invitations).about == home.one(tables.responses).id


def test_the_callback_ticket_holds_what_the_caller_needs_and_mails_nobody(home: Harness) -> None:
    home.deliver(answer(3, contact={"phone": "+31201234567", "window": "mornings"}))
    home.settle()
    [ticket] = home.world.zendesk.tickets
    assert ticket["subject"] == "Call back Ann Jansen"
    assert (ticket["priority"], ticket["type"]) == ("high", "task")
    assert ticket["due_at"] == "2026-03-02T13:00:00Z"  # 10:00 in Amsterdam, and four hours of work
    assert set(ticket["tags"]) == {"ringback_callback", "ringback_detractor"}
    assert home.world.zendesk.user(ticket["requester_id"])["email"] == "ann@example.com"
    [comment] = home.world.zendesk.comments(ticket["id"])
    assert comment["public"] is False
    assert home.world.zendesk.notices == []
    told = (
        "Score: 3 (nps, detractor)",
        "Waited a week.",
        "Phone: +31201234567",
        "Prefers: mornings",
        "How to call",
    )
    assert all(line in comment["body"] for line in told)
    assert home.one(tables.callbacks).external_id == ticket["external_id"]


def test_the_caller_sees_the_customers_earlier_answers(home: Harness) -> None:
    home.deliver(answer(9, comment="All fine.", response_id="first"))
    home.settle()
    home.clock.move(days=3)
    home.deliver(answer(2, response_id="second"))
    home.settle()
    [ticket] = home.world.zendesk.tickets
    [comment] = home.world.zendesk.comments(ticket["id"])
    assert "- 2026-03-02 after-support: 9 (promoter) All fine." in comment["body"]
    assert comment["body"].count("Waited a week.") == 1  # the answer itself is no earlier one


def test_words_of_a_customer_stay_words_in_the_ticket_and_in_the_alert(home: Harness) -> None:
    hostile = "{{ticket.requester.email}} <b>x</b> {% for a in b %}\r\nBcc: all@example.com"
    home.deliver(
        answer(0, comment=hostile, customer={"email": "ann@example.com", "name": "Ann\r\nBcc: x@y.example"})
    )
    home.settle()
    [ticket] = home.world.zendesk.tickets
    [comment] = home.world.zendesk.comments(ticket["id"])
    assert "{{ticket" not in comment["body"]  # Zendesk would expand it
    assert "ann@example.com <b>" not in comment["body"]
    [alert] = home.mails("care@acme.example")
    assert "Bcc" not in dict(alert.headers)
    assert "<b>x</b>" in alert.text
    assert home.mails("all@example.com") == home.mails("x@y.example") == []


def test_a_detractor_without_consent_gets_no_ticket_but_the_team_knows(home: Harness) -> None:
    home.deliver(answer(6, contact_consent=False))
    home.settle()
    assert home.world.zendesk.tickets == []
    assert len(home.mails("care@acme.example")) == 1
    assert home.world.salesforce.contacts[0]["NPS_Score__c"] == 6.0
    assert home.run().status == "succeeded"
    assert any("event.contact_consent is false" in line for line in home.story())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("score", "band"),
    [(0, "detractor"), (6, "detractor"), (7, "passive"), (8, "passive"), (9, "promoter"), (10, "promoter")],
)
def test_only_scores_up_to_six_start_the_recovery(home: Harness, score: int, band: str) -> None:
    starts = int(score <= 6)
    home.deliver(answer(score))
    home.settle()
    assert home.one(tables.responses).band == band
    assert len(home.runs()) == len(home.world.zendesk.tickets) == len(home.mails()) == starts
    [decision] = home.one(tables.events).decisions
    assert decision["starts"] is bool(starts)
    assert decision["why"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("score", [-1, 11, 3.5, "3", None])
def test_a_score_that_is_none_is_kept_and_shown_as_unreadable(home: Harness, score: object) -> None:
    assert home.deliver(answer(3) | {"data": {**answer(3)["data"], "score": score}}) == 200
    home.settle()
    delivery = home.one(tables.deliveries)
    assert delivery.status == "unreadable"
    assert "data.score" in delivery.reason
    assert home.runs() == home.rows(tables.responses) == []


def test_a_second_answer_while_the_first_is_followed_starts_no_second_loop(home: Harness) -> None:
    home.deliver(answer(3))
    home.settle()
    home.deliver(answer(2))
    home.settle()
    assert len(home.runs()) == len(home.world.zendesk.tickets) == 1
    assert len(home.rows(tables.responses)) == 2


def test_a_ticket_that_nobody_solves_in_a_week_is_escalated_and_the_score_is_written_all_the_same(
    home: Harness,
) -> None:
    home.deliver(answer(3))
    home.settle()
    home.wait(days=7)
    [ticket] = home.world.zendesk.tickets
    assert ticket["priority"] == "urgent"
    assert "ringback_escalated" in ticket["tags"]
    assert home.world.zendesk.comments(ticket["id"])[-1]["public"] is False
    assert home.mails("ann@example.com") == []
    assert home.world.salesforce.contacts[0]["NPS_Score__c"] == 3.0
    assert home.run().status == "succeeded"


def test_a_workflow_that_changes_keeps_its_old_version_for_runs_under_way(home: Harness) -> None:
    home.deliver(answer(3))
    home.settle()
    home.install(support_recovery=SUPPORT_RECOVERY.replace("Call back", "Ring"))
    home.deliver(answer(3, email="bo@example.com"))
    home.settle()
    assert [ticket["subject"] for ticket in home.world.zendesk.tickets] == [
        "Call back Ann Jansen",
        "Ring Ann Jansen",
    ]
    versions = {
        row.id: row.version for row in home.rows(tables.definitions, tables.definitions.c.kind == "workflow")
    }
    assert [versions[run.definition_id] for run in home.runs()] == [1, 2]
