"""The invitation as mail programs show it: small phones, no pictures, no style sheet, Word's rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, Page

from connector.feedback.surveys.files import built_in, from_dict, parse
from connector.feedback.surveys.invitation_email import Mailer
from connector.feedback.surveys.model import Survey
from tests.browser.browser import WCAG, accessibility_problems, new_context
from tools.mail_screenshots import BRANDS, CONTEXT, PERSON, draw
from tools.mail_views import VIEWS, by_word, dark, light, without_pictures, without_style_sheet

NARROW, WIDE = 320, 600
FOLD = 480
SURVEYS = {slug: parse(text, slug) for slug, text in built_in().items()}
EACH = [(slug, language) for slug, survey in SURVEYS.items() for language in survey.languages]


def html(slug: str, language: str, *, brand: str = "acme", tone: str = "formal") -> str:
    [look] = [each for each in BRANDS if each.name == brand]
    mailer = Mailer("https://feedback.acme.example", {"default": replace(look, tone=tone)})
    return mailer.invitation(SURVEYS[slug], language, PERSON, CONTEXT, "0123456789012345678901").html


Show = Callable[[str, int], Page]


@pytest.fixture
def show(browser: Browser) -> Iterator[Show]:
    context = new_context(browser)
    page = context.new_page()
    page.route("**/*", draw)

    def shown(content: str, width: int) -> Page:
        page.set_viewport_size({"width": width, "height": 700})
        page.set_content(content)
        return page

    yield shown
    context.close()


def boxes(page: Page, what: str = "td.cell") -> list[dict[str, Any]]:
    return [dict(box) for each in page.locator(what).all() if (box := each.bounding_box())]


def rows(page: Page) -> list[int]:
    """How many cells stand beside each other, from above."""
    tops = [round(box["y"]) for box in boxes(page)]
    return [tops.count(top) for top in sorted(set(tops))]


@pytest.mark.parametrize(("slug", "language"), EACH)
@pytest.mark.parametrize("tone", ["formal", "informal"])
def test_the_whole_scale_is_seen_at_once_on_a_small_phone_without_pictures(
    show: Show, slug: str, language: str, tone: str
) -> None:
    page = show(without_pictures(html(slug, language, tone=tone)), NARROW)
    assert max(box["y"] + box["height"] for box in boxes(page, "td.cell, td.ends")) <= FOLD
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW


@pytest.mark.parametrize("view", [light, dark, without_pictures, without_style_sheet])
def test_eleven_numbers_are_two_halves_side_by_side_or_one_above_the_other(
    show: Show, view: Callable[[str], str]
) -> None:
    content = view(html("after-support", "nl"))
    assert rows(show(content, WIDE)) == [11]
    assert rows(show(content, NARROW)) == [6, 5]


@pytest.mark.parametrize("slug", SURVEYS)
def test_word_draws_a_scale_of_cells_too(show: Show, slug: str) -> None:
    page = show(by_word(html(slug, "en")), WIDE)
    assert len(rows(page)) == 1
    sizes = [(box["width"], box["height"]) for box in boxes(page)]
    assert min(width for width, _ in sizes) >= 36
    assert min(height for _, height in sizes) >= 40
    assert max(box["x"] + box["width"] for box in boxes(page)) <= WIDE


@pytest.mark.parametrize("slug", SURVEYS)
@pytest.mark.parametrize("view", [light, without_style_sheet])
def test_every_score_is_large_enough_for_a_thumb(show: Show, slug: str, view: Callable[[str], str]) -> None:
    found = boxes(show(view(html(slug, "nl")), NARROW), "a.score")
    assert min(min(box["width"], box["height"]) for box in found) >= 36


@pytest.mark.parametrize("slug", SURVEYS)
def test_the_words_of_the_ends_stand_at_their_own_scores(show: Show, slug: str) -> None:
    for width in (NARROW, WIDE):
        page = show(html(slug, "nl"), width)
        cells, (low, high) = boxes(page), boxes(page, "td.ends")
        assert abs(low["x"] - cells[0]["x"]) < 6
        assert abs(high["x"] + high["width"] - cells[-1]["x"] - cells[-1]["width"]) < 6
        assert cells[0]["y"] < low["y"] < cells[0]["y"] + 60
        assert cells[-1]["y"] < high["y"] < cells[-1]["y"] + 60


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_logo_fits_the_room(browser: Browser, scheme: str) -> None:
    context = new_context(browser, color_scheme="dark" if scheme == "dark" else "light")
    page = context.new_page()
    page.route("**/*", draw)
    page.set_content(html("after-support", "en"))
    shown = [each.get_attribute("src") for each in page.get_by_alt_text("Acme").all() if each.is_visible()]
    assert shown == [f"https://pictures.example/acme/{'white' if scheme == 'dark' else 'black'}"]
    context.close()


@pytest.mark.parametrize("brand", [each.name for each in BRANDS])
@pytest.mark.parametrize("view", VIEWS)
def test_every_look_can_be_read_by_everybody(show: Show, brand: str, view: str) -> None:
    page = show(VIEWS[view](html("after-support", "nl", brand=brand)), WIDE)
    assert accessibility_problems(page, WCAG) == []


def in_arabic(text: str) -> Survey:
    """The survey with the English words as its Arabic ones: the direction is what is looked at."""

    def moved(given: Any) -> Any:
        if isinstance(given, list):
            return [moved(each) for each in given]
        if not isinstance(given, dict):
            return given
        return {"ar": given["en"]} if "en" in given else {name: moved(each) for name, each in given.items()}

    return from_dict({**moved(yaml.safe_load(text)), "languages": ["ar"], "fallback": "en"})


@pytest.mark.parametrize("view", [light, by_word])
def test_a_scale_that_is_read_from_the_right_starts_there(show: Show, view: Callable[[str], str]) -> None:
    mailer, survey = Mailer("https://f.example", {}), in_arabic(built_in()["after-support"])
    page = show(view(mailer.invitation(survey, "ar", PERSON, CONTEXT, "token").html), WIDE)
    left = [box["x"] for box in boxes(page)]
    assert left == sorted(left, reverse=True)
