"""The callback's loop by the built-in workflows: escalated, tried again, asked about, handed to a person, closed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from connector.feedback.agent.sidebar import Agent
from connector.storage.schema import tables
from tests.support.callbacks import by_triggers, callback, check_requests, detractor, field, fill_in, library, provision
from tests.support.house import Harness, a_home, answer

LOOP = library(
    "support-recovery", "retention-survey", "retention-answered", "callback-not-reached", "callback-status",
    "callback-closed",
)  # fmt: skip
EVENTS = {"solved": "ticket_solved", "reopened": "ticket_reopened"}


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, **{slug.replace("-", "_"): text for slug, text in LOOP.items()}) as home:
        home.house.own_users.learn()
        yield home
        check_requests(home)


@pytest.fixture
def ids(home: Harness) -> Mapping[str, int]:
    return provision(home)


def act(home: Harness, action: str, ticket_id: str, **given: Any) -> None:
    """An agent does something at the helpdesk, and its webhooks arrive."""
    heard: list[dict[str, Any]] = []
    home.world.zendesk.desk.webhooks.publish = heard.append
    home.world.zendesk.act(action, ticket_id, **given)
    deliver(home, heard)


def deliver(home: Harness, heard: list[dict[str, Any]]) -> None:
    import json

    for envelope in heard:
        home.deliver_zendesk(json.dumps(envelope).encode())
    home.settle()


def asked(home: Harness, number: int = 1) -> list[Any]:
    return home.mails(f"c{number}@example.com")


def said(home: Harness, ticket_id: str) -> list[str]:
    """Our words on the ticket after the first."""
    me = home.world.zendesk.integration_user["id"]
    return [each["body"] for each in home.world.zendesk.comments(ticket_id)[1:] if each["author_id"] == me]


def answered(home: Harness, number: int, score: int, response: str, ticket_id: str) -> None:
    """The second answer, about the first."""
    context = {"ticket": f"zendesk:{ticket_id}"}
    event = answer(score, response_id=f"second-{number}", survey="retention", metric="csat", about=response,
                   context=context, customer={"email": f"c{number}@example.com"})  # fmt: skip
    home.deliver(event)
    home.settle()


def test_the_loop_closes_with_outcome_cause_and_a_good_second_answer(home: Harness, ids: Mapping[str, int]) -> None:
    row = detractor(home)
    act(home, "assign", row.ticket_id)
    assert callback(home).status == "taken"
    act(home, "comment", row.ticket_id, comment="Called, they were glad.")
    assert callback(home).status == "contacted"
    fill_in(home, row.ticket_id, ids)
    act(home, "solve", row.ticket_id)
    home.wait(hours=1)
    assert len(asked(home)) == 1
    now = callback(home)
    assert (now.status, now.outcome, now.root_cause, now.closed_at) == (
        "solved", "recovered", "product", home.clock(),
    )  # fmt: skip
    assert said(home, row.ticket_id) == []
    answered(home, 1, 5, row.response_id, row.ticket_id)
    assert callback(home).status == "recovered"
    home.wait(minutes=1)
    assert field(home, row.ticket_id, ids["ringback_loop_status"]) == "ringback_loop_status_recovered"


def test_the_field_shows_where_the_callback_stands_and_quick_changes_are_written_once(
    home: Harness, ids: Mapping[str, int]
) -> None:
    row = detractor(home)
    act(home, "assign", row.ticket_id)
    act(home, "comment", row.ticket_id, comment="On it")
    home.wait(minutes=1)
    assert field(home, row.ticket_id, ids["ringback_loop_status"]) == "ringback_loop_status_contacted"
    assert [effect.status for effect in home.effects("ticket.update")] == ["done"]


def test_first_contact_is_told_once_as_an_event(home: Harness) -> None:
    row = detractor(home)
    for words in ("one", "two"):
        act(home, "comment", row.ticket_id, comment=words)
    told = home.rows(tables.events, tables.events.c.type == "ticket.first_contact")
    assert [event.subject for event in told] == [f"zendesk:{row.ticket_id}"]
    assert told[0].customer_id == row.customer_id


def test_a_solved_ticket_without_outcome_and_cause_gets_one_word_about_it_and_does_not_count_as_closed(
    home: Harness, ids: Mapping[str, int]
) -> None:
    row = detractor(home)
    act(home, "solve", row.ticket_id)
    home.wait(hours=1)
    assert said(home, row.ticket_id) == [
        "Please fill in the outcome and the root cause: without them this callback does not count as closed."
    ]
    assert asked(home) == []  # the agent may say that nobody was reached
    home.wait(hours=5)
    assert len(asked(home)) == 1
    assert callback(home).closed_at is None
    act(home, "reopen", row.ticket_id)
    act(home, "solve", row.ticket_id)
    home.wait(hours=1)
    assert len(said(home, row.ticket_id)) == 1


def test_what_is_filled_in_late_counts_when_the_ticket_is_closed_for_good(
    home: Harness, ids: Mapping[str, int]
) -> None:
    row = detractor(home)
    act(home, "solve", row.ticket_id)
    home.wait(hours=6)
    fill_in(home, row.ticket_id, ids, cause="other")
    home.clock.move(days=4)
    act(home, "close", row.ticket_id)
    now = callback(home)
    assert (now.status, now.root_cause, now.closed_at) == ("closed", "other", home.clock())


@pytest.mark.parametrize("by", ["field", "tag"])
def test_who_was_not_reached_is_called_again_twice_and_then_left_alone(
    home: Harness, ids: Mapping[str, int], by: str
) -> None:
    row = detractor(home)
    for number in (1, 2, 3):
        if by == "field":
            fill_in(home, row.ticket_id, ids, "not_reached", "")
        else:
            fields = [*home.world.zendesk.ticket(row.ticket_id)["tags"], "ringback_not_reached"]
            home.world.zendesk.act("fill", row.ticket_id, tags=fields)
        act(home, "solve", row.ticket_id)
        home.wait(hours=2)
        assert (callback(home).status, callback(home).tries) == ("not_reached", number)
        home.wait(days=1)
        expected = ("open", "open", "solved")[number - 1]
        assert home.world.zendesk.ticket(row.ticket_id)["status"] == expected
        if expected == "open":
            assert callback(home).status == "open"
            assert field(home, row.ticket_id, ids["ringback_outcome"]) is None
            assert "ringback_not_reached" not in home.world.zendesk.ticket(row.ticket_id)["tags"]
    home.wait(days=3)
    assert asked(home) == []
    assert [words.split(":")[0].split(". This")[0] for words in said(home, row.ticket_id) if "ot reached" in words] == [
        "Not reached yet", "Not reached yet", "Not reached 3 times",
    ]  # fmt: skip


JAN = Agent("Jan de Vries", "jan@acme.example", "12")


def conclude(home: Harness, ticket_id: str, outcome: str, cause: str = "", key: str = "click-1") -> None:
    """An agent says in the sidebar what came of it; no workflow here puts it onto the ticket."""
    home.house.agents.conclude("zendesk", ticket_id, JAN, key, outcome, cause, "")
    home.settle()


@pytest.mark.parametrize("order", ["said, then solved", "solved, then said"])
def test_not_reached_in_the_sidebar_counts_before_the_ticket_tells_it_and_in_any_order(
    home: Harness, ids: Mapping[str, int], order: str
) -> None:
    row = detractor(home)
    steps = [lambda: conclude(home, row.ticket_id, "not_reached"), lambda: act(home, "solve", row.ticket_id)]
    for step in steps if order.startswith("said") else reversed(steps):
        step()
        home.clock.move(minutes=1)
    conclude(home, row.ticket_id, "not_reached")  # the same click, sent again
    home.tick()
    assert (callback(home).status, callback(home).tries) == ("not_reached", 1)
    home.wait(hours=2)
    assert asked(home) == []
    home.wait(hours=3)
    assert home.world.zendesk.ticket(row.ticket_id)["status"] == "open"
    assert (callback(home).status, callback(home).outcome) == ("open", None)


def test_what_was_said_in_the_sidebar_closes_the_loop_also_when_the_ticket_takes_no_more_changes(
    home: Harness, ids: Mapping[str, int]
) -> None:
    row = detractor(home)
    act(home, "solve", row.ticket_id)
    home.wait(days=1)
    act(home, "close", row.ticket_id)
    assert callback(home).closed_at is None
    conclude(home, row.ticket_id, "recovered", "product")
    now = callback(home)
    assert (now.outcome, now.root_cause, now.closed_at) == ("recovered", "product", home.clock())


def test_whoever_said_it_in_the_sidebar_is_not_asked_for_it_and_the_ticket_has_the_last_word(
    home: Harness, ids: Mapping[str, int]
) -> None:
    row = detractor(home)
    conclude(home, row.ticket_id, "recovered", "product")
    act(home, "solve", row.ticket_id)
    home.wait(hours=1)
    assert said(home, row.ticket_id) == []
    assert len(asked(home)) == 1
    fill_in(home, row.ticket_id, ids, "partly", "staff")
    home.clock.move(days=4)
    act(home, "close", row.ticket_id)
    assert (callback(home).outcome, callback(home).root_cause) == ("partly", "staff")


def test_what_came_of_an_earlier_call_does_not_close_a_callback_that_was_reopened(
    home: Harness, ids: Mapping[str, int]
) -> None:
    row = detractor(home)
    conclude(home, row.ticket_id, "recovered", "product")
    act(home, "solve", row.ticket_id)
    home.wait(hours=1)
    assert callback(home).closed_at is not None
    act(home, "reopen", row.ticket_id)
    assert (callback(home).outcome, callback(home).closed_at) == (None, None)


def test_a_bad_second_answer_opens_the_ticket_again_for_a_person_and_is_never_asked_about_again(
    home: Harness, ids: Mapping[str, int]
) -> None:
    row = detractor(home)
    fill_in(home, row.ticket_id, ids)
    act(home, "solve", row.ticket_id)
    home.wait(hours=1)
    answered(home, 1, 1, row.response_id, row.ticket_id)
    assert home.world.zendesk.ticket(row.ticket_id)["status"] == "open"
    assert said(home, row.ticket_id)[-1].startswith("The customer gave 1 to the solution")
    assert (callback(home).status, callback(home).handed_over) == ("reopened", True)
    fill_in(home, row.ticket_id, ids)
    act(home, "solve", row.ticket_id)
    home.wait(days=2)
    answered(home, 1, 1, row.response_id, row.ticket_id)  # by an old link: told to the team, and no round more
    assert len(asked(home)) == 1
    assert home.world.zendesk.ticket(row.ticket_id)["status"] == "solved"
    assert len(home.runs("support-recovery")) == 1


def test_a_bad_second_answer_about_a_closed_ticket_makes_a_follow_up_that_takes_its_place(
    home: Harness, ids: Mapping[str, int]
) -> None:
    row = detractor(home)
    fill_in(home, row.ticket_id, ids)
    act(home, "solve", row.ticket_id)
    home.wait(hours=1)
    home.clock.move(days=5)
    act(home, "close", row.ticket_id)
    answered(home, 1, 2, row.response_id, row.ticket_id)
    first, second = home.world.zendesk.tickets
    assert (second["via"]["source"]["rel"], second["requester_id"]) == ("follow_up", first["requester_id"])
    assert "ringback_callback" in second["tags"]
    assert home.world.zendesk.notices == []
    new = callback(home, str(second["id"]))
    assert (new.status, new.handed_over, new.response_id) == ("open", True, row.response_id)
    act(home, "solve", str(second["id"]))
    home.wait(days=1)
    assert len(asked(home)) == 1


def test_a_callback_that_nobody_touches_is_raised_once_and_told_to_the_team(home: Harness) -> None:
    row = detractor(home)
    home.wait(hours=3, minutes=59)
    assert home.world.zendesk.ticket(row.ticket_id)["priority"] == "high"
    home.wait(minutes=2)
    assert home.world.zendesk.ticket(row.ticket_id)["priority"] == "urgent"
    assert "ringback_escalated" in home.world.zendesk.ticket(row.ticket_id)["tags"]
    assert any("Nobody has touched" in mail.text for mail in home.mails("care@acme.example"))
    home.wait(hours=24)
    assert len([words for words in said(home, row.ticket_id) if "Escalated" in words]) == 1


def test_an_untouched_callback_goes_to_the_group_and_the_person_whom_the_rule_names(home: Harness) -> None:
    [group] = [each["id"] for each in home.world.zendesk.desk.state.groups.values() if each["name"] == "Callbacks"]
    lead = home.world.zendesk.agent["id"]
    why = "reason: Nobody has touched"
    named = f"group: {group}\n          assignee: {lead}\n          {why}"
    home.install(support_recovery=LOOP["support-recovery"].replace(why, named))
    row = detractor(home)
    home.wait(hours=4, minutes=1)
    ticket = home.world.zendesk.ticket(row.ticket_id)
    assert (ticket["group_id"], ticket["assignee_id"], ticket["priority"]) == (group, lead, "urgent")
    assert callback(home).status == "open", "given by a rule, it is not taken by anybody yet"


@pytest.mark.parametrize("touch", ["assign", "comment", "solve"])
def test_a_touched_callback_is_not_raised(home: Harness, touch: str) -> None:
    row = detractor(home)
    act(home, touch, row.ticket_id, comment="Calling now")
    home.wait(hours=6)
    assert home.world.zendesk.ticket(row.ticket_id)["priority"] == "high"


@pytest.mark.parametrize("end", ["delete", "spam", "merge"])
def test_a_ticket_that_is_gone_is_neither_raised_nor_asked_about(home: Harness, end: str) -> None:
    other = home.world.zendesk.write_in("Bo", "bo@example.com", "Other", "x")["id"]
    row = detractor(home)
    act(home, end, row.ticket_id, into=other)
    home.wait(days=6)
    assert said(home, row.ticket_id) == []
    assert asked(home) == []
    status = {"delete": "deleted", "merge": "merged"}.get(end, end)
    assert callback(home, row.ticket_id).status == status
    assert home.run("support-recovery").status == "succeeded"


def test_an_edited_rule_counts_for_callbacks_from_then_on_and_not_for_those_under_way(home: Harness) -> None:
    row = detractor(home)
    hasty = LOOP["support-recovery"].replace("timeout: 4 business hours", "timeout: 1 business hour")
    home.install(support_recovery=hasty)
    second = detractor(home, 2)
    home.wait(hours=1, minutes=1)
    priorities = [home.world.zendesk.ticket(each.ticket_id)["priority"] for each in (row, second)]
    assert priorities == ["high", "urgent"]


def test_another_requester_changes_nothing_about_whom_we_ask(home: Harness) -> None:
    row = detractor(home)
    other = home.world.zendesk.add_user("Bo", "bo@example.com")["id"]
    act(home, "give", row.ticket_id, requester=other)
    act(home, "solve", row.ticket_id)
    home.wait(hours=6)
    assert home.mails("bo@example.com") == []


def test_a_missed_merge_is_seen_before_anybody_is_asked(home: Harness) -> None:
    other = home.world.zendesk.write_in("Bo", "bo@example.com", "Other", "x")["id"]
    row = detractor(home)
    act(home, "solve", row.ticket_id)
    home.world.zendesk.act("reopen", row.ticket_id)
    home.world.zendesk.act("merge", row.ticket_id, into=other)  # and no webhook of it ever arrives
    home.wait(hours=2)
    assert asked(home) == []
    assert callback(home, row.ticket_id).status == "merged"


def test_on_a_plan_without_event_webhooks_the_loop_closes_by_triggers(home: Harness, ids: Mapping[str, int]) -> None:
    heard = by_triggers(home)

    def happens(action: str, **given: Any) -> None:
        home.world.zendesk.act(action, row.ticket_id, **given)
        while heard:
            home.deliver_zendesk(heard.pop(0))
        home.settle()

    row = detractor(home)
    happens("reply", comment="Are you there?")
    assert callback(home).status == "open", "the customer's own words are no contact"
    happens("assign")
    assert callback(home).status == "taken"
    happens("comment", comment="Called; they were glad.")
    assert callback(home).status == "contacted"
    fill_in(home, row.ticket_id, ids)
    happens("solve")
    home.clock.move(minutes=30)
    happens("reopen")
    home.wait(hours=2)
    assert asked(home) == []
    fill_in(home, row.ticket_id, ids)
    happens("solve")
    home.wait(hours=1)
    assert len(asked(home)) == 1
    assert (callback(home).status, callback(home).cycle) == ("solved", 2)


PROACTIVE = library("proactive-recovery")["proactive-recovery"].replace("< 20", "< 2").replace("enabled: false", "")


def test_every_detractor_is_called_while_there_is_room_but_nobody_who_refused(database_url: str) -> None:
    with a_home(database_url, proactive_recovery=PROACTIVE) as home:
        detractor_says = {1: None, 2: None, 3: None, 4: True, 5: False}
        for number, consent in detractor_says.items():
            customer = {"email": f"c{number}@example.com", "name": f"C {number}"}
            home.deliver(answer(2, response_id=f"a{number}", contact_consent=consent, customer=customer))
            home.settle()
        called = [ticket["subject"] for ticket in home.world.zendesk.tickets]
        assert called == ["Call back C 1", "Call back C 2", "Call back C 4"]
        home.ticket_event("ticket_solved", str(home.world.zendesk.tickets[0]["id"]), at=home.clock() + timedelta(1))
        home.ticket_event("ticket_solved", str(home.world.zendesk.tickets[1]["id"]), at=home.clock() + timedelta(1))
        home.settle()
        customer = {"email": "c6@example.com", "name": "C 6"}
        home.deliver(answer(2, response_id="a6", contact_consent=None, customer=customer))
        home.deliver(answer(2, response_id="a7", contact_consent=False, customer={"email": "c7@example.com"}))
        home.settle()
        assert [ticket["subject"] for ticket in home.world.zendesk.tickets][3:] == ["Call back C 6"]


@pytest.mark.parametrize("apart", [0, 2])
@pytest.mark.parametrize("is_first_asked", [True, False])
def test_a_callback_reopened_and_solved_in_one_breath_is_asked_about_again(
    home: Harness, ids: Mapping[str, int], is_first_asked: bool, apart: int
) -> None:
    """Both are understood before what we tell of the reopening ourselves, which is older news than the solve."""
    row = detractor(home)
    fill_in(home, row.ticket_id, ids)
    act(home, "solve", row.ticket_id)
    if is_first_asked:
        home.wait(hours=1)
    home.clock.move(minutes=5)
    for action, later in (("reopen", 0), ("solve", apart)):
        home.world.zendesk.act(action, row.ticket_id)
        moment = home.clock() + timedelta(seconds=later)
        home.ticket_event(f"ticket_{'reopened' if action == 'reopen' else 'solved'}", row.ticket_id, at=moment)
    fill_in(home, row.ticket_id, ids)
    home.settle()
    home.wait(hours=1)
    assert home.runs("retention-survey")[-1].reason == ""
    assert len(asked(home)) == 1 + is_first_asked
    assert (callback(home).status, callback(home).cycle) == ("solved", 2)
