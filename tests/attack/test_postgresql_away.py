"""PostgreSQL is away: pages say so in our look and keep what was typed, programs are told when to come again."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from connector.storage.schema import tables
from connector.web.app import web_app
from sandbox.clock import HandClock
from sandbox.world import World
from tests.support.house import Harness, a_house, answer
from tests.support.line import Line, line_to
from tests.survey_site import BROWSER

pytestmark = [pytest.mark.parametrize("database_url", ["postgresql"], indirect=True), pytest.mark.timeout(120)]

ASK = """\
trigger: {event: order.delivered}
run: {key: event.id}
steps:
  - {id: ask, do: survey.send, with: {survey: after-support}}
"""
COMMENT = "It took a week, and then <b>nobody</b> knew my name."
SOON = 5  # seconds: the promise to whoever waits


@dataclass
class Night:
    """A house whose line to its database can be cut, and somebody who was asked."""

    home: Harness
    line: Line
    page: str

    def get(self, path: str, **headers: str) -> TestResponse:
        return self._timed("GET", path, headers)

    def post(self, path: str, fields: Any, **headers: str) -> TestResponse:
        return self._timed("POST", path, headers, fields)

    def _timed(self, method: str, path: str, headers: dict[str, str], fields: Any = None) -> TestResponse:
        data = MultiDict(fields) if fields else None
        began = time.monotonic()
        told = self.home.client.open(path, method=method, data=data, headers={**BROWSER, **headers})
        assert time.monotonic() - began < SOON
        return told


@pytest.fixture
def night(database_url: str) -> Iterator[Night]:
    clock = HandClock()
    with (
        line_to(database_url) as (line, url),
        World(clock=clock) as world,
        a_house(url, world, {"ask": ASK}, clock=clock) as home,
    ):
        person = {"email": "ann@example.com", "name": "Ann", "locale": "nl"}
        home.deliver({"type": "order.delivered", "id": "order-1", "data": {"customer": person}})
        home.settle()
        [found] = set(re.findall(r"/s/[\w-]{22}", home.mails()[0].text))
        clock.move(minutes=30)
        yield Night(home, line, found)


def fields_of(page: str, **typed: str) -> list[tuple[str, str]]:
    """The form of a page as a browser sends it, with what somebody typed."""
    form = page[page.index("<form") : page.index("</form>")]
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return [(name, html.unescape(value)) for name, value in hidden] + list(typed.items())


def is_away(told: TestResponse) -> bool:
    return told.status_code == 503 and int(told.headers["Retry-After"]) > 0


def typed_into(night: Night) -> list[tuple[str, str]]:
    page = night.get(f"{night.page}?score=2").get_data(as_text=True)
    shown = re.findall(r'name="q\.([\w-]+)"', page)
    assert "score" in shown
    text = re.findall(r'<textarea id="i-([\w-]+)"', page)[0]
    return [*fields_of(page), ("shown", text), ("q.score", "2"), (f"q.{text}", COMMENT)]


def test_what_was_typed_stands_in_the_form_again_and_is_saved_by_sending_it_again(night: Night) -> None:
    sent = typed_into(night)
    night.line.cut()
    told = night.post(night.page, sent)
    shown = told.get_data(as_text=True)
    assert is_away(told)
    assert html.escape(COMMENT, quote=False) in shown
    assert re.search(r'name="q\.score" value="2" checked', shown)
    assert "Dit is nog niet opgeslagen" in shown  # in the language of the page
    assert is_away(night.get(night.page))
    night.line.mend()
    assert night.post(night.page, sent).status_code in (302, 303)
    answers = night.home.one(tables.invitations).answers
    assert answers["score"] == 2
    assert COMMENT in answers.values()


def test_where_the_form_is_not_at_hand_what_was_typed_travels_along(night: Night) -> None:
    sent = typed_into(night)
    night.home.client = web_app(night.home.house).test_client()  # another process, which drew no page
    night.line.cut()
    told = night.post(night.page, sent, **{"Accept-Language": "nl"})
    shown = told.get_data(as_text=True)
    assert is_away(told)
    assert html.escape(COMMENT, quote=False) in shown.partition("<blockquote")[2]
    assert "Nog niet opgeslagen" in shown
    night.line.mend()
    assert night.post(night.page, fields_of(shown)).status_code in (302, 303)
    assert COMMENT in night.home.one(tables.invitations).answers.values()


def test_pages_programs_and_senders_are_told_soon_and_all_is_well_after(night: Night) -> None:
    night.line.cut()
    away = night.get("/readyz")
    assert away.status_code == 503
    assert "does not answer" in away.get_json()["why"]
    assert night.get("/healthz").status_code == 200
    for path in (night.page, night.page.replace("/s/", "/u/"), "/api/v1/runs", "/admin/", "/admin/sign-in"):
        assert is_away(night.get(path, Authorization="Bearer rb_nobody")), path
    assert night.get("/api/v1/runs", Authorization="Bearer rb_nobody").content_type == "application/problem+json"
    assert is_away(night.post(f"{night.page}/answer", {"q.score": "2"}))
    assert night.home.deliver(answer(3)) == 503
    night.line.mend()
    assert night.home.deliver(answer(3)) < 300
    assert night.get(night.page).status_code == 200
    night.home.settle()
    assert night.get("/readyz").status_code == 200
