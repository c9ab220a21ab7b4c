"""Workflows written in the browser: by keyboard alone, without script, and readable by everybody."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from connector.runtime.operations.definitions import Publication
from connector.storage.stores import definitions
from connector.storage.stores.definition_import import import_definitions
from connector.storage.stores.definitions import DefinitionKind, DefinitionOrigin
from tests.browser.browser import DESKTOP, PHONE, accessibility_problems, new_context
from tests.support.admin import Door, served
from tests.support.house import Harness, a_home, answer
from tests.support.house_workflows import OPEN_A_TICKET

TEXT = """\
workflow: {}
name: {}
trigger: {{event: survey.answered}}
steps:
  - id: the end
    stop: done
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[str]:
    file = shutil.copy(sqlite_template, tmp_path_factory.mktemp("admin") / "ringback.db")
    with a_home(f"sqlite:///{file}", it=OPEN_A_TICKET) as home:
        home.deliver(answer(3))
        home.settle()
        differing(home)
        with served(home, Door()) as address:
            yield f"{address}/admin"


def differing(home: Harness) -> None:
    good = TEXT.replace("the end", "end")
    file_says(home, good.format("greet", "One"))
    wish = Publication(text=good.format("greet", "Two"), by="Eva", origin=DefinitionOrigin.BROWSER, based_on=1)
    home.house.definitions.publish(DefinitionKind.WORKFLOW, wish)
    file_says(home, good.format("greet", "Three"))


def file_says(home: Harness, text: str) -> None:
    with home.house.database.write() as tx:
        others = definitions.newest(tx, DefinitionKind.WORKFLOW)
        bodies = {**{each.slug: each.body for each in others}, "greet": text}
        import_definitions(tx, DefinitionKind.WORKFLOW, bodies, home.clock())


def press_until(page: Page, key: str, wanted: str, most: int = 40) -> None:
    """A key again and again, until the focus is where the selector says."""
    for _ in range(most):
        page.keyboard.press(key)
        if page.evaluate("selector => document.activeElement.matches(selector)", wanted):
            return
    raise AssertionError(f"{key} never comes to {wanted}")


def test_a_mistake_is_found_at_its_line_and_mended_by_keyboard_alone(browser: Browser, address: str) -> None:
    page = new_context(browser, viewport=DESKTOP).new_page()
    page.goto(f"{address}/workflows")
    press_until(page, "Tab", "main a[href$='/new/workflow']")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("A new workflow")
    press_until(page, "Tab", "#text")
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(TEXT.format("typed", "Typed"))
    press_until(page, "Tab", "button[value=publish]")
    page.keyboard.press("Enter")

    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("1 mistake. Nothing was published")
    press_until(page, "Tab", "[data-line='5']")
    page.keyboard.press("Enter")
    expect(page.locator("#text")).to_be_focused()
    chosen = "e => e.value.slice(e.selectionStart, e.selectionEnd)"
    assert page.locator("#text").evaluate(chosen) == "  - id: the end"
    page.keyboard.insert_text("  - id: end")
    press_until(page, "Tab", "button[value=publish]")
    page.keyboard.press("Enter")
    expect(page.locator("rb-said")).to_contain_text("Version 1 is in force.")
    expect(page.get_by_role("heading", level=1)).to_have_text("Typed")


def test_without_script_the_same_forms_publish_and_decide(browser: Browser, address: str) -> None:
    page = new_context(browser, viewport=PHONE, java_script_enabled=False).new_page()
    page.goto(f"{address}/new/workflow")
    page.locator("#text").fill(TEXT.format("plain", "Plain"))
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("alert")).to_contain_text("Line 5")
    page.locator("#text").fill(TEXT.format("plain", "Plain").replace("the end", "end"))
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Version 1 is in force.")).to_be_visible()


LARGE = {"viewport": DESKTOP, "color_scheme": "light", "locale": "en"}
SMALL = {"viewport": PHONE, "color_scheme": "dark", "locale": "nl"}


@pytest.mark.parametrize("room", [LARGE, SMALL], ids=["desktop, light, English", "phone, dark, Dutch"])
def test_every_page_can_be_read_by_everybody_and_says_nothing_in_the_console(
    browser: Browser, address: str, room: dict[str, Any]
) -> None:
    page = new_context(browser, **room).new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    for path in (
        "/workflows", "/workflows/it", "/workflows/greet", "/workflows/greet/both", "/workflows/greet/difference",
        "/workflows/greet/versions/1", "/workflows/greet/edit?both=true", "/new/workflow", "/surveys",
        "/surveys/after-support/preview",
    ):  # fmt: skip
        page.goto(address + path)
        assert accessibility_problems(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path
    page.goto(f"{address}/surveys/after-support/preview/nl/page-detractor.html")
    expect(page.get_by_role("button")).to_be_visible()
    assert told == []
