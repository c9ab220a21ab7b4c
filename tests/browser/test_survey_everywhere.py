"""The pages in every language, house style, kind of screen and colour.

Nothing breaks a rule of accessibility, nothing is cut off, and the keyboard reaches everything and shows where it is.
By itself each language, brand and screen is looked at, and each language in the hardest;
``RINGBACK_TEST_PAGES=whole`` takes all together. ``RINGBACK_TEST_PICTURES=<folder>`` keeps a picture of each page.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import update

from connector.feedback.messaging.brands import Brand
from connector.feedback.surveys.files import Survey, built_in, parse
from connector.feedback.surveys.languages.wordings import reworded
from connector.storage.schema.tables import customers
from tests.browser.browser import accessibility_problems, new_context
from tests.survey_site import NOON, Site, survey_site

pytestmark = pytest.mark.browser

ARABIC = "كيف كانت تجربتكم معنا، وماذا تنصحوننا أن نغيّر؟"
LANGUAGES = {"en": "ltr", "nl": "ltr", "ar": "rtl"}
_MORE: dict[str, Any] = {
    "title": "Acme", "footer": {"": "Acme, Amsterdam"}, "privacy_url": "https://acme.example/privacy",
    "review_url": "https://reviews.example/acme",
}  # fmt: skip
BRANDS = {
    "green": Brand(accent="#0b6e4f", **_MORE),
    "yellow": Brand(accent="#ffd400", accent_dark="#ffe98a", tone="informal", **_MORE),
    "pale": Brand(accent="#d9e8ff", background="#fdf6e3", background_dark="#002b36", font="Georgia, serif", **_MORE),
    "night": Brand(accent="#160033", background="#2a1a4a", background_dark="#000000", **_MORE),
}


@dataclass(frozen=True, slots=True)
class Screen:
    """How somebody looks at the page. 1280 pixels at 400 % are 320 wide and few high."""

    width: int = 1280
    height: int = 800
    scheme: Any = "light"
    forced: Any = "none"


SCREENS = {
    "light": Screen(),
    "dark": Screen(390, 844, "dark"),
    "forced": Screen(390, 844, forced="active"),
    "small": Screen(320, 640),
    "400%": Screen(320, 256, "dark"),
}
ALL = [(language, brand, screen) for language in LANGUAGES for brand in BRANDS for screen in SCREENS]
LOOKS = [
    each
    for number, each in enumerate(ALL)
    if os.environ.get("RINGBACK_TEST_PAGES") == "whole" or number % 7 == 0 or each[1:] == ("night", "forced")
]
_STOP = """() => {
  const at = document.activeElement;
  if (!at || at === document.body || at === document.documentElement) return null;
  const drawn = at.matches(".point input, .choice input") ? at.nextElementSibling : at;
  const style = getComputedStyle(drawn), box = drawn.getBoundingClientRect();
  const x = box.left + box.width / 2, y = Math.min(Math.max(box.top + 2, 0), innerHeight - 1);
  const top = document.elementFromPoint(x, y);
  return {name: at.name || at.getAttribute("href") || at.type || at.id,
          seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
          inside: box.bottom > 0 && box.top < innerHeight && !!top && (drawn.contains(top) || at === top)};
}"""
_STOPS = """() => {
  const all = "a[href], button:not([hidden]), input:not([type=hidden]), select, textarea";
  const wanted = [...document.querySelectorAll(all)].filter(each => each.tabIndex >= 0); // the others are no person's
  return wanted.map(each => each.name || each.getAttribute("href") || each.type);
}"""


def test_each_language_brand_and_screen_is_looked_at() -> None:
    for index, group in enumerate((LANGUAGES, BRANDS, SCREENS)):
        assert {each[index] for each in LOOKS} == set(group)
    assert {(language, "night", "forced") for language in LANGUAGES} <= set(LOOKS)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    surveys = {slug: in_three_languages(slug) for slug in ("after-support", "retention")}
    with survey_site(tmp_path_factory.mktemp("everywhere"), surveys) as found:
        with found.database.write() as tx:
            tx.execute(update(customers).values(phone="+31612345678"))
        yield found


def in_three_languages(slug: str) -> Survey:
    survey = parse(built_in()[slug], slug)
    return replace(reworded(survey, lambda text: {**text, "ar": ARABIC}), languages=tuple(LANGUAGES))


@pytest.fixture(scope="module")
def visit(browser: Browser) -> Iterator[BrowserContext]:
    context = new_context(browser, reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture
def page(visit: BrowserContext) -> Iterator[Page]:
    found = visit.new_page()
    yield found
    found.close()


def pages_of(site: Site, language: str) -> list[str]:
    """The longest page, one with faces, and a thank-you."""
    wish = {"score": 2, "contact_consent": True}
    long = site.invite(language=language, answers=wish)
    faces = site.invite("retention", language=language)
    said = {**wish, "reason": "Too slow", "contact": {"phone": "+31612345678", "window": "morning"}}
    done = site.invite(language=language, answers=said, status="answered", answered_at=NOON)
    return [f"/s/{long}", f"/s/{faces}?score=2", f"/s/{done}/thanks"]


@pytest.mark.parametrize(("language", "brand", "screen"), LOOKS)
def test_every_page_can_be_used_by_everybody(site: Site, page: Page, language: str, brand: str, screen: str) -> None:
    look = SCREENS[screen]
    site.brands["default"] = BRANDS[brand]
    page.set_viewport_size({"width": look.width, "height": look.height})
    page.emulate_media(color_scheme=look.scheme, forced_colors=look.forced, reduced_motion="reduce")
    for number, path in enumerate(pages_of(site, language)):
        page.goto(site.url + path)
        keep(page, f"survey-{language}-{brand}-{screen.strip('%')}-{number}")
        assert page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == [
            language, LANGUAGES[language],
        ]  # fmt: skip
        assert page.evaluate("document.documentElement.scrollWidth") <= look.width, path
        assert accessibility_problems(page) == [], path
        everything_is_reached(page)


def keep(page: Page, name: str) -> None:
    if folder := os.environ.get("RINGBACK_TEST_PICTURES"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def everything_is_reached(page: Page) -> None:
    """By Tab alone, in sight and with its focus drawn. A group of radio buttons is one stop."""
    wanted = set(page.evaluate(_STOPS))
    page.evaluate("document.activeElement.blur()")
    reached: dict[str, Any] = {}
    for _ in range(60):
        page.keyboard.press("Tab")
        stop = page.evaluate(_STOP)
        if stop is None:
            break
        reached[stop["name"]] = stop
    assert set(reached) >= wanted
    assert [each for each in reached.values() if not (each["seen"] and each["inside"])] == []
