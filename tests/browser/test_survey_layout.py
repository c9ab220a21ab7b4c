"""How the survey page is laid out and marked: any direction of writing, forced colours, long words, small screens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from connector.feedback.surveys.files import Survey, built_in, from_dict, parse, to_dict
from connector.feedback.surveys.languages.wordings import reworded
from tests.browser.browser import PHONE, new_context
from tests.survey_site import Site, survey_site

pytestmark = pytest.mark.browser

LONG = "Somebody who knew my whole story and took the time to explain to me what would be done about it and when"
WAYS = {
    "id": "way", "type": "choice", "text": {"en": "What helped most?"},
    "options": [{"value": "long", "text": {"en": LONG}}, {"value": "short", "text": {"en": "Nothing"}}],
}  # fmt: skip
EDGE = """e => { const s = getComputedStyle(e);
               return [s.borderTopStyle, parseFloat(s.borderTopWidth) >= 1, s.borderTopColor]; }"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    surveys = {"hebrew": in_another_language("he"), "ways": with_question(WAYS)}
    with survey_site(tmp_path_factory.mktemp("layout"), surveys) as found:
        yield found


@pytest.fixture(scope="module")
def visit(browser: Browser) -> Iterator[BrowserContext]:
    context = new_context(browser, viewport=PHONE, reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture
def page(visit: BrowserContext) -> Iterator[Page]:
    found = visit.new_page()
    yield found
    found.close()


def in_another_language(code: str) -> Survey:
    """The survey after support, as if each of its wordings were in a language that has no catalogue of ours."""
    worded = reworded(parse(built_in()["after-support"], "after-support"), lambda text: {code: text["en"]})
    return replace(worded, languages=(code,), fallback="en")


def with_question(question: Mapping[str, Any]) -> Survey:
    """The retention survey with one question more, in English."""
    worded = reworded(parse(built_in()["retention"], "retention"), lambda text: {"en": text["en"]})
    whole = {**to_dict(worded), "languages": ["en"]}
    return from_dict({**whole, "questions": [*whole["questions"], question]}, "ways")


def box(found: Locator) -> dict[str, float]:
    measured = found.bounding_box()
    assert measured
    return {**measured, "right": measured["x"] + measured["width"], "bottom": measured["y"] + measured["height"]}


def test_a_language_that_is_written_from_the_right_is_read_from_the_right(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/s/{site.invite('hebrew', language='he')}")
    assert page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == ["he", "rtl"]
    first, last = page.get_by_role("radio").first, page.get_by_role("radio").nth(5)
    assert box(first)["x"] > box(last)["x"]


def test_words_that_stay_english_are_marked_as_english(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/s/{site.invite('hebrew', language='he')}?score=2")
    for words in ("Send my answer", "Yes, please", "No more surveys", "(optional)"):
        marked = page.get_by_text(words).first.evaluate("e => [e.closest('[lang]').lang, e.closest('[dir]').dir]")
        assert marked == ["en", "ltr"], words
    assert page.get_by_text("What went wrong?").first.evaluate("e => e.closest('[lang]').lang") == "he"


def test_the_button_has_an_edge_where_colours_are_forced(site: Site, browser: Browser) -> None:
    context = new_context(browser, viewport=PHONE, forced_colors="active")
    page = context.new_page()
    page.goto(f"{site.url}/s/{site.invite()}?score=2")
    edge = page.get_by_role("button", name="Send my answer").evaluate(EDGE)
    assert edge[:2] == ["solid", True]
    assert edge[2] != page.evaluate("getComputedStyle(document.querySelector('main')).backgroundColor")
    context.close()


def test_a_single_choice_stands_in_no_box(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/s/{site.invite('ways')}?score=5")
    question = page.locator("#q-way")
    assert question.evaluate("e => getComputedStyle(e).borderTopWidth") == "0px"
    assert question.evaluate("e => getComputedStyle(e).display") == "block"


def test_a_long_option_wraps_beside_its_mark(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/s/{site.invite('ways')}?score=5")
    lines = page.get_by_text(LONG).evaluate(
        """e => { const r = document.createRange(); r.selectNodeContents(e.firstChild);
                  return [...r.getClientRects()].map(each => Math.round(each.left)); }"""
    )
    assert len(lines) > 1
    assert len(set(lines)) == 1


@pytest.mark.parametrize("language", ["en", "he"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_each_end_of_the_scale_stands_at_its_own_number(site: Site, page: Page, width: int, language: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{site.url}/s/{site.invite('hebrew' if language == 'he' else 'after-support', language=language)}")
    low, high = page.locator(".end.low"), page.locator(".end.high")
    first, last = box(page.locator(".point").first), box(page.locator(".point").last)
    start, end = ("right", "x") if language == "he" else ("x", "right")
    assert abs(box(low)[start] - first[start]) <= 2
    assert abs(box(high)[end] - last[end]) <= 2
    for label, number in ((box(low), first), (box(high), last)):
        assert min(abs(label["y"] - number["bottom"]), abs(number["y"] - label["bottom"])) < 16
    rows = {box(each)["y"] for each in page.locator(".point").all()}
    assert len(rows) == (1 if width == 1280 else 2)


def test_the_smileys_stay_in_one_row_and_say_what_was_chosen(site: Site, page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(f"{site.url}/s/{site.invite('retention')}")
    faces = [box(each) for each in page.locator(".smiley").all()]
    assert len({face["y"] for face in faces}) == 1
    assert min(face["width"] for face in faces) >= 44
    page.get_by_role("radio", name="Neutral").check()
    assert box(page.get_by_text("Neutral"))["y"] >= max(face["bottom"] for face in faces) - 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_page_is_set_in_eighteen_pixels(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/s/{site.invite()}")
    assert page.evaluate("getComputedStyle(document.body).fontSize") == "18px"


def test_a_save_that_fails_says_so_and_loses_nothing(site: Site, page: Page) -> None:
    token, broken = site.invite(), []
    page.route("**/answer", lambda route: route.abort() if not broken else route.continue_())
    page.goto(f"{site.url}/s/{token}")
    page.get_by_role("radio", name="2", exact=True).check()
    status = page.get_by_role("status")
    expect(status).to_contain_text("Not saved yet")
    page.get_by_label("What went wrong?").fill("It took too long")
    assert site.invitation(token).answers == {}
    broken.append("mended")
    page.get_by_role("button", name="Try again").click()
    expect(status).to_contain_text("Saved")
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()
    assert site.invitation(token).answers == {"score": 2, "reason": "It took too long", "improvements": False}


def test_who_sends_without_a_connection_keeps_the_page_and_is_told(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/s/{site.invite()}?score=9")
    page.get_by_label("What did we do well?").fill("Jan called me back")
    page.context.set_offline(True)
    page.get_by_role("button", name="Send my answer").click()
    expect(page.get_by_role("status")).to_contain_text("Not saved yet")
    expect(page.get_by_label("What did we do well?")).to_have_value("Jan called me back")
    page.context.set_offline(False)
    expect(page.get_by_role("status")).to_contain_text("Saved")
    page.get_by_role("button", name="Send my answer").click()
    expect(page.get_by_role("heading", name="Thank you, that makes our day")).to_be_visible()
