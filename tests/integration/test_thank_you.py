"""The thank-you says what this person said, and what will be done: never a promise that nothing stands behind."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from connector.feedback.messaging.brands import Brand
from connector.ids import new_id
from connector.runtime.doorbell import INTAKE
from connector.storage.schema import tables
from connector.web.survey.thanks import moment_of
from sandbox.clock import HandClock
from sandbox.world import World
from tests.integration.test_mail_never_left import ASK
from tests.support.house import Harness, a_home, a_house, config_of
from tests.survey_site import NOON, survey_site
from workflows.calendars import BusinessCalendar

CALL = """\
trigger: {event: survey.answered, if: event.band == "detractor"}
run: {key: event.customer, mode: single}
steps:
  - {id: alert, do: alert.send, with: {to: care-team, text: "{{ event.comment }}"}, on_error: []}
  - id: callback
    if: event.contact_consent == true
    do: ticket.open
    with: {connection: zendesk, subject: "Call {{ customer.name }}", due: 4 business hours}
  - {id: solved, wait: {event: ticket.solved, match: event.ticket == steps.callback.ticket, timeout: 30 days}}
"""
PROMISE = "We will call \u206606 •• •• 78\u2069, in the morning, before Monday 2:00 PM."

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, ask=ASK, call=CALL) as home:
        yield home


def asked(home: Harness, language: str = "en") -> str:
    """The path of a new invitation's page, which came ten minutes ago: nobody answers in the second of its coming."""
    home.clock.move(minutes=-10)
    person = {"email": f"{new_id()}@example.com", "name": "Jan", "locale": language}
    home.deliver({"type": "order.delivered", "id": new_id(), "data": {"order": new_id(), "customer": person}})
    home.settle()
    home.clock.move(minutes=10)
    found = re.search(r"/s/[\w-]{22}", home.mails()[-1].text)
    assert found
    return found[0]


def sent(home: Harness, path: str, score: int = 2, **more: str) -> str:
    """What the page says once the whole form was sent."""
    shown = ["score", "reason", "contact_consent", "contact", "improvements"]
    fields = {"shown": shown, "q.score": str(score), **{f"q.{name}": value for name, value in more.items()}}
    return said(home, path, home.client.post(path, data=fields))


def said(home: Harness, path: str, answer: Any = None) -> str:
    if answer is not None:
        assert answer.status_code == 303, answer.text
    page = home.client.get(f"{path}/thanks").text
    main = re.sub(r"<[^>]+>", " ", page[page.index("<main") : page.index("</main>")])
    return " ".join(html.unescape(main).replace("\u202f", " ").split())


WISH = {"reason": "Nobody <b>listened</b>.", "contact_consent": "yes", "contact.phone": "06 12345678",
        "contact.window": "morning"}  # fmt: skip


@ON_SQLITE
def test_it_repeats_what_was_said_and_promises_what_the_workflow_does(home: Harness) -> None:
    told = sent(home, asked(home), **WISH)
    assert PROMISE in told
    assert "Your answer: 2" in told
    assert "Nobody <b>listened</b>." in told


@ON_SQLITE
def test_the_promise_is_the_tickets_once_there_is_one(home: Harness) -> None:
    path = asked(home)
    sent(home, path, **WISH)
    home.settle()
    [ticket] = home.world.zendesk.tickets
    assert ticket["due_at"] == "2026-03-02T13:00:00Z"
    home.wait(minutes=40)
    assert PROMISE in said(home, path)


@ON_SQLITE
def test_the_promise_holds_while_the_run_is_still_on_its_way_to_the_ticket(home: Harness) -> None:
    """Other processes may understand the answer before its page is shown."""
    path = asked(home)
    sent(home, path, **WISH)
    home.pump(INTAKE)
    [run] = home.runs("call")
    assert (run.step, home.rows(tables.callbacks)) == ("alert", [])
    assert PROMISE in said(home, path)


@ON_SQLITE
def test_what_a_run_asks_for_after_a_wait_is_not_promised(database_url: str) -> None:
    later = CALL.replace("  - id: callback\n", "  - {id: later, wait: 1 hour}\n  - id: callback\n")
    with a_home(database_url, ask=ASK, call=later) as home:
        path = asked(home)
        sent(home, path, **WISH)
        home.pump(INTAKE)
        assert home.run("call").step == "alert"
        assert "We will call" not in said(home, path)


@ON_SQLITE
def test_it_names_who_calls_where_the_team_says_so_until_somebody_takes_the_ticket(database_url: str) -> None:
    call = CALL.replace("{connection: zendesk,", "{connection: zendesk, team: care-team,")
    clock = HandClock()
    with World(clock=clock) as world:
        teams = "care-team: {caller: Jan de Boer, "
        config = config_of(world).replace("care-team: {", teams)
        with a_house(database_url, world, {"ask": ASK, "call": call}, clock=clock, config=config) as home:
            path = asked(home)
            assert f"{PROMISE} Jan de Boer does it." in sent(home, path, **WISH)
            home.settle()
            assert f"{PROMISE} Jan de Boer does it." in said(home, path)
            with home.house.database.write() as tx:
                tx.execute(tables.callbacks.update().values(taken_at=home.clock()))
            assert PROMISE in said(home, path)
            assert "Jan de Boer" not in said(home, path)


@ON_SQLITE
def test_a_call_that_was_made_is_promised_no_more(home: Harness) -> None:
    path = asked(home)
    sent(home, path, **WISH)
    home.settle()
    [ticket] = home.world.zendesk.tickets
    home.clock.move(hours=1)
    home.ticket_event("ticket_solved", str(ticket["id"]))
    home.settle()
    assert "We will call" not in said(home, path)


@ON_SQLITE
def test_who_asked_for_nothing_is_promised_nothing(home: Harness) -> None:
    told = sent(home, asked(home), reason="Slow.", contact_consent="no")
    assert "We will" not in told.replace("We will learn", "")
    assert "You asked" not in told


@ON_SQLITE
def test_without_a_number_it_says_where_we_write_to(home: Harness) -> None:
    told = sent(home, asked(home), contact_consent="yes", **{"contact.window": "any"})
    assert re.search(r"We will write to \u2066\w•••@example.com\u2069, before Monday 2:00 PM\.", told)


@ON_SQLITE
def test_a_wish_that_no_workflow_hears_is_repeated_and_not_promised(database_url: str) -> None:
    with a_home(database_url, ask=ASK, call=CALL.replace("ticket.open", "alert.send").replace(
        'connection: zendesk, subject: "Call {{ customer.name }}", due: 4 business hours', 'to: care-team, text: "x"'
    )) as home:  # fmt: skip
        path = asked(home)
        told = sent(home, path, **WISH)
        home.settle()
        assert said(home, path) == told
    assert "You asked us to contact you: \u206606 •• •• 78\u2069, in the morning." in told
    assert "We will call" not in told


@ON_SQLITE
def test_a_workflow_without_a_due_time_promises_none(database_url: str) -> None:
    with a_home(database_url, ask=ASK, call=CALL.replace(", due: 4 business hours", "")) as home:
        told = sent(home, asked(home), **WISH)
    assert "We will call \u206606 •• •• 78\u2069, in the morning." in told


@ON_SQLITE
def test_it_speaks_the_persons_language(home: Harness) -> None:
    told = sent(home, asked(home, "nl"), **WISH)
    assert "Wij bellen \u206606 •• •• 78\u2069, in de ochtend, vóór maandag 14:00." in told
    assert "Uw antwoord: 2" in told


@ON_SQLITE
def test_nothing_is_started_or_stored_by_the_promise(home: Harness) -> None:
    path = asked(home)
    sent(home, path, **WISH)
    before = [len(home.rows(table)) for table in (tables.runs, tables.effects, tables.history)]
    said(home, path)
    assert [len(home.rows(table)) for table in (tables.runs, tables.effects, tables.history)] == before


REVIEWS = "https://reviews.example/acme"


def reviews(folder: Path, survey: str, **invitation: Any) -> list[str]:
    """The way to the brand's reviews on each band's thank-you: address and words, as one text."""
    found = []
    with survey_site(folder, brand=Brand(title="Acme", review_url=REVIEWS)) as site:
        scores = (1, 3, 5) if survey == "retention" else (2, 7, 10)
        for score in scores:
            token = site.invite(survey, answers={"score": score}, status="answered", answered_at=NOON, **invitation)
            page = requests.get(f"{site.url}/s/{token}/thanks", timeout=60).text
            [way] = re.findall(r'<p class="review">(.*?)</p>', page)
            found.append(way)
    return found


def test_everybody_is_led_to_the_same_reviews_in_the_same_words(tmp_path: Path) -> None:
    [way, *others] = reviews(tmp_path, "after-support")
    assert others == [way, way]
    assert f'Would you like to tell others? <a href="{REVIEWS}" rel="noopener">Write a review</a>' in way


def test_who_is_glad_about_a_solution_may_change_an_earlier_review(tmp_path: Path) -> None:
    ways = reviews(tmp_path, "retention", about=new_id())
    assert {re.findall('href="([^"]+)"', way)[0] for way in ways} == {REVIEWS}
    assert "If you wrote a review before, you can change it now." in ways[2]
    assert ways[0] == ways[1]
    assert "Write a review" in ways[0]


@pytest.mark.parametrize(
    ("moment", "spoken"),
    [
        (datetime(2026, 3, 3, 11, 0, tzinfo=UTC), "Tuesday 12:00 PM"),
        (datetime(2026, 3, 3, 11, 0, 1, tzinfo=UTC), "Tuesday 12:15 PM"),
        (datetime(2026, 3, 3, 22, 59, tzinfo=UTC), "Wednesday 12:00 AM"),
        (datetime(2026, 3, 12, 11, 0, tzinfo=UTC), "Thursday, March 12, 12:00 PM"),
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "Sunday, March 29, 3:00 AM"),  # the hour that is left out in spring
    ],
)
def test_a_moment_is_said_on_the_persons_clock_and_never_too_early(moment: datetime, spoken: str) -> None:
    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    said = moment_of(moment, Brand().words("en"), BusinessCalendar().timezone, now)
    assert said.replace("\u202f", " ") == spoken
