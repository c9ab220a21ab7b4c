"""Salesforce without a helpdesk beside it: callbacks are cases, and sales hears of its unhappy accounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.storage.schema import tables
from integrations.errors import Permanent
from integrations.protocols import Helpdesk, Sales
from sandbox.clock import HandClock
from sandbox.faults import Effect, Fault
from sandbox.world import World
from tests.support.house import SALESFORCE_TOKEN, Harness, a_home, a_house, answer, config_of
from workflows.library import library_texts

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what is Salesforce's side alone."""

LIBRARY = {
    name.removesuffix(".yaml").replace("-", "_"): text[text.index("workflow:") :]
    for name, text in library_texts().items()
}
RECOVERY = LIBRARY["support_recovery"].replace("connection: zendesk", "connection: salesforce")
RETENTION, OWNER = LIBRARY["retention_survey"], LIBRARY["account_owner_alert"]


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, support_recovery=RECOVERY, retention_survey=RETENTION, account_owner_alert=OWNER) as home:
        yield home


@pytest.fixture
def ann(home: Harness) -> dict[str, Any]:
    """A contact of a large account."""
    account = home.world.salesforce.add_account("Acme", AnnualRevenue=250_000)
    return home.world.salesforce.add_contact("Jansen", "ann@example.com", FirstName="Ann", AccountId=account["Id"])


@pytest.fixture
def helpdesk(home: Harness) -> Helpdesk:
    return home.house.connections.helpdesk("salesforce")


def unhappy(home: Harness, contact: dict[str, Any] | None = None, /, **data: Any) -> None:
    customer = {"email": "ann@example.com", "name": "Ann Jansen"}
    known = {"salesforce_contact_id": contact["Id"]} if contact else {}
    home.deliver(answer(3, customer=customer | known, **data))
    home.settle()


def the_case(home: Harness) -> dict[str, Any]:
    [case] = home.world.salesforce.all("Case")
    return case


def told(home: Harness) -> None:
    """Salesforce sends what it has to tell."""
    assert home.world.salesforce.settle()
    home.settle()


# --- the loop, on Salesforce alone


@on_sqlite
def test_the_same_recovery_runs_on_cases_from_the_bad_answer_to_the_retention_survey(
    home: Harness, ann: dict[str, Any]
) -> None:
    home.house.own_users.learn()
    with home.on_the_network() as url:
        home.world.salesforce.outbound.endpoint = f"{url}/webhooks/salesforce/{SALESFORCE_TOKEN}"
        unhappy(home, ann)
        case = the_case(home)
        assert (case["ContactId"], case["Priority"], case["Status"]) == (ann["Id"], "High", "New")
        assert "Waited a week." in case["Description"]
        assert case["Ringback_Tags__c"].startswith("ringback_callback")
        assert home.one(tables.callbacks).ticket_id == case["Id"][:15]

        home.world.salesforce.change("Case", case["Id"], Status="Closed")
        told(home)
        assert home.one(tables.callbacks).cycle == 1
        home.wait(hours=2)
        [invited] = home.mails("ann@example.com")
        assert "s/" in invited.text

        home.world.salesforce.change("Case", case["Id"], Status="Working")
        told(home)
        assert [row.type for row in home.rows(tables.events) if row.type.startswith("ticket.")] == [
            "ticket.solved", "ticket.first_contact", "ticket.reopened"]  # fmt: skip


def test_a_case_that_is_reopened_within_the_hour_asks_nobody(home: Harness, ann: dict[str, Any]) -> None:
    with home.on_the_network() as url:
        home.world.salesforce.outbound.endpoint = f"{url}/webhooks/salesforce/{SALESFORCE_TOKEN}"
        unhappy(home, ann)
        case = the_case(home)["Id"]
        home.clock.move(minutes=1)
        home.world.salesforce.change("Case", case, Status="Closed")
        told(home)
        home.clock.move(minutes=1)
        home.world.salesforce.change("Case", case, Status="Working")
        told(home)
        home.wait(hours=2)
        assert home.mails("ann@example.com") == []


def test_an_open_case_is_no_reopened_one(home: Harness, ann: dict[str, Any]) -> None:
    with home.on_the_network() as url:
        home.world.salesforce.outbound.endpoint = f"{url}/webhooks/salesforce/{SALESFORCE_TOKEN}"
        unhappy(home, ann)
        home.world.salesforce.change("Case", the_case(home)["Id"], Priority="Low")
        told(home)
        assert "ticket.reopened" not in {row.type for row in home.rows(tables.events)}


# --- the same on contact requests


@pytest.fixture
def requests_home(database_url: str) -> Iterator[Harness]:
    """A house whose callbacks are contact requests, which are closed by the word Contacted."""
    clock = HandClock()
    with World(clock=clock) as world:
        cases = "cases: {object: ContactRequest, statuses: {solved: Contacted, closed: Contacted}}"
        config = config_of(world).replace("    webhook_token:", f"    {cases}\n    webhook_token:")
        workflows = {"support_recovery": RECOVERY, "retention_survey": RETENTION}
        with a_house(database_url, world, workflows, clock=clock, config=config) as home:
            yield home


def the_request(home: Harness) -> dict[str, Any]:
    [request] = home.world.salesforce.all("ContactRequest")
    return request


def look(home: Harness) -> None:
    """Contact requests send no messages of their own accord, so they are asked for."""
    home.run_job("poll salesforce for changes")
    home.settle()


def test_the_same_recovery_runs_on_contact_requests(requests_home: Harness) -> None:
    home = requests_home
    ann = home.world.salesforce.add_contact("Jansen", "ann@example.com", FirstName="Ann")
    home.house.own_users.learn()
    look(home)
    unhappy(home, ann, contact={"phone": "06 12345678"})
    request = the_request(home)
    assert (request["WhoId"], request["PreferredPhone"], request["Status"]) == (ann["Id"], "+31612345678", None)
    assert "Waited a week." in request["RequestDescription"]
    assert "Priority: High" in request["RequestDescription"]
    assert request["Ringback_Tags__c"].startswith("ringback_callback")
    assert home.world.salesforce.all("Case") == []
    assert home.one(tables.callbacks).ticket_id == request["Id"][:15]

    for status, cycle in (("Contacted", 1), ("Attempted", 1), ("Contacted", 2)):
        home.world.salesforce.change("ContactRequest", request["Id"], Status=status)
        home.clock.move(minutes=20)
        look(home)
        assert home.one(tables.callbacks).cycle == cycle
    home.wait(hours=2)
    assert len(home.mails("ann@example.com")) == 1
    turns = [row.type for row in home.rows(tables.events) if row.type in ("ticket.solved", "ticket.reopened")]
    assert turns == ["ticket.solved", "ticket.reopened", "ticket.solved"]


@pytest.fixture
def desk(requests_home: Harness) -> Helpdesk:
    return requests_home.house.connections.helpdesk("salesforce")


def opened(desk: Helpdesk, **more: Any) -> str:
    ticket = {"subject": "Call back", "body": "The words.", "external_id": "ringback-1"} | more
    return str(desk.open_ticket(desk.render_ticket(ticket), key="k")["ticket_id"])


@on_sqlite
class TestContactRequests:
    """The helpdesk's parts."""

    def test_a_request_is_opened_once_however_often_it_is_asked_for(
        self, requests_home: Harness, desk: Helpdesk
    ) -> None:
        assert opened(desk) == opened(desk) == the_request(requests_home)["Id"][:15]
        assert (desk.find_ticket("ringback-1") or {})["url"].endswith("/view")

    def test_comments_follow_in_the_description_once_each(self, requests_home: Harness, desk: Helpdesk) -> None:
        request = opened(desk)
        for key in ("one", "two", "two"):
            desk.update_ticket(request, {"comment": f"Comment {key}."}, key=key, repeated=True)
        text = the_request(requests_home)["RequestDescription"]
        assert text.startswith("Call back\n\nThe words.")
        assert (text.count("Comment one."), text.count("Comment two.")) == (1, 1)

    def test_a_full_description_makes_room_and_too_long_a_comment_is_refused(
        self, requests_home: Harness, desk: Helpdesk
    ) -> None:
        request = opened(desk, body="é" * 40_000)
        desk.update_ticket(request, {"comment": "x" * 9_000}, key="k", repeated=False)
        text = the_request(requests_home)["RequestDescription"]
        assert len(text) <= 32_000
        assert "cut here" in text
        with pytest.raises(Permanent, match="too long for a contact request"):
            desk.update_ticket(request, {"comment": "x" * 20_000}, key="l", repeated=False)

    def test_an_escalation_and_a_solve_are_written(self, requests_home: Harness, desk: Helpdesk) -> None:
        request = opened(desk, tags=["ringback_callback"])
        change = {"priority": "urgent", "tags": ["ringback_escalated"], "status": "solved"}
        desk.update_ticket(request, change, key="k", repeated=False)
        row = the_request(requests_home)
        assert (row["Status"], row["Ringback_Tags__c"]) == ("Contacted", "ringback_callback;ringback_escalated")
        assert "Priority: High" in row["RequestDescription"]
        told = desk.read_ticket(request) or {}
        assert (told["status"], told["subject"]) == ("solved", "Call back")
        assert told["tags"] == ["ringback_callback", "ringback_escalated"]

    def test_who_is_no_contact_is_named(self, requests_home: Harness, desk: Helpdesk) -> None:
        opened(desk, requester={"email": "bo@example.com", "name": "Bo"})
        row = the_request(requests_home)
        assert row["WhoId"] is None
        assert "Customer: Bo, bo@example.com" in row["RequestDescription"]


# --- the helpdesk's parts


@on_sqlite
def test_a_case_is_opened_once_however_often_it_is_asked_for(home: Harness, helpdesk: Helpdesk) -> None:
    body = helpdesk.render_ticket({"subject": "Call back", "body": "x", "external_id": "ringback-1"})
    home.world.salesforce.faults.add(Fault(path="/sobjects/Case", effect=Effect.COMMIT_THEN_DROP))
    with pytest.raises(Exception, match="lost"):
        helpdesk.open_ticket(body, key="k")
    home.world.salesforce.change("Case", the_case(home)["Id"], Subject="Agent's own words")
    again = helpdesk.open_ticket(body, key="k")
    assert again["ticket_id"] == the_case(home)["Id"][:15] == (helpdesk.find_ticket("ringback-1") or {})["ticket_id"]
    assert the_case(home)["Subject"] == "Agent's own words"
    assert helpdesk.find_ticket("ringback-2") is None


@on_sqlite
def test_a_comment_is_written_once_and_carries_a_mark(home: Harness, helpdesk: Helpdesk) -> None:
    case = home.world.salesforce.add("Case", Subject="x")["Id"]
    for _ in range(2):
        helpdesk.update_ticket(case[:15], {"comment": "é" * 5_000, "public": False}, key="k", repeated=True)
    [comment] = home.world.salesforce.all("CaseComment")
    assert (comment["ParentId"], comment["IsPublished"]) == (case, False)
    assert len(comment["CommentBody"].encode()) <= 4_000
    assert "cut here" in comment["CommentBody"]


@on_sqlite
def test_an_escalation_raises_the_case_and_adds_to_its_tags(home: Harness, helpdesk: Helpdesk) -> None:
    case = home.world.salesforce.add("Case", Subject="x", Ringback_Tags__c="vip")["Id"]
    change = {"priority": "urgent", "tags": ["ringback_escalated"], "assignee": home.world.salesforce.org.records.any(
        case)["OwnerId"], "status": "solved", "due_at": "2026-11-23T10:00:00Z"}  # fmt: skip
    helpdesk.update_ticket(case, change, key="k", repeated=False)
    row = the_case(home)
    assert (row["IsEscalated"], row["Ringback_Tags__c"], row["Priority"]) == (True, "vip;ringback_escalated", "High")
    assert row["IsClosed"]


@on_sqlite
@pytest.mark.parametrize(("ticket", "why"), [
    ({"subject": "x", "priority": "asap"}, "priority is not one of"),
    ({"subject": "x", "sbject": "x"}, "did you mean subject"),
    ({"subject": "x", "custom_fields": {"a b": 1}}, "no API name"),
    ({"subject": "x", "group_id": "//evil.example"}, "no Salesforce id"),
    ({"subject": "x", "requester": {"id": "../x"}}, "no Salesforce id"),
])
def test_what_a_case_cannot_hold_is_refused_with_the_remedy(helpdesk: Helpdesk, ticket: Any, why: str) -> None:
    with pytest.raises(Permanent, match=why):
        helpdesk.render_ticket(ticket)


# --- sales


def test_the_owner_of_a_valued_account_gets_a_task_and_a_mail(home: Harness, ann: dict[str, Any]) -> None:
    unhappy(home, ann)
    [task] = home.world.salesforce.all("Task")
    assert (task["WhoId"], task["WhatId"], task["OwnerId"]) == (ann["Id"], ann["AccountId"], ann["OwnerId"])
    assert task["Subject"] == "Ann Jansen gave 3: call before you sell"
    assert "Waited a week." in task["Description"]
    [mail] = home.mails("sam@acme.example")
    assert mail.subject == "Acme: score 3"


@on_sqlite
def test_a_contact_that_the_answer_does_not_name_is_found_by_its_address(home: Harness, ann: dict[str, Any]) -> None:
    unhappy(home)
    assert len(home.world.salesforce.all("Task")) == 1


@on_sqlite
@pytest.mark.parametrize("revenue", [None, 900])
def test_accounts_below_the_bound_make_no_task(home: Harness, revenue: int | None) -> None:
    account = home.world.salesforce.add_account("Small", AnnualRevenue=revenue)
    contact = home.world.salesforce.add_contact("Jansen", "ann@example.com", AccountId=account["Id"])
    unhappy(home, contact)
    assert home.world.salesforce.all("Task") == []
    assert home.run("account-owner-alert").status == "succeeded"


def test_two_contacts_with_one_address_are_not_guessed_between(home: Harness, ann: dict[str, Any]) -> None:
    home.world.salesforce.add_contact("Other", "ann@example.com")
    unhappy(home)
    assert home.world.salesforce.all("Task") == []
    assert "share this customer's e-mail address" in home.output("account", "account-owner-alert")["reason"]
    case = home.one(tables.identity_conflicts, tables.identity_conflicts.c.kind == "records")
    assert len(case.others) == 2
    assert case.kept == home.one(tables.customers).id


@on_sqlite
def test_a_task_is_made_once_however_often_it_is_asked_for(home: Harness, ann: dict[str, Any]) -> None:
    sales: Sales = home.house.connections.sales("salesforce")
    body = sales.render_task({"contact": ann["Id"], "subject": "Call", "body": "soon", "priority": "high"})
    first = sales.create_task(body, key="k", repeated=False)
    assert first["url"].endswith(f"/Task/{first['task']}/view")
    assert sales.create_task(body, key="k", repeated=True) == {}
    assert len(home.world.salesforce.all("Task")) == 1
    sales.create_task(body, key="other", repeated=True)
    assert len(home.world.salesforce.all("Task")) == 2


@on_sqlite
def test_many_accounts_are_found_by_two_queries(home: Harness, ann: dict[str, Any]) -> None:
    others = [home.world.salesforce.add_contact("Jansen", f"p{n}@example.com", AccountId=ann["AccountId"])["Id"]
              for n in range(20)]  # fmt: skip
    for number, contact in enumerate(others):
        known = {"salesforce_contact_id": contact} if number % 2 else {}
        home.deliver(answer(3, customer={"email": f"P{number}@example.com", "name": f"P{number}"} | known))
    home.settle()
    assert {task["WhoId"] for task in home.world.salesforce.all("Task")} == set(others)
    assert sum("Account.AnnualRevenue" in each.query for each in home.world.salesforce.requests) <= 4


@on_sqlite
def test_a_query_that_fails_is_tried_again_for_all(home: Harness, ann: dict[str, Any]) -> None:
    home.world.salesforce.faults.add(Fault(path="/query", status=503))
    unhappy(home, ann)
    home.wait(minutes=5)
    assert len(home.world.salesforce.all("Task")) == 1
