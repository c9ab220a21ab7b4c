"""A customer found and heard, a survey sent, a case decided and a callback closed in the browser: by keyboard alone,
and without any script."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from connector.storage.schema import tables
from tests.browser.browser import new_context
from tests.browser.test_admin_journeys import press, reach
from tests.support.admin import Door, served
from tests.support.callbacks import library
from tests.support.house import Harness, a_home, answer
from tests.support.house_workflows import OPEN_A_TICKET

pytestmark = pytest.mark.browser

CALLS = OPEN_A_TICKET.replace("{event: survey.answered}", '{event: survey.answered, if: event.band == "detractor"}')


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path) -> Iterator[Harness]:
    """Ann waits for a call; two systems do not agree who Bo and Bobby are."""
    file = shutil.copy(sqlite_template, tmp_path / "ringback.db")
    by_hand = library("send-by-hand")["send-by-hand"]
    with a_home(f"sqlite:///{file}", call_back=CALLS, send_by_hand=by_hand) as home:
        _tell(home, 2, email="ann@example.com", name="Ann Jansen")
        _tell(home, 9, email="bo@example.com", zendesk_user_id=1, name="Bo")
        _tell(home, 9, email="bobby@example.com", zendesk_user_id=2, name="Bobby")
        _tell(home, 9, email="bobby@example.com", zendesk_user_id=1)
        yield home


def _tell(home: Harness, score: int, **customer: Any) -> None:
    home.deliver(answer(score, customer=customer))
    home.settle()


@pytest.fixture
def url(home: Harness) -> Iterator[str]:
    with served(home, Door()) as url:
        yield url


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    context = new_context(browser)
    page = context.new_page()
    page.goto(f"{url}/admin/")
    yield page
    context.close()


def test_by_keyboard_alone(home: Harness, page: Page) -> None:
    press(page, "Customers")
    reach(page, "Whom do you look for?")
    page.keyboard.type("jansen")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Bobby")).to_have_count(0)
    press(page, "Ann Jansen")
    reach(page, "Log feedback")
    page.keyboard.press("Enter")
    reach(page, "What they said")
    page.keyboard.type("All is well again.")
    reach(page, "Score")
    page.keyboard.type("9")
    press(page, "Log it")
    expect(page.get_by_role("status")).to_contain_text("It is logged.")
    reach(page, "Send a survey, or see why not")
    page.keyboard.press("Enter")
    press(page, "Send it: after-support")
    expect(page.get_by_role("status")).to_contain_text("It is asked for.")
    home.settle()
    assert len(home.mails("ann@example.com")) == 1
    assert home.one(tables.responses, tables.responses.c.survey == "conversation").score == 9

    press(page, "Who is who")
    press(page, "Bo")
    reach(page, "The same person")
    page.keyboard.press("Space")
    press(page, "Decide")
    expect(page.get_by_role("status")).to_contain_text("It is decided")
    assert len(home.rows(tables.customers)) == 2

    press(page, "Callbacks")
    press(page, "Ann Jansen")
    reach(page, "Outcome")
    page.keyboard.type("Won back")
    reach(page, "Why it went wrong")
    page.keyboard.type("Waiting time")
    press(page, "Keep it")
    expect(page.get_by_role("status")).to_contain_text("It is kept, with your name.")
    home.settle()
    kept = home.one(tables.callbacks)
    assert (kept.outcome, kept.root_cause) == ("recovered", "waiting_time")


def test_without_script_by_plain_links_and_forms(home: Harness, browser: Browser, url: str) -> None:
    context = new_context(browser, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{url}/admin/customers")
    page.get_by_label("Whom do you look for?").fill("jansen")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("link", name="Bobby")).to_have_count(0)
    page.get_by_role("link", name="Ann Jansen").click()
    page.get_by_text("Opt out", exact=True).click()
    page.get_by_label("Why").last.fill("She rang.")
    page.get_by_role("button", name="Stop all surveys").click()
    expect(page.get_by_role("status")).to_contain_text("No survey reaches them any more.")
    page.get_by_text("Send a survey, or see why not").click()
    expect(page.get_by_text("would not go").first).to_be_visible()
    page.goto(f"{url}/admin/callbacks")
    page.get_by_role("link", name="Ann Jansen").click()
    page.get_by_label("Outcome").select_option("not_needed")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("status")).to_contain_text("It is kept, with your name.")
    home.settle()
    assert home.one(tables.callbacks).outcome == "not_needed"
    context.close()
