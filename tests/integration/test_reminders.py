"""Reminders: the same question in other words, once each, and never to whoever has something better to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.feedback.surveys import files
from connector.storage.schema import tables
from sandbox.clock import HandClock
from sandbox.mailbox.store import Stage
from sandbox.world import World
from tests.support.house import Harness, a_house, config_of
from workflows import schema
from workflows.errors import DefinitionError
from workflows.library import load_library

ASK = """\
trigger: {event: order.delivered}
run: {key: event.id, mode: parallel}
steps:
  - {id: ask, do: survey.send, with: {survey: after-support, context: {ticket: "{{ event.ticket }}"}}}
"""
REMINDERS = """
reminders:
  - after: 4 days
    subject: {en: "Did you have a minute, {{ customer.name }}?", nl: "Heeft u een minuut, {{ customer.name }}?"}
    intro: {en: "A second try", nl: "Een tweede poging"}
  - after: 3 days
    subject: {en: "A last time", nl: "Een laatste keer"}
    intro: {en: "We will not ask again", nl: "Wij vragen het niet nog eens"}
"""

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@contextmanager
def house(
    url: str, clock: HandClock, quiet: str = "quiet_hours: none", reminders: str = REMINDERS
) -> Iterator[Harness]:
    with World(clock=clock) as world:
        config = re.sub("quiet_hours: none.*", quiet, config_of(world))
        built_in = re.sub(r"fatigue_days: \d+.*", "passes_fatigue: true", files.built_in()["after-support"])
        workflows = {"ask": ASK, "survey-reminders": schema.dump(load_library()["survey-reminders"])}
        surveys = {"after-support": built_in + reminders}
        with a_house(url, world, workflows, clock=clock, config=config, surveys=surveys) as home:
            yield home


@pytest.fixture
def clock() -> HandClock:
    return HandClock(datetime(2026, 3, 2, 9, tzinfo=UTC))


@pytest.fixture
def home(database_url: str, clock: HandClock) -> Iterator[Harness]:
    with house(database_url, clock) as home:
        yield home


def asked(home: Harness, name: str = "ann", number: int = 1) -> None:
    person = {"email": f"{name}@example.com", "name": name.title()}
    data = {"ticket": "zendesk:77", "customer": person}
    home.deliver({"type": "order.delivered", "id": f"order-{name}-{number}", "data": data})
    home.settle()


def subjects(home: Harness) -> list[str]:
    return [mail.header("Subject") for mail in home.mails("ann@example.com")]


def told(home: Harness) -> str:
    """The code that the reminders' run ended with."""
    outputs = home.run("survey-reminders").state["outputs"]
    return next(each["code"] for each in outputs.values() if each.get("code"))


def test_who_does_not_answer_is_reminded_twice_by_the_same_link_in_other_words(home: Harness) -> None:
    asked(home)
    home.wait(days=4)
    home.wait(days=3)
    home.wait(days=30)
    mails = home.mails("ann@example.com")
    assert [mail.header("Subject") for mail in mails[1:]] == ["Did you have a minute, Ann?", "A last time"]
    assert "A second try" in mails[1].text
    assert len({token for mail in mails for token in re.findall(r"/s/([\w-]{22})", mail.text)}) == 1
    assert len({mail.header("Message-ID") for mail in mails}) == 3
    assert mails[2].header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    invitation = home.one(tables.invitations)
    assert (invitation.reminded, invitation.reminded_at) == (2, invitation.sent_at + timedelta(days=7))
    events = home.rows(tables.events, tables.events.c.type == "survey.reminded")
    assert [event.data["number"] for event in events] == [1, 2]
    assert home.run("survey-reminders").status == "succeeded"


def test_the_stored_reminder_holds_no_link(home: Harness) -> None:
    asked(home)
    home.wait(days=4)
    [token] = {token for mail in home.mails() for token in re.findall(r"/s/([\w-]{22})", mail.text)}
    for table in tables.metadata.sorted_tables:
        assert token not in repr([tuple(row) for row in home.rows(table)]), table.name


def with_invitation(home: Harness, **values: Any) -> None:
    with home.house.database.write() as tx:
        tx.execute(tables.invitations.update().values(**values))


@pytest.mark.parametrize(("values", "code"), [
    ({"status": "answered", "answered_at": datetime(2026, 3, 4, tzinfo=UTC)}, "answered"),
    ({"status": "started", "started_at": datetime(2026, 3, 4, tzinfo=UTC)}, "under_way"),
    ({"expires_at": datetime(2026, 3, 6, 9, tzinfo=UTC)}, "run_out"),
    ({"reminded": 1}, "reminded"),
])  # fmt: skip
@on_sqlite
def test_what_became_of_the_invitation_stops_its_reminders(home: Harness, values: dict[str, Any], code: str) -> None:
    asked(home)
    with_invitation(home, **values)
    home.wait(days=4)
    assert len(subjects(home)) == 1
    assert told(home) == code
    assert home.run("survey-reminders").status == "succeeded"
    assert any(line.startswith("no reminder:") or "no reminder:" in line for line in home.story())


@on_sqlite
def test_an_invitation_that_came_back_is_not_repeated(home: Harness) -> None:
    asked(home)
    row = {"id": "r" * 26, "mail": home.one(tables.invitations).id, "kind": "soft", "address": "ann@example.com",
           "status": "4.2.2", "reason": "full", "said": "", "connection": "mail", "mailed_at": home.clock(),
           "seen_at": home.clock()}  # fmt: skip
    with home.house.database.write() as tx:
        tx.execute(tables.mail_returns.insert().values(row))
    home.wait(days=4)
    assert len(subjects(home)) == 1
    assert told(home) == "bounced"


def test_who_opted_out_meanwhile_is_not_reminded(home: Harness) -> None:
    asked(home)
    home.deliver({"type": "customer.opted_out", "id": "out", "data": {"customer": {"email": "ann@example.com"}}})
    home.wait(days=4)
    assert len(subjects(home)) == 1
    assert told(home) == "opted_out"


@on_sqlite
def test_after_a_newer_survey_the_older_one_is_dropped(home: Harness) -> None:
    asked(home)
    home.wait(days=2)
    asked(home, number=2)
    home.wait(days=2)
    home.wait(days=2)
    assert len(subjects(home)) == 3  # two invitations, and the newer one's reminder
    first = home.runs("survey-reminders")[0]
    assert first.state["outputs"]["first"]["code"] == "newer_survey"


@on_sqlite
def test_while_a_callback_of_theirs_is_open_nobody_is_reminded(home: Harness) -> None:
    asked(home)
    customer, now = home.one(tables.customers).id, home.clock()
    row = {"id": "c" * 26, "connection": "zendesk", "external_id": "x", "ticket_id": "9", "customer_id": customer,
           "run_id": home.runs()[0].id, "status": "open", "cycle": 0, "changed_at": now, "created_at": now}  # fmt: skip
    with home.house.database.write() as tx:
        tx.execute(tables.callbacks.insert().values(row))
    home.wait(days=4)
    assert told(home) == "open_callback"


@on_sqlite
def test_a_ticket_that_was_opened_again_is_not_reminded_of(home: Harness) -> None:
    asked(home)
    home.ticket_event("ticket_reopened", "77")
    home.wait(days=4)
    assert told(home) == "ticket_gone"


@on_sqlite
def test_a_reminder_that_could_not_leave_is_tried_again_and_leaves_once(home: Harness) -> None:
    asked(home)
    home.world.mailbox.refuse("ann", Stage.RCPT, code=450, times=1)
    home.wait(days=4)
    assert home.one(tables.invitations).reminded == 0
    home.wait(hours=2)
    assert len(subjects(home)) == 2
    assert home.one(tables.invitations).reminded == 1


@on_sqlite
def test_reminders_keep_to_the_quiet_hours_over_a_change_of_the_clock(database_url: str) -> None:
    clock = HandClock(datetime(2026, 3, 25, 17, 30, tzinfo=UTC))  # Wednesday, 18:30 in Amsterdam
    quiet = 'quiet_hours: {from: "19:00", until: "09:00", weekends: true}'
    with house(database_url, clock, quiet) as home:
        asked(home)
        home.wait(days=4)  # Sunday, 19:30 by the new clock
        assert len(subjects(home)) == 1
        [effect] = [each for each in home.effects("survey.remind") if each.status == "due"]
        assert effect.due_at == datetime(2026, 3, 30, 7, tzinfo=UTC)
        clock.now = effect.due_at
        home.tick()
        assert len(subjects(home)) == 2


@on_sqlite
def test_a_survey_without_reminders_begins_no_run(database_url: str, clock: HandClock) -> None:
    with house(database_url, clock, reminders="") as home:
        asked(home)
        assert home.runs("survey-reminders") == []


@pytest.mark.parametrize(("written", "says"), [
    ("reminders: []", "none, or more than two"),
    ("reminders: [{after: 0 days, subject: {en: a, nl: a}, intro: {en: b, nl: b}}]", "no time at all"),
    ("reminders: [{after: soon, subject: {en: a, nl: a}, intro: {en: b, nl: b}}]", "is no time span"),
    ("reminders: [{subject: {en: a, nl: a}, intro: {en: b, nl: b}}]", "after: it is missing"),
    ("reminders: [{after: 4 days, subject: {en: a}, intro: {en: b, nl: b}}]", "wording in nl is missing"),
    ("reminders: [{after: 40 days, subject: {en: a, nl: a}, intro: {en: b, nl: b}}]", "after the link has run out"),
    ("reminders: [{after: 4 days, subject: {en: '{{ x }}', nl: a}, intro: {en: b, nl: b}}]", "x is not known here"),
])  # fmt: skip
def test_a_mistake_in_reminders_is_told_with_its_place(written: str, says: str) -> None:
    with pytest.raises(DefinitionError, match=says):
        files.parse(f"{files.built_in()['after-support']}\n{written}\n", "s")
