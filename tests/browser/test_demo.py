"""The guided tour in a browser: the whole loop through the page's own buttons and the real survey pages."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.browser import DESKTOP, PATIENCE, PHONE, accessibility_problems, new_context
from tests.support.processes import Process

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running demo's address."""
    process = Process(["demo", "--port", "0"], {}, tmp_path_factory.mktemp("demo") / "demo.log")
    try:
        process.wait_for("Stop with Ctrl-C")
        found = re.search(r"Open\s+(http://\S+)", process.log)
        assert found
        yield found.group(1)
    finally:
        assert process.stop() == 0


@pytest.fixture
def visit(browser: Browser) -> Iterator[BrowserContext]:
    context = new_context(browser, viewport=DESKTOP)
    yield context
    context.close()


def begin(visit: BrowserContext, address: str) -> tuple[Page, list[str]]:
    """A new round, and what the browser complains of on its page."""
    page, complaints = visit.new_page(), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    page.get_by_role("button", name="Start with another customer").last.click()
    becomes(page, "solve", "turn")
    return page, complaints


def becomes(page: Page, step: str, state: str) -> None:
    expect(page.locator(f"#{step}")).to_have_class(re.compile(rf"\b{state}\b"))


def test_a_visitor_plays_the_whole_loop(visit: BrowserContext, address: str) -> None:
    page, complaints = begin(visit, address)
    page.get_by_role("button", name="Solve the ticket").click()
    becomes(page, "answer", "turn")
    assert accessibility_problems(page) == []
    answer_from_the_mail(visit, page)
    becomes(page, "solve-callback", "turn")
    expect(page.locator("#callback")).to_contain_text("high")
    page.get_by_text("What the agent reads in the ticket").click()
    expect(page.locator("#callback pre").last).to_contain_text("Nobody listened.")
    page.get_by_role("button", name="Solve the callback").click()
    becomes(page, "retention", "turn")
    answer_again(visit, page)
    expect(page.get_by_role("status")).to_contain_text("The loop is closed")
    expect(page.locator("#score")).to_contain_text("2 (detractor)")
    assert accessibility_problems(page) == []
    assert complaints == []


def answer_from_the_mail(visit: BrowserContext, page: Page) -> None:
    """Click a score in the mail, and fill in the survey that opens beside the tour."""
    with visit.expect_page() as opened:
        page.frame_locator("#mail iframe").get_by_role("link", name="2", exact=True).click()
    survey = opened.value
    survey.locator('input[name="q.score"][value="2"]:checked').wait_for(state="attached")
    survey.locator('textarea[name="q.reason"]').fill("Nobody listened.")
    survey.locator('input[name="q.contact_consent"][value="yes"]').check()
    send(survey, once_it_asks="q.contact.phone")


def answer_again(visit: BrowserContext, page: Page) -> None:
    with visit.expect_page() as opened:
        page.get_by_role("link", name="Open the retention survey").click()
    survey = opened.value
    survey.locator('input[name="q.score"][value="5"]').check()
    send(survey, once_it_asks="q.comment")


def send(survey: Page, once_it_asks: str) -> None:
    """Before the questions that follow from an answer are on the page, its button leads to them, not to the end."""
    expect(survey.locator(f'[name="{once_it_asks}"]')).to_be_visible()
    survey.get_by_role("button").last.click()
    survey.wait_for_url("**/thanks")
    survey.close()


def test_the_tour_plays_itself_and_links_to_the_history(visit: BrowserContext, address: str) -> None:
    page, complaints = begin(visit, address)
    page.get_by_role("button", name="Play it for me").click()
    expect(page.get_by_role("button", name="Playing for you")).to_be_disabled()
    expect(page.get_by_role("status")).to_contain_text("The loop is closed", timeout=2 * PATIENCE)
    page.get_by_role("link", name="See the recovery run").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("support-recovery")
    assert accessibility_problems(page) == []
    page.go_back()
    page.get_by_role("link", name="See the delivery").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Delivery")
    assert accessibility_problems(page) == []
    assert complaints == []


def test_the_stand_ins_are_one_click_away(visit: BrowserContext, address: str) -> None:
    page, _ = begin(visit, address)
    with visit.expect_page() as opened:
        page.get_by_role("link", name=re.compile("See ticket #")).click()
    expect(opened.value.locator("body")).to_contain_text("Stand-in for Zendesk")


def test_the_tour_works_by_keyboard_and_keeps_its_place(visit: BrowserContext, address: str) -> None:
    page, _ = begin(visit, address)
    page.get_by_role("button", name="Solve the ticket").focus()
    page.keyboard.press("Enter")
    becomes(page, "webhook", "done")
    page.wait_for_function("document.activeElement.closest('.step')?.id === 'solve'")  # once the step is drawn anew


def test_the_tour_works_without_a_script(browser: Browser, address: str) -> None:
    context = new_context(browser, java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    page.get_by_role("button", name="Start with another customer").last.click()
    page.get_by_role("button", name="Solve the ticket").click()
    page.get_by_role("link", name="look again").click()
    assert "done" in (page.locator("#solve").get_attribute("class") or "")
    context.close()


def test_a_phone_shows_the_tour_without_scrolling_sideways(browser: Browser, address: str) -> None:
    context = new_context(browser, viewport=PHONE, color_scheme="dark")
    page, _ = begin(context, address)
    page.get_by_role("button", name="Solve the ticket").click()
    becomes(page, "mail", "done")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert accessibility_problems(page) == []
    context.close()
