"""A customer's timeline: everything that happened with them, whoever of the systems told it, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event

from connector.feedback.agent.timeline import CursorError, Timeline, TimelineItem, TimelinePage
from connector.feedback.registry import TIMELINE_SOURCES
from connector.storage.schema import tables
from connector.storage.stores import run_queries
from connector.web.admin.words import speech
from tests.support.house import Harness, a_home, answer
from tests.support.house_workflows import OPEN_A_TICKET, WRITE_TO_THE_CUSTOMER
from workflows import sentences

ASK = "trigger: {event: ticket.solved}\nsteps:\n  - {id: ask, do: survey.send, with: {survey: after-support}}\n"
ANN = {"email": "ann@example.com"}


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, it=OPEN_A_TICKET) as home:
        yield home


def page(home: Harness, limit: int = 50, before: str | None = None, customer: str | None = None) -> TimelinePage:
    who = customer or home.rows(tables.customers)[0].id
    with home.house.database.read() as tx:
        return Timeline(TIMELINE_SOURCES).page(tx, who, limit, before)


def told(found: TimelinePage) -> list[str]:
    return [_word(item) for item in found.items]


def _word(item: TimelineItem) -> str:
    details = item.details
    more = {"answer": "score", "survey": "status", "event": "type", "callback": "status", "consent": "purpose"}
    return f"{item.kind} {details.get(more.get(item.kind, ''), '')}".strip()


def a_known_customer(home: Harness) -> str:
    user = str(home.world.zendesk.add_user("Ann Jansen", "ann@example.com")["id"])
    home.deliver({"type": "contact.changed", "id": "known", "data": {"customer": {**ANN, "zendesk_user_id": user}}})
    home.settle()
    return user


def test_a_reward_is_a_moment_with_its_campaign_and_without_its_code(home: Harness) -> None:
    granted = {"campaign": "spring", "code": "SECRET-1", "customer": ANN}
    home.deliver({"type": "reward.granted", "id": "r1", "data": granted})
    home.settle()
    [item] = page(home).items
    assert (item.kind, item.details["type"], item.details["campaign"]) == ("event", "reward.granted", "spring")
    assert "SECRET-1" not in str(item)


def test_a_whole_story_stands_on_one_line_newest_first(home: Harness) -> None:
    home.install(it=ASK, call=OPEN_A_TICKET, thank=WRITE_TO_THE_CUSTOMER)
    user = a_known_customer(home)
    home.clock.move(hours=1)
    home.ticket_event("ticket_solved", "7", requester_id=user)
    home.settle()
    home.clock.move(hours=1)
    home.deliver(answer(3))
    home.settle()
    home.clock.move(hours=1)
    home.ticket_event("ticket_solved", "8", requester_id=user)
    home.settle()
    home.clock.move(hours=1)
    home.deliver({"type": "order.delivered", "id": "order", "data": {"customer": ANN, "subject": "Blue lamp"}})
    home.deliver({"type": "customer.opted_out", "id": "out", "data": {"customer": ANN}})
    home.settle()
    line = told(page(home))
    assert line[:2] == ["event order.delivered", "event customer.opted_out"] or line[:2] == [
        "event customer.opted_out", "event order.delivered",
    ]  # fmt: skip
    assert line[2:4] == ["withheld", "event ticket.solved"]
    assert sorted(line[4:7]) == ["answer 3", "callback open", "message"]
    assert line[7:] == ["survey sent", "event ticket.solved"]


def test_each_moment_says_what_a_person_wants_to_know(home: Harness) -> None:
    home.deliver(answer(2, context={"ticket_id": "7"}))
    home.settle()
    by_kind = {item.kind: item for item in page(home).items}
    score = by_kind["answer"].details
    assert (score["metric"], score["score"], score["label"]) == ("nps", 2, "detractor")
    assert (score["comment"], score["contact_consent"], score["ticket_id"]) == ("Waited a week.", True, "7")
    ticket = home.one(tables.callbacks).ticket_id
    callback = by_kind["callback"].details
    assert callback == {"connection": "zendesk", "ticket_id": ticket, "status": "open", "cycle": 0}


def test_a_survey_that_was_held_back_says_why(home: Harness) -> None:
    home.install(it=ASK)
    user = a_known_customer(home)
    for ticket in ("1", "2"):
        home.ticket_event("ticket_solved", ticket, requester_id=user)
        home.settle()
        home.clock.move(days=3)
    [held] = [item for item in page(home).items if item.kind == "withheld"]
    assert held.details == {
        "survey": "after-support", "reason": "not sent: asked 3 days ago, the rule is 90", "code": "fatigue",
        "numbers": {"days_ago": 3, "rule_days": 90},
    }  # fmt: skip
    dutch = "niet verstuurd: 3 dagen geleden gevraagd, de regel is 90"
    assert sentences.told(held.details["reason"], speech("nl")) == dutch
    [run] = [each.id for each in home.rows(tables.runs) if each.id == home.one(tables.suppressions).run_id]
    with home.house.database.read() as tx:
        story = run_queries.run_story(tx, run)
    assert story is not None
    lines = [sentences.told(line.text, speech("nl")) for line in story.lines]
    assert f"survey.send is niet gedaan: {dutch}." in lines


def test_a_person_without_an_address_leaves_the_reason_on_their_line(home: Harness) -> None:
    home.install(it=ASK)
    user = str(home.world.zendesk.add_user("Nameless")["id"])
    home.ticket_event("ticket_solved", "1", requester_id=user)
    home.settle()
    [held] = [item for item in page(home).items if item.kind == "withheld"]
    assert held.details["reason"] == "not sent: the customer has no e-mail address"


def test_an_opt_out_on_our_own_page_stands_there_once(home: Harness) -> None:
    home.install(it=ASK)
    home.ticket_event("ticket_solved", "1", requester_id=a_known_customer(home))
    home.settle()
    [link] = {word for word in home.mails()[0].text.split() if "/u/" in word}
    home.client.post(link.partition(":8000")[2], data={"List-Unsubscribe": "One-Click"})
    home.settle()
    kinds = [item.kind for item in page(home).items if item.kind == "consent" or "opted" in str(item.details)]
    assert kinds == ["consent"]


def test_who_are_found_to_be_one_person_have_one_line(home: Harness) -> None:
    home.install(it=WRITE_TO_THE_CUSTOMER)  # a ticket would tell us of a Zendesk user at once
    home.deliver(answer(9, response_id="web"))
    home.deliver(answer(4, email=None, response_id="desk", customer={"zendesk_user_id": "77"}))
    home.settle()
    assert len(home.rows(tables.customers)) == 2
    home.deliver({"type": "contact.changed", "id": "both", "data": {"customer": {**ANN, "zendesk_user_id": "77"}}})
    home.settle()
    [customer] = home.rows(tables.customers)
    scores = [item.details["score"] for item in page(home, customer=customer.id).items if item.kind == "answer"]
    assert sorted(scores) == [4, 9]


def test_pages_hold_everything_once_though_much_happened_at_the_same_moment(home: Harness) -> None:
    for number in range(9):
        home.deliver(answer(number, response_id=f"r{number}"))
    home.settle()
    whole = page(home, 100)
    assert (len(whole.items), whole.next) == (18, None)
    for limit in (1, 2, 5, 17, 18):
        found, before = [], None
        while True:
            part = page(home, limit, before)
            found += part.items
            before = part.next
            if before is None:
                break
        assert [item.id for item in found] == [item.id for item in whole.items]


def test_what_arrives_meanwhile_shifts_no_page(home: Harness) -> None:
    for number in range(4):
        home.deliver(answer(9, response_id=f"r{number}"))
        home.settle()
        home.clock.move(minutes=1)
    first = page(home, 3)
    home.deliver(answer(1, response_id="late"))
    home.settle()
    rest = page(home, 50, first.next)
    ids = [item.id for item in (*first.items, *rest.items)]
    assert len(ids) == len(set(ids)) == 8


@pytest.mark.parametrize("cursor", ["x", "1-2-3", "20260101T000000.0-99-a", "20260101T000000.0-1-é", "--", "\x00"])
def test_a_cursor_that_is_none_is_refused(home: Harness, cursor: str) -> None:
    with pytest.raises(CursorError):
        page(home, 5, cursor, customer="nobody")


def test_a_page_costs_the_same_number_of_queries_however_long_the_line_is(home: Harness) -> None:
    counts = []
    for number in range(12):
        home.deliver(answer(9, response_id=f"r{number}"))
        home.settle()
        counts.append(_statements(home))
    assert set(counts) == {len(TIMELINE_SOURCES)}


def _statements(home: Harness) -> int:
    seen: list[Any] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("SELECT"):
            seen.append(statement)

    engine = home.house.database.engine
    customer = home.rows(tables.customers)[0].id
    event.listen(engine, "before_cursor_execute", note)
    try:
        page(home, 5, customer=customer)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(seen)
