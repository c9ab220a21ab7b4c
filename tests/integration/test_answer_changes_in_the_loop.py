"""A changed answer all the way: one response with its history, records that follow, one recovery, one ticket that tells
its reader."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from connector.feedback.customers import identity as customers
from connector.feedback.responses import revisions
from connector.ids import new_id
from connector.runtime.doorbell import INTAKE
from connector.storage.schema import tables
from connector.storage.stores.inbox import insert_deliveries, own_event
from sandbox.clock import HandClock
from sandbox.faults import Fault
from sandbox.world import World
from tests.integration.test_asking import ASK, a_customer, asked, solved
from tests.integration.test_survey_pages import DETRACTOR, form, whole
from tests.support.callbacks import check_requests, library
from tests.support.house import Harness, a_house, config_of

SETTLED = timedelta(minutes=2)
GOOD = form(score="9", reason="All good now", improvements=None)


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    """With the built-in workflows, and with windows as they are where nobody has changed them."""
    clock = HandClock()
    names = ("support-recovery", "answer-changed", "score-writeback", "retention-answered")
    with World(clock=clock) as world:
        config = config_of(world).replace("answers: {settle_after_send: 0}\n", "")
        with a_house(database_url, world, {"ask": ASK, **library(*names)}, clock=clock, config=config) as found:
            yield found
            check_requests(found)


@pytest.fixture
def link(home: Harness) -> str:
    """The survey that Ann was sent."""
    home.world.salesforce.add_contact("Jansen", "ann@example.com")
    solved(home, a_customer(home))
    [token] = set(re.findall(r"/s/([\w-]{22})", asked(home)[0].text))
    home.clock.move(hours=1)  # a person needs longer than a machine that looks at the mail when it comes
    return f"/s/{token}"


def give(home: Harness, link: str, fields: list[tuple[str, str]], *, settle: bool = True) -> None:
    """Send the form; then let the window pass and all that follows be done."""
    assert home.client.post(link, data=_of(fields)).status_code == 303
    if settle:
        pass_time(home, SETTLED)


def _of(fields: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in fields:
        found.setdefault(name, []).append(value)
    return found


def pass_time(home: Harness, span: timedelta) -> None:
    home.clock.move(seconds=span.total_seconds())
    home.run_job("settling")
    home.tick()


def tickets(home: Harness) -> list[Any]:
    return [each for each in home.world.zendesk.tickets if each["subject"].startswith("Call back")]


def notes(home: Harness) -> list[str]:
    """What was written on the callback's ticket after its first comment, internally all of it."""
    [ticket] = tickets(home)
    comments = home.world.zendesk.comments(ticket["id"])
    assert {each["public"] for each in comments} == {False}
    return [each["body"] for each in comments[1:]]


def contact_score(home: Harness) -> Any:
    [contact] = home.world.salesforce.contacts
    return contact.get("NPS_Score__c")


def test_nothing_starts_before_the_answer_has_settled(home: Harness, link: str) -> None:
    give(home, link, DETRACTOR, settle=False)
    home.tick()
    assert (home.runs("support-recovery"), tickets(home), home.rows(tables.responses)) == ([], [], [])
    pass_time(home, SETTLED)
    assert len(tickets(home)) == 1


def test_a_change_is_a_revision_of_the_one_response_and_its_history_stays(home: Harness, link: str) -> None:
    give(home, link, GOOD)
    give(home, link, DETRACTOR)
    give(home, link, whole(8))
    response = home.one(tables.responses)
    assert (response.score, response.band, response.revision, response.comment) == (8, "passive", 3, "")
    with home.house.database.read() as tx:
        earlier = revisions.history(tx, response.id)
    assert [(row["revision"], row["score"], row["comment"], row["contact_consent"]) for row in earlier] == [
        (1, 9, "All good now", False), (2, 3, "Three weeks without an answer", True),
    ]  # fmt: skip
    assert {row["customer_id"] for row in earlier} == {response.customer_id}


def test_a_change_to_a_low_score_starts_recovery_once(home: Harness, link: str) -> None:
    give(home, link, GOOD)
    assert tickets(home) == []
    give(home, link, DETRACTOR)
    [ticket] = tickets(home)
    assert "Three weeks without an answer" in home.world.zendesk.comments(ticket["id"])[0]["body"]
    assert len(home.mails("care@acme.example")) == 1
    for fields in (GOOD, DETRACTOR):
        give(home, link, fields)
    assert len(tickets(home)) == 1
    assert len(home.mails("care@acme.example")) == 1
    assert len(asked(home)) == 1


def test_whoever_is_about_to_call_reads_that_it_got_better(home: Harness, link: str) -> None:
    give(home, link, DETRACTOR)
    give(home, link, GOOD)
    [note] = notes(home)
    assert note.startswith("Good news: the customer changed the answer for the better.")
    assert "Before: 3 (detractor): Three weeks without an answer" in note
    assert "Now: 9 (promoter): All good now" in note


def test_an_answer_that_was_called_about_already_is_noted_no_more(home: Harness, link: str) -> None:
    give(home, link, DETRACTOR)
    [ticket] = tickets(home)
    detail = {"id": str(ticket["id"]), "external_id": ticket["external_id"]}
    home.ticket_event("ticket_solved", str(ticket["id"]), **{k: v for k, v in detail.items() if k != "id"})
    home.settle()
    give(home, link, GOOD)
    assert notes(home) == []


def test_a_ticket_that_is_still_to_be_opened_is_waited_for(home: Harness, link: str) -> None:
    home.world.zendesk.faults.add(Fault(path="/api/v2/tickets", method="POST", status=503, times=3))
    give(home, link, DETRACTOR)
    give(home, link, GOOD)
    for _ in range(12):
        pass_time(home, timedelta(minutes=2))
    assert len(tickets(home)) == 1
    [note] = notes(home)
    assert "Now: 9 (promoter)" in note


def test_a_ticket_that_is_opened_late_tells_what_was_said_since(home: Harness, link: str) -> None:
    give(home, link, DETRACTOR, settle=False)
    home.clock.move(seconds=SETTLED.total_seconds())
    home.run_job("settling")
    home.pump(INTAKE)  # recovery has begun, and its first step, the alert, is still to be made
    give(home, link, GOOD, settle=False)
    home.clock.move(seconds=SETTLED.total_seconds())
    home.run_job("settling")
    home.pump(INTAKE)
    assert (home.one(tables.responses).revision, home.rows(tables.callbacks)) == (2, [])
    home.settle()
    [ticket] = tickets(home)
    first = home.world.zendesk.comments(ticket["id"])[0]["body"]
    assert first.startswith("Since then the customer has changed the answer to 9 (promoter): All good now")


def test_the_records_follow_the_newest(home: Harness, link: str) -> None:
    give(home, link, GOOD)
    assert contact_score(home) == 9
    give(home, link, DETRACTOR)
    assert contact_score(home) == 3
    give(home, link, GOOD)
    assert contact_score(home) == 9


def test_a_write_that_hangs_never_puts_an_older_revision_over_a_newer_one(home: Harness, link: str) -> None:
    home.world.salesforce.faults.add(Fault(path="/composite", status=503, times=4))
    give(home, link, GOOD)
    give(home, link, DETRACTOR)
    for _ in range(12):
        pass_time(home, timedelta(minutes=3))
    assert contact_score(home) == 3


def test_revisions_that_arrive_in_the_wrong_order_end_the_same(home: Harness, link: str) -> None:
    give(home, link, GOOD, settle=False)
    home.clock.move(seconds=SETTLED.total_seconds())
    home.run_job("settling")
    with home.house.database.write() as tx:
        first = tx.execute(tables.deliveries.select().where(tables.deliveries.c.key == _invitation(home).id)).one()
        tx.execute(tables.deliveries.update().where(tables.deliveries.c.id == first.id).values(status="failed"))
    give(home, link, DETRACTOR)
    assert home.one(tables.responses).revision == 2
    with home.house.database.write() as tx:  # set aside, and replayed by a person
        tx.execute(tables.deliveries.update().where(tables.deliveries.c.id == first.id).values(status="new"))
    home.tick()
    response = home.one(tables.responses)
    assert (response.score, response.revision) == (3, 2)
    [earlier] = home.rows(tables.response_revisions)
    assert (earlier.revision, earlier.score) == (1, 9)


def _invitation(home: Harness) -> Any:
    return home.one(tables.invitations)


def test_the_same_change_told_twice_is_one(home: Harness, link: str) -> None:
    give(home, link, GOOD)
    give(home, link, DETRACTOR)
    told = next(row for row in home.rows(tables.events) if row.type == "survey.changed")
    with home.house.database.write() as tx:
        again = own_event("survey.changed", told.external_id, home.clock(), {**told.data, "response_id": "x"})
        insert_deliveries(home.house.database, tx, [{**again, "key": "another"}])
    home.tick()
    assert home.one(tables.responses).revision == 2
    assert len(home.rows(tables.response_revisions)) == 1


def test_a_merge_of_customers_takes_the_history_along(home: Harness, link: str) -> None:
    give(home, link, DETRACTOR)
    give(home, link, GOOD)
    gone = home.one(tables.response_revisions).customer_id
    other, now = new_id(), home.clock()
    row = {"id": other, "name": "Ann", "facts": {}, "created_at": now, "updated_at": now}
    with home.house.database.write() as tx:
        tx.execute(tables.customers.insert().values(row))
        customers.merge(tx, other, gone)
    assert home.one(tables.response_revisions).customer_id == other


def test_a_clock_that_is_set_back_between_keeps_the_newest_on_top(home: Harness, link: str) -> None:
    give(home, link, GOOD)
    home.clock.move(hours=-30)
    give(home, link, DETRACTOR)
    pass_time(home, timedelta(hours=31))
    assert (home.one(tables.responses).score, contact_score(home)) == (3, 3)
    [earlier] = home.rows(tables.response_revisions)
    assert earlier.answered_at < home.one(tables.responses).answered_at


def test_changes_of_others_answers_are_refused_and_kept(home: Harness) -> None:
    data = {"response_id": "r9", "survey": "after-support", "metric": "nps", "score": 2, "contact_consent": True,
            "customer": {"email": "ann@example.com"}}  # fmt: skip
    assert home.deliver({"type": "survey.changed", "id": "r9-2", "data": data}) == 200
    home.tick()
    delivery = home.one(tables.deliveries)
    assert "survey.changed is told by Ringback's own features alone" in delivery.reason
    assert (home.rows(tables.events), home.runs(), tickets(home)) == ([], [], [])
