"""Everything in Salesforce: a record per answer, the person's picture, the account's NPS; in few calls."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connector.runtime.doorbell import INTAKE
from connector.storage.schema import tables
from integrations.protocols import AccountPicture, Answer, PersonPicture, Score
from integrations.salesforce.writeback import bulk
from sandbox.clock import HandClock
from sandbox.faults import Effect, Fault
from sandbox.world import World
from tests.support.clients import build
from tests.support.house import Harness, a_house, answer, config_of
from tests.support.house_workflows import WRITE_THE_SCORE
from tests.support.salesforce_admin import a_salesforce_admin
from workflows.library import library_texts

WHOLE = WRITE_THE_SCORE.replace("if: event.metric == 'nps'", "if: event.score >= 0")


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For tests whose statements others try on both databases."""


def whole(world: World, extra: str = "") -> str:
    """A configuration that keeps everything in Salesforce."""
    token = "    webhook_token:"
    return config_of(world).replace(token, f"    write_back: everything\n{extra}{token}")


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    clock = HandClock()
    with World(clock=clock) as world:
        world.salesforce.install_package()
        with a_house(database_url, world, {"score": WHOLE}, clock=clock, config=whole(world)) as home:
            yield home


def contact(home: Harness, number: int = 0, account: str | None = None, **more: Any) -> str:
    more |= {"AccountId": account} if account else {}
    return str(home.world.salesforce.add_contact("Jansen", f"p{number}@example.com", **more)["Id"])


def tell(home: Harness, score: int, number: int = 0, at: str = "2026-03-01T10:00:00Z", **more: Any) -> None:
    home.deliver(answer(score, email=f"p{number}@example.com", answered_at=at, **more))


def bring(home: Harness, minutes: int = 1) -> None:
    home.settle()
    for _ in range(minutes):
        home.wait(minutes=1)


def calls(home: Harness, what: str = "/composite/sobjects") -> list[Any]:
    return [each for each in home.world.salesforce.requests if what in each.path]


# --- what sales sees ---------------------------------------------------------------------------------------------


def test_an_answer_stands_on_the_person_on_the_account_and_in_a_record_of_its_own(home: Harness) -> None:
    account = str(home.world.salesforce.add_account("Acme")["Id"])
    person = contact(home, account=account)
    tell(home, 3, context={"moment": "delivery"})
    bring(home)
    seen = home.world.salesforce.contact(person)
    assert (seen["NPS_Score__c"], seen["NPS_Band__c"], seen["NPS_Trend__c"]) == (3, "detractor", "first answer")
    assert (seen["NPS_Responses__c"], seen["NPS_Comment__c"]) == (1, "Waited a week.")
    acme = home.world.salesforce.account(account)
    assert (acme["Account_NPS__c"], acme["Account_NPS_Responses__c"]) == (-100, 1)
    [record] = home.world.salesforce.answers
    assert (record["Metric__c"], record["Score__c"], record["Factor__c"]) == ("nps", 3, -1)
    assert (record["Contact__c"], record["Account__c"], record["Lead__c"]) == (person, account, None)
    assert (record["Survey__c"], record["Moment__c"]) == ("after-support", "delivery")
    assert record["Response_Id__c"] == home.one(tables.responses).id


@on_sqlite
def test_two_metrics_make_a_loyalty_quadrant_and_a_second_answer_a_trend(home: Harness) -> None:
    person = contact(home)
    tell(home, 6)
    tell(home, 9, metric="nls", at="2026-03-02T10:00:00Z")
    tell(home, 10, at="2026-03-03T10:00:00Z")
    bring(home)
    seen = home.world.salesforce.contact(person)
    assert (seen["Loyalty_Quadrant__c"], seen["NPS_Trend__c"]) == ("pure loyalty", "rising")
    assert (seen["NPS_Score__c"], seen["NPS_Responses__c"]) == (10, 2)
    assert sorted(each["Metric__c"] for each in home.world.salesforce.answers) == ["nls", "nps", "nps"]


@on_sqlite
def convert(home: Harness, lead: str, contact: str) -> None:
    """Sales converts a lead, and we are told when we next ask."""
    home.world.salesforce.change("Lead", lead, IsConverted=True, ConvertedContactId=contact)
    home.clock.move(minutes=20)
    home.run_job("poll salesforce for changes")
    home.settle()


@pytest.mark.parametrize(
    ("database_url", "is_known"), [("sqlite", False), ("postgresql", True)], indirect=["database_url"]
)
def test_a_lead_that_becomes_a_contact_takes_its_score_along(home: Harness, is_known: bool) -> None:
    text = library_texts()["score-after-conversion.yaml"]
    home.install(score=WHOLE, score_after_conversion=text[text.index("workflow:") :])
    home.run_job("poll salesforce for changes")
    account = str(home.world.salesforce.add_account("Acme")["Id"])
    lead = str(home.world.salesforce.add_lead("Jansen", "p0@example.com")["Id"])
    tell(home, 3)
    bring(home)
    assert home.world.salesforce.lead(lead)["NPS_Score__c"] == 3
    person = contact(home, 9, account)  # with another address of theirs
    if is_known:
        home.deliver(answer(9, customer={"salesforce_contact_id": person}, answered_at="2026-02-01T10:00:00Z"))
        bring(home)
    convert(home, lead, person)
    bring(home)
    assert home.world.salesforce.contact(person)["NPS_Score__c"] == 3
    assert home.world.salesforce.account(account)["Account_NPS__c"] == -100
    tell(home, 9, at="2026-03-02T10:00:00Z")
    bring(home)
    assert home.world.salesforce.contact(person)["NPS_Score__c"] == 9
    assert home.world.salesforce.lead(lead)["NPS_Score__c"] == 3  # what it was stays
    assert len(home.rows(tables.customers)) == 1
    assert [row.decision for row in home.rows(tables.identity_conflicts)] in ([], ["same"])  # nobody is asked


def test_a_lead_gets_its_score_too_and_a_contact_goes_before_a_lead(home: Harness) -> None:
    lead = str(home.world.salesforce.add_lead("Jansen", "p0@example.com")["Id"])
    twin = str(home.world.salesforce.add_lead("Peters", "p1@example.com")["Id"])
    person = contact(home, 1)
    tell(home, 9)
    tell(home, 2, 1)
    bring(home)
    assert home.world.salesforce.lead(lead)["NPS_Score__c"] == 9
    assert home.world.salesforce.lead(twin)["NPS_Score__c"] is None
    assert home.world.salesforce.contact(person)["NPS_Score__c"] == 2
    assert {each["Lead__c"] for each in home.world.salesforce.answers} == {lead, None}


@on_sqlite
def test_the_accounts_nps_counts_each_person_once_by_the_newest_answer(home: Harness) -> None:
    account = str(home.world.salesforce.add_account("Acme")["Id"])
    for number in range(4):
        contact(home, number, account)
    for score, number in ((2, 0), (10, 1), (9, 2), (8, 3)):
        tell(home, score, number)
    tell(home, 10, 0, at="2026-03-02T10:00:00Z")
    bring(home)
    acme = home.world.salesforce.account(account)
    assert (acme["Account_NPS__c"], acme["Account_NPS_Responses__c"]) == (75, 4)


@on_sqlite
def test_a_ticket_of_the_loop_is_linked_and_its_end_is_written_when_a_workflow_asks(home: Harness) -> None:
    person = contact(home)
    home.install(
        call="""
trigger: {event: survey.answered, if: event.band == 'detractor'}
run: {key: event.response}
steps:
  - {id: ticket, do: ticket.open, with: {connection: zendesk, subject: Call}}
""",
        loop="""
trigger: {event: ticket.solved, if: event.callback != null}
run: {key: event.ticket}
steps:
  - {id: again, do: score.write, with: {connection: salesforce, response: "{{ event.callback.response }}"}}
""",
    )
    tell(home, 1)
    bring(home)
    ticket = home.one(tables.callbacks).ticket_id
    assert home.world.salesforce.contact(person)["Loop_Status__c"] == "open"
    home.ticket_event("ticket_solved", ticket)
    bring(home)
    assert home.world.salesforce.contact(person)["Loop_Status__c"] == "solved"
    [record] = home.world.salesforce.answers
    assert record["Ticket_Link__c"].endswith(f"/agent/tickets/{ticket}")
    assert record["Loop_Status__c"] == "solved"


# --- merged, deleted, never guessed ------------------------------------------------------------------------------


@on_sqlite
def test_a_merged_contacts_score_moves_to_the_winner_with_all_that_was_answered(home: Harness) -> None:
    account = str(home.world.salesforce.add_account("Acme")["Id"])
    loser, winner = contact(home, 0, account), contact(home, 1, account)
    tell(home, 3)
    bring(home)
    home.world.salesforce.delete_contact(loser, master=winner)
    tell(home, 10, at="2026-03-02T10:00:00Z")
    bring(home, 5)
    seen = home.world.salesforce.contact(winner)
    assert (seen["NPS_Score__c"], seen["NPS_Responses__c"]) == (10, 2)
    assert home.world.salesforce.account(account)["Account_NPS_Responses__c"] == 1
    assert {run.status for run in home.runs()} == {"succeeded"}


@on_sqlite
def test_a_deleted_contact_is_said_to_be_gone(home: Harness) -> None:
    person = contact(home)
    tell(home, 3)
    bring(home)
    home.world.salesforce.delete_contact(person)
    tell(home, 10, at="2026-03-02T10:00:00Z")
    bring(home, 5)
    assert home.runs()[-1].status == "failed"
    assert "deleted in the CRM" in home.runs()[-1].reason


@on_sqlite
def test_two_contacts_with_one_address_get_nothing_and_no_record_of_the_answer_either(home: Harness) -> None:
    contact(home)
    contact(home)
    tell(home, 9)
    bring(home)
    assert home.world.salesforce.answers == []
    assert "2 records share" in home.run().reason


# --- what is made for it -----------------------------------------------------------------------------------------


def test_everything_that_is_written_has_a_place_in_the_package(tmp_path: Path, sqlite_template: Path) -> None:
    with a_salesforce_admin(tmp_path, sqlite_template) as admin:
        admin.provision()
        org = admin.salesforce
        login = {"type": "client_credentials", "client_id": org.client_id, "client_secret": org.client_secret}
        settings = {"base_url": admin.world.salesforce_url, "auth": login, "write_back": "everything"}
        client: Any = build("salesforce", "salesforce", settings)
        account = str(org.add_account("Acme")["Id"])
        contact, lead = str(org.add_contact("Jansen")["Id"]), str(org.add_lead("Peters")["Id"])
        at = datetime(2026, 3, 1, tzinfo=UTC)
        score = Score(contact, "nps", 9, "promoter", at, "Fine " * 3_000)
        words: Any = {
            "loop_status": "not recovered", "trend": "first answer", "quadrant": "trapped loyalty", "responses": 1,
        }  # fmt: skip
        answer = Answer(
            "0" * 26, "nps", 9, 1, "promoter", at, "Fine", "after-support", "delivery",
            "https://acme.zendesk.com/agent/tickets/7", "not recovered", contact, "contact", account,
        )  # fmt: skip
        kept = client.pictures
        rows = [
            kept.answer(answer),
            kept.person(PersonPicture(contact, "contact", (score,), **words)),
            kept.person(PersonPicture(lead, "lead", (score,), **words)),
            kept.account(AccountPicture(account, -66.7, 3, at)),
        ]
        assert [kept.write([row]) for row in rows] == [[None]] * 4
        assert org.account(account)["Account_NPS__c"] == -66.7
        client.session.close()


# --- trouble -----------------------------------------------------------------------------------------------------


def test_an_answer_that_was_lost_on_the_way_back_is_written_again_and_stands_there_once(home: Harness) -> None:
    contact(home)
    home.world.salesforce.faults.add(Fault(path="/composite", effect=Effect.COMMIT_THEN_DROP))
    tell(home, 9)
    bring(home, 5)
    assert [each["Score__c"] for each in home.world.salesforce.answers] == [9]
    assert home.run().status == "succeeded"


@on_sqlite
def test_what_stands_there_already_is_not_written_again(home: Harness) -> None:
    account = str(home.world.salesforce.add_account("Acme")["Id"])
    person = contact(home, account=account)
    home.world.salesforce.refuse(person, "UNABLE_TO_LOCK_ROW")
    tell(home, 9)
    bring(home, 5)
    assert home.run().status == "succeeded"
    assert len(calls(home, "Ringback_Response__c")) == 1
    assert len(home.world.salesforce.writes_of(account)) == 2  # made, scored; not scored again


@on_sqlite
def test_without_the_package_the_run_names_the_missing_field(database_url: str) -> None:
    clock = HandClock()
    with (
        World(clock=clock) as world,
        a_house(database_url, world, {"score": WHOLE}, clock=clock, config=whole(world)) as home,
    ):
        contact(home)
        tell(home, 9)
        bring(home, 3)
        assert home.run().status == "failed"
        assert "Salesforce answered 404" in home.run().reason or "INVALID_FIELD" in home.run().reason


@on_sqlite
def test_the_reserve_of_other_integrations_is_left_alone(home: Harness) -> None:
    person = contact(home)
    home.world.salesforce.usage.most, home.world.salesforce.usage.used = 1000, 810
    tell(home, 9)
    bring(home, 3)
    assert home.world.salesforce.contact(person)["NPS_Score__c"] is None
    assert home.world.salesforce.usage.used == 811  # the call that told us
    [effect] = home.effects()
    assert (effect.attempts, effect.error_kind) == (0, "rate_limited")
    assert "reserve" in effect.error
    home.world.salesforce.usage.used = 10
    bring(home, 20)
    assert home.world.salesforce.contact(person)["NPS_Score__c"] == 9


def test_many_rows_are_a_job_and_few_are_calls(database_url: str) -> None:
    clock = HandClock()
    with World(clock=clock) as world:
        world.salesforce.install_package()
        config = whole(world, "    bulk_above: 20\n")
        with a_house(database_url, world, {"score": WHOLE}, clock=clock, config=config) as home:
            account = str(world.salesforce.add_account("Acme")["Id"])
            people = [contact(home, number, account) for number in range(30)]
            world.salesforce.refuse(people[3], "FIELD_CUSTOM_VALIDATION_EXCEPTION", times=2)
            for number in range(30):
                tell(home, number % 11, number, comment="a, b\n\"c\"" if number == 1 else "")
            bring(home, 5)
            jobs = [job.told["object"] for job in world.salesforce.bulk.all.values()]
            assert jobs == ["Ringback_Response__c", "Contact"]
            scores = [world.salesforce.contact(each)["NPS_Score__c"] for each in people]
            assert scores == [None if number == 3 else number % 11 for number in range(30)]
            assert world.salesforce.contact(people[1])["NPS_Comment__c"] == "a, b\n\"c\""
            assert len(world.salesforce.answers) == 30
            assert sorted(run.status for run in home.runs()) == ["failed", *["succeeded"] * 29]
            assert home.rows(tables.crm_jobs) == []


@on_sqlite
def test_what_one_upload_cannot_hold_goes_with_the_next(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "UPLOAD_LIMIT", 1_500)
    clock = HandClock()
    with World(clock=clock) as world:
        world.salesforce.install_package()
        config = whole(world, "    bulk_above: 4\n")
        with a_house(database_url, world, {"score": WHOLE}, clock=clock, config=config) as home:
            people = [contact(home, number) for number in range(12)]
            for number in range(12):
                tell(home, number % 11, number, comment="x" * 200)
            bring(home, 12)
            assert len(world.salesforce.bulk.all) > 2
            assert max(len(job.lines) for job in world.salesforce.bulk.all.values()) < 12
            scores = [world.salesforce.contact(each)["NPS_Score__c"] for each in people]
            assert scores == [number % 11 for number in range(12)]
            assert len(world.salesforce.answers) == 12
            assert {run.status for run in home.runs()} == {"succeeded"}


# --- what a person allows ----------------------------------------------------------------------------------------


@on_sqlite
def test_an_opt_out_in_the_crm_is_seen_before_the_survey_leaves(home: Harness) -> None:
    person = contact(home, HasOptedOutOfEmail=True)
    home.install(ask="""
trigger: {event: order.delivered}
run: {key: event.id}
steps:
  - {id: ask, do: survey.send, with: {survey: after-support}}
""")
    customer = {"email": "p0@example.com", "name": "P", "salesforce_contact_id": person}
    home.deliver({"type": "order.delivered", "id": "o1", "data": {"customer": customer}})
    home.settle()
    assert home.mails() == []
    assert home.one(tables.invitations).reason == "not sent: the customer opted out of surveys"


@on_sqlite
def test_do_not_call_is_known_to_workflows_and_taken_back(home: Harness) -> None:
    person = contact(home, DoNotCall=True)
    tell(home, 3)
    bring(home)
    assert home.one(tables.customers).facts["do_not_call"] is True
    home.world.salesforce.change_contact(person, DoNotCall=False)
    home.clock.move(days=2)
    tell(home, 4, at="2026-03-04T10:00:00Z")
    bring(home)
    assert home.one(tables.customers).facts["do_not_call"] is False


@on_sqlite
def test_a_survey_leaves_while_the_crm_is_away_for_all_that_was_seen(home: Harness) -> None:
    person = contact(home)
    home.install(ask="""
trigger: {event: order.delivered}
run: {key: event.id}
steps:
  - {id: ask, do: survey.send, with: {survey: after-support}}
""")
    home.world.salesforce.faults.add(Fault(path="/query", status=503, times=9))
    customer = {"email": "p0@example.com", "name": "P", "salesforce_contact_id": person}
    home.deliver({"type": "order.delivered", "id": "o1", "data": {"customer": customer}})
    home.settle()
    assert len(home.mails("p0@example.com")) == 1


@on_sqlite
def test_a_merge_that_the_crm_tells_of_moves_the_score_without_a_new_answer(home: Harness) -> None:
    home.install(merges="""
trigger: {event: contact.merged}
run: {key: event.id}
steps:
  - {id: again, do: score.write, with: {connection: salesforce}}
""")
    loser, winner = contact(home, 0), contact(home, 1)
    tell(home, 3)
    bring(home)
    home.world.salesforce.delete_contact(loser, master=winner)
    person = {"salesforce_contact_id": loser}
    home.deliver({"type": "contact.merged", "id": "m1", "data": {"contact": loser, "into": winner, "customer": person}})
    home.wait(days=2)
    bring(home)
    assert home.world.salesforce.contact(winner)["NPS_Score__c"] == 3


# --- at scale ----------------------------------------------------------------------------------------------------

WHOLE_SIZE = os.environ.get("RINGBACK_TEST_WRITEBACK") == "whole"
ACCOUNTS, PEOPLE, EACH = (200, 2_000, 5) if WHOLE_SIZE else (10, 60, 5)
_LAST_ROUNDS = 0 if WHOLE_SIZE else 8
"""Calls that do not grow with the answers: three that fail as a whole, and rounds for the few that are left over."""


def test_answers_in_any_order_leave_the_newest_and_nothing_is_lost_under_trouble(home: Harness) -> None:
    """10,000 answers of 2,000 contacts of 200 accounts with RINGBACK_TEST_WRITEBACK=whole."""
    chance = random.Random(5)  # noqa: S311 - the same trouble every time
    codes = ("UNABLE_TO_LOCK_ROW", "UNABLE_TO_LOCK_ROW", "UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE")
    world = home.world.salesforce
    accounts = [str(world.add_account(f"A{number}")["Id"]) for number in range(ACCOUNTS)]
    people = [contact(home, number, accounts[number % ACCOUNTS]) for number in range(PEOPLE)]
    days = [f"2026-02-{day:02d}T10:00:00Z" for day in range(1, 1 + EACH)]
    given = [(chance.randrange(11), number, day) for number in range(PEOPLE) for day in days]
    chance.shuffle(given)
    world.trouble(lambda _id: chance.choice(codes) if chance.random() < 0.1 else None)
    refused = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    for place, (score, number, at) in enumerate(given):
        tell(home, score, number, at)
        if place == len(given) // 2:
            home.settle()
            world.expire_sessions()
            world.faults.add(Fault(path="/composite", status=503))
            world.faults.add(Fault(path="/composite", status=403, body=refused))
            world.faults.add(Fault(path="/composite", effect=Effect.COMMIT_THEN_DROP))
            bring(home, 5)
    bring(home, 30)
    assert {run.status for run in home.runs()} == {"succeeded"}
    newest = {number: score for at, number, score in sorted((at, number, score) for score, number, at in given)}
    assert [world.contact(each)["NPS_Score__c"] for each in people] == [newest[number] for number in range(PEOPLE)]
    assert len(world.answers) == len(given)
    for place, account in enumerate(accounts):
        scores = [newest[number] for number in range(PEOPLE) if number % ACCOUNTS == place]
        nps = 100 * (sum(s >= 9 for s in scores) - sum(s <= 6 for s in scores)) / len(scores)
        assert world.account(account)["Account_NPS__c"] == round(nps, 1)
    assert world.collisions == 0
    most = 1.2 * len(given) / 200 + _LAST_ROUNDS
    calls_made = {sobject: made(home, sobject) for sobject in ("Ringback_Response__c", "Contact", "Account")}
    assert max(calls_made.values()) <= most, calls_made


def made(home: Harness, sobject: str) -> int:
    """Write calls of an object, whatever became of them; a job is three."""
    seen = [each for each in home.world.salesforce.requests if f'"{sobject}"' in each.body]
    collections = sum("/composite/sobjects" in each.path for each in seen)
    return collections + 3 * sum(each.path.endswith("/jobs/ingest") for each in seen)


@on_sqlite
def test_all_writes_of_a_connection_are_one_workers(home: Harness) -> None:
    tell(home, 9)
    home.pump(INTAKE)
    assert {effect.serial for effect in home.effects()} == {"records"}
