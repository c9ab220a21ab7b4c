"""What an admin does in the browser, from the need on the first page to what is mended: by keyboard alone, and without
any script by plain links and forms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from connector.storage.schema import tables
from tests.browser.browser import new_context
from tests.support.admin import Door, served
from tests.support.admin_house import copied, lively_house
from tests.support.house import Harness

pytestmark = pytest.mark.browser

MOST_STOPS = 80


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path) -> Iterator[Harness]:
    with lively_house(copied(sqlite_template, tmp_path)) as home:
        yield home


@pytest.fixture
def url(home: Harness) -> Iterator[str]:
    with served(home, Door()) as url:
        yield url


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    context = new_context(browser)
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.goto(f"{url}/admin/")
    yield page
    context.close()


@pytest.fixture
def plain(browser: Browser, url: str) -> Iterator[Page]:
    """Without JavaScript."""
    context = new_context(browser, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{url}/admin/")
    yield page
    context.close()


_NAME = """() => { const at = document.activeElement;
  const label = at.labels && at.labels[0] ? at.labels[0].innerText : "";
  return [at.tagName, (label || at.innerText || at.value || "").replace(/\\s+/g, " ").trim(),
          at.matches(":focus-visible")]; }"""


def reach(page: Page, name: str, *, whole: bool = False) -> None:
    """By Tab to what has a name that begins so; where the focus is must be seen all the way."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        tag, found, is_seen = page.evaluate(_NAME)
        assert tag == "BODY" or is_seen, found
        if found == name if whole else found.startswith(name):
            return
    raise AssertionError(f"Tab never came to {name!r}")


def press(page: Page, name: str) -> None:
    """To it and through it, to the page that follows."""
    reach(page, name)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def failed(home: Harness) -> int:
    return len([run for run in home.runs("call-back") if run.status == "failed"])


def test_by_keyboard_alone(home: Harness, page: Page) -> None:
    press(page, "See the cause")
    press(page, "Mend all of them")
    expect(page.get_by_role("heading", level=1)).to_contain_text("3 runs stopped")
    press(page, "Do it for all 3 runs")
    expect(page.get_by_role("status")).to_contain_text("3 runs were taken in hand.")
    home.settle()
    assert failed(home) == 0

    press(page, "Deliveries")
    press(page, "9")
    press(page, "Read it anew")
    expect(page.get_by_role("status")).to_contain_text("It is read anew.")
    assert home.one(tables.deliveries, tables.deliveries.c.id == 9).status == "new"

    press(page, "Connections")
    press(page, "salesforce")
    press(page, "Let it go on")
    expect(page.get_by_role("status")).to_contain_text("salesforce makes calls again.")
    reach(page, "Why", whole=True)
    page.keyboard.type("The sandbox is refreshed again.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("salesforce makes no calls until somebody lets it go on.")
    assert home.house.switches.health_of("salesforce").status == "stopped"


def test_a_mistake_in_a_form_takes_the_focus_and_leads_to_its_field(home: Harness, page: Page) -> None:
    page.goto(page.url.replace("/admin/", "/admin/connections/zendesk"))
    page.locator("form[action$=pause]").evaluate("(form) => { form.noValidate = true; }")
    press(page, "Pause it")
    trouble = page.get_by_role("alert")
    expect(trouble).to_be_focused()
    reach(page, "is empty. Write a few words")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Why")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Why")).to_be_focused()
    page.keyboard.type("Because")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("makes no calls")


def test_the_menu_of_a_phone_opens_and_closes_by_keyboard(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.get_by_role("navigation")).to_be_hidden()
    page.get_by_role("button", name="Menu").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("navigation")).to_be_hidden()


def test_without_script_by_plain_links_and_forms(home: Harness, plain: Page) -> None:
    plain.get_by_role("link", name="See the cause").first.click()
    plain.get_by_role("link", name="Mend all of them").first.click()
    plain.get_by_role("button", name="Do it for all 3 runs").click()
    expect(plain.get_by_role("status")).to_contain_text("3 runs were taken in hand.")
    home.settle()
    assert failed(home) == 0

    plain.get_by_role("link", name="Runs").click()
    plain.get_by_label("State", exact=True).select_option("waiting")
    plain.get_by_role("button", name="Show", exact=True).click()
    plain.locator("input[name=run]").check()
    plain.get_by_label("What to do").select_option("cancel")
    plain.get_by_role("button", name="With the chosen").click()
    plain.get_by_label("Why").fill("By phone")
    plain.get_by_role("button", name="Yes: Cancel").click()
    expect(plain.get_by_role("status")).to_contain_text("1 run was taken in hand.")
    assert [run.status for run in home.runs("follow-up")] == ["cancelled", "dead"]

    plain.get_by_role("link", name="Deliveries").click()
    plain.get_by_role("link", name="9", exact=True).click()
    plain.get_by_role("button", name="Read it anew").click()
    expect(plain.get_by_role("status")).to_contain_text("It is read anew.")

    plain.get_by_role("link", name="Connections").click()
    plain.get_by_role("link", name="salesforce").click()
    plain.get_by_role("button", name="Let it go on").click()
    plain.get_by_label("Why").fill("Again")
    plain.get_by_role("button", name="Pause it").click()
    expect(plain.get_by_role("status")).to_contain_text("salesforce makes no calls")

    plain.locator("summary", has_text="Ada Admin").click()
    plain.get_by_label("Language").select_option("nl")
    plain.get_by_role("button", name="Use these").click()
    expect(plain.locator("html")).to_have_attribute("lang", "nl")
    expect(plain.get_by_role("link", name="Koppelingen").first).to_be_visible()
