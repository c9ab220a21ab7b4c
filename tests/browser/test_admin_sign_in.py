"""From the first start to the first page, as the first admin does it: by keyboard alone, and without any script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from connector.access.way_in import first_admin
from tests.browser.browser import accessibility_problems, new_context
from tests.browser.test_admin_journeys import press, reach
from tests.support.house import Harness, a_home
from tests.support.people import PASSWORD, code_of

pytestmark = pytest.mark.browser


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path) -> Iterator[Harness]:
    file = tmp_path / "ringback.db"
    file.write_bytes(sqlite_template.read_bytes())
    with a_home(f"sqlite:///{file}") as opened, opened.on_the_network():
        yield opened


def first_page(home: Harness) -> str:
    return f"{home.url}/admin/first/{first_admin.token(home.house.secret_keys.first, home.clock())}"


def code_on(home: Harness, page: Page) -> str:
    """What an app shows that was told the secret on the page."""
    return code_of(re.sub(r"\s", "", page.locator("ol code").inner_text()), home.clock())


def typed(page: Page, label: str, text: str) -> None:
    reach(page, label)
    page.keyboard.type(text)


@pytest.mark.parametrize(
    ("size", "scheme", "script"),
    [((390, 844), "dark", True), ((1280, 800), "light", True), ((320, 640), "light", False)],
)
def test_the_first_admin_comes_in_by_keyboard_alone(
    home: Harness, browser: Browser, size: tuple[int, int], scheme: str, script: bool
) -> None:
    context = new_context(
        browser, viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, java_script_enabled=script
    )
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    try:
        page.goto(first_page(home))
        fine(page, script)
        for label, text in (("Name", "Ada Admin"), ("E-mail address", "ada@bank.example"), ("Password", PASSWORD)):
            typed(page, label, text)
        press(page, "Begin")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        fine(page, script)
        typed(page, "E-mail address", "ada@bank.example")
        typed(page, "Password", PASSWORD)
        press(page, "Sign in")
        fine(page, script)
        typed(page, "Code", code_on(home, page))
        press(page, "Go on")
        expect(page.locator(".codes li")).to_have_count(10)
        fine(page, script)
        press(page, "I have kept them")
        expect(page.get_by_role("heading", level=1)).to_have_text("What needs you now")
        assert said == []
    finally:
        context.close()


def test_what_is_wrong_takes_the_focus(home: Harness, browser: Browser) -> None:
    context = new_context(browser)
    page = context.new_page()
    try:
        page.goto(first_page(home))
        for label, text in (("Name", "Ada"), ("E-mail address", "ada@bank.example"), ("Password", "password")):
            typed(page, label, text)
        press(page, "Begin")
        expect(page.get_by_role("alert")).to_be_focused()
        expect(page.get_by_label("E-mail address")).to_have_value("ada@bank.example")
        expect(page.get_by_label("Password")).to_have_value("")
        assert accessibility_problems(page) == []
    finally:
        context.close()


def fine(page: Page, script: bool) -> None:
    """Nothing has to be scrolled sideways, and no rule of accessibility is broken."""
    width = page.viewport_size["width"]  # type: ignore[index]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if script:
        assert accessibility_problems(page) == []
