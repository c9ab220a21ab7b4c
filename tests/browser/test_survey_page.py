"""The survey page in a real browser: by keyboard, without JavaScript, on a small phone, by screen reader's rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from connector.feedback.messaging.brands import Brand
from connector.feedback.surveys.invitation_email import Mailer
from tests.browser.browser import DESKTOP, PHONE, SMALL_PHONE, WCAG, accessibility_problems, new_context
from tests.support.processes import until
from tests.survey_site import Site, survey_site

pytestmark = pytest.mark.browser

SMALLEST_TARGET = 44  # CSS pixels
TARGETS = "main label:has(input:not([tabindex='-1'])), main button, nav a, footer a"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with survey_site(tmp_path) as found:
        yield found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A phone; whatever the page complains about fails the test."""
    context = new_context(browser, viewport=PHONE, reduced_motion="reduce")
    found = context.new_page()
    complaints: list[str] = []
    found.on("pageerror", lambda error: complaints.append(str(error)))
    found.on("console", lambda line: complaints.append(line.text) if "Content Security Policy" in line.text else None)
    yield found
    context.close()
    assert complaints == []


def score(page: Page, number: int) -> None:
    page.get_by_role("radio", name=re.compile(rf"^{number}( |$)")).check()


def saved(page: Page) -> None:
    expect(page.get_by_role("status")).to_contain_text("Saved")


def test_a_click_in_the_mail_two_lines_and_a_tap_are_all_it_takes(site: Site, page: Page) -> None:
    token = site.invite()
    page.goto(f"{site.url}/s/{token}?score=9")
    expect(page.get_by_role("radio", name="9", exact=True)).to_be_checked()
    page.get_by_label("What did we do well?").fill("Jan called me back within the hour.")
    page.get_by_role("button", name="Send my answer").click()
    expect(page.get_by_role("heading", name="Thank you, that makes our day")).to_be_visible()
    assert site.events()[0]["data"]["comment"] == "Jan called me back within the hour."


def test_looking_at_a_chosen_score_with_javascript_records_nothing(site: Site, page: Page) -> None:
    token = site.invite()
    page.goto(f"{site.url}/s/{token}?score=9", wait_until="networkidle")
    page.close()
    assert site.invitation(token).answers == {}


def test_a_low_score_brings_its_questions_in_place_and_a_high_one_takes_them_away(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/s/{site.invite()}")
    score(page, 2)
    consent = page.get_by_role("group", name="May we contact you about your answers?")
    expect(consent).to_be_visible()
    consent.get_by_role("radio", name="Yes, please").check()
    expect(page.get_by_label("Phone")).to_be_visible()
    score(page, 10)
    expect(consent).to_have_count(0)
    expect(page.get_by_label("What did we do well?")).to_be_visible()


def test_what_was_typed_survives_a_change_of_score(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/s/{site.invite()}")
    score(page, 2)
    page.get_by_label("What went wrong?").fill("It took too long")
    score(page, 8)
    expect(page.get_by_label("What would have made it better?")).to_have_value("It took too long")


def test_answers_saved_on_the_way_are_there_after_a_reload(site: Site, page: Page) -> None:
    token = site.invite()
    page.goto(f"{site.url}/s/{token}")
    score(page, 2)
    page.get_by_label("What went wrong?").fill("It took too long")
    until(lambda: "reason" in site.invitation(token).answers, "the words, saved after the score")
    page.goto(f"{site.url}/s/{token}")
    expect(page.get_by_role("radio", name="2", exact=True)).to_be_checked()
    expect(page.get_by_label("What went wrong?")).to_have_value("It took too long")
    assert site.invitation(token).status == "started"


def test_who_is_faster_than_the_server_is_led_through_the_questions(site: Site, page: Page) -> None:
    page.route("**/answer", lambda _route: None)  # never answered
    page.goto(f"{site.url}/s/{site.invite()}")
    score(page, 2)
    page.get_by_role("radio", name="Yes, please").check()
    page.get_by_role("button", name="Send my answer").click()
    page.get_by_label("Phone").fill("06 12345678")
    page.get_by_role("button", name="Send my answer").click()
    expect(page.get_by_role("heading", name="Thank you for telling us")).to_be_visible()
    assert site.events()[0]["data"]["contact"]["phone"] == "+31612345678"


def test_what_follows_from_the_score_is_there_without_a_word_from_the_server(site: Site, page: Page) -> None:
    page.route("**/answer", lambda _route: None)
    page.goto(f"{site.url}/s/{site.invite()}")
    asks = {0: "What went wrong?", 7: "What would have made it better?", 10: "What did we do well?"}
    for number, asked in asks.items():
        score(page, number)
        expect(page.get_by_label(asked)).to_be_visible()
        expect(page.get_by_role("group", name="May we contact you")).to_have_count(1 if number == 0 else 0)
    page.get_by_role("button", name="Send my answer").click()
    expect(page.get_by_role("heading", name="Thank you, that makes our day")).to_be_visible()


def test_what_the_server_asks_for_stands_against_what_the_page_had_with_it(site: Site, page: Page) -> None:
    token = site.invite()
    page.goto(f"{site.url}/s/{token}")
    facts = site.surveys["after-support"]
    kept = tuple(question for question in facts.questions if question.id != "improvements")
    site.surveys["after-support"] = replace(facts, questions=kept)
    score(page, 2)
    saved(page)
    expect(page.get_by_role("group", name="May we contact you")).to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_count(0)


def test_a_change_of_score_within_a_band_moves_nothing(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/s/{site.invite()}")
    score(page, 2)
    page.get_by_role("radio", name="Yes, please").check()
    page.get_by_label("Phone").fill("06 12345678")
    saved(page)
    page.route("**/answer", lambda _route: None)
    score(page, 3)
    expect(page.get_by_label("Phone")).to_have_value("06 12345678")


def test_a_page_that_grows_while_the_button_is_pressed_does_not_swallow_the_tap(site: Site, page: Page) -> None:
    held: list[Route] = []
    page.goto(f"{site.url}/s/{site.invite(answers={'score': 2})}")
    page.route("**/answer", lambda route: held.append(route))  # playwright cannot mark the bare append
    with page.expect_request("**/answer"):
        page.get_by_role("radio", name="Yes, please").check()
    page.get_by_role("button", name="Send my answer").hover()
    page.mouse.down()
    with page.expect_response("**/answer") as answered:
        held[0].continue_()
    answered.value.finished()
    page.mouse.up()
    page.wait_for_url("**#more")
    expect(page.get_by_label("Phone")).to_be_visible()


def test_the_whole_survey_works_by_keyboard_alone(site: Site, page: Page) -> None:
    token = site.invite()
    page.goto(f"{site.url}/s/{token}")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "q.score":
            break
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="1", exact=True)).to_be_checked()
    expect(page.get_by_label("What went wrong?")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.type("Nobody answered")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_label("Phone")).to_be_visible()
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "submit":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Thank you for telling us")).to_be_visible()
    data = site.events()[0]["data"]
    assert (data["score"], data["comment"], data["contact_consent"]) == (1, "Nobody answered", True)


def test_the_focus_can_be_seen_on_the_scale(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/s/{site.invite()}")
    page.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowRight")
    outline = page.evaluate("getComputedStyle(document.activeElement.nextElementSibling).outlineWidth")
    assert outline == "3px"


def test_it_works_without_javascript_step_by_step(site: Site, browser: Browser) -> None:
    page = new_context(browser, java_script_enabled=False, viewport=PHONE).new_page()
    page.goto(f"{site.url}/s/{site.invite()}")
    score(page, 4)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("What went wrong?").fill("Too slow")
    page.get_by_role("radio", name="Yes, please").check()
    page.get_by_role("button", name="Send my answer").click()
    page.get_by_label("Phone").fill("06 12345678")
    page.get_by_label("Preferred time").select_option(label="In the morning")
    page.get_by_role("checkbox", name="Tell me by e-mail").check()
    page.get_by_role("button", name="Send my answer").click()
    expect(page.get_by_role("heading", name="Thank you for telling us")).to_be_visible()
    data = site.events()[0]["data"]
    assert data["contact"] == {"phone": "+31612345678", "window": "morning"}
    assert data["answers"]["improvements"] is True
    page.context.close()


def test_a_mistake_is_announced_and_leads_to_its_question(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/s/{site.invite()}?score=2")
    page.get_by_role("radio", name="Yes, please").check()
    page.get_by_label("Phone").fill("12")
    page.get_by_role("button", name="Send my answer").click()
    alert = page.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(alert.get_by_role("link")).to_have_attribute("href", "#q-contact")
    expect(page.get_by_label("Phone")).to_have_value("12")


def test_the_ends_of_the_scale_say_what_they_mean(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/s/{site.invite()}")
    scale = page.get_by_role("group", name="How likely are you to recommend us")
    assert scale.get_by_role("radio").count() == 11
    expect(scale.get_by_role("radio", name="0 – Not at all likely")).to_be_visible()
    expect(scale.get_by_role("radio", name="10 – Extremely likely")).to_be_visible()


@pytest.mark.parametrize("survey", ["after-support", "retention"])
def test_on_a_small_phone_everything_fits_and_can_be_hit(site: Site, browser: Browser, survey: str) -> None:
    page = new_context(browser, viewport=SMALL_PHONE).new_page()
    page.goto(f"{site.url}/s/{site.invite(survey)}?score=2")
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL_PHONE["width"]
    boxes = [each.bounding_box() for each in page.locator(TARGETS).all()]
    assert len(boxes) > 6
    heights = [box["height"] for box in boxes if box]
    widths = [box["width"] for box in boxes if box]
    assert min(heights) >= SMALLEST_TARGET
    assert min(widths) >= SMALLEST_TARGET
    page.context.close()


def test_at_twice_the_size_nothing_is_cut_off(site: Site, browser: Browser) -> None:
    """200 % zoom on a desktop leaves half of its pixels."""
    page = new_context(browser, viewport={"width": 640, "height": 400}, device_scale_factor=2).new_page()
    page.goto(f"{site.url}/s/{site.invite()}?score=2")
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_breaks_a_rule_of_accessibility(tmp_path: Path, browser: Browser, scheme: str) -> None:
    """Those that ``test_survey_everywhere`` does not look at."""
    with survey_site(tmp_path, brand=Brand(title="Acme", accent="#ffd400")) as site:
        context = new_context(
            browser, viewport=DESKTOP, color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce"
        )  # fmt: skip
        page = context.new_page()
        low, faces = site.invite(answers={"score": 2, "contact_consent": True}), site.invite("retention", language="nl")
        for path in (f"/s/{low}?score=9", f"/u/{low}", "/s/unknown"):
            page.goto(site.url + path)
            assert accessibility_problems(page) == [], path
        page.goto(f"{site.url}/s/{faces}?score=2")
        page.get_by_role("button").click()
        expect(page.get_by_role("heading", name="Dank u voor uw eerlijkheid")).to_be_visible()
        assert accessibility_problems(page) == []
        context.close()


@pytest.mark.parametrize("survey", ["after-support", "retention"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_mail_is_accessible_and_fits_a_phone(site: Site, browser: Browser, survey: str, scheme: str) -> None:
    context = new_context(browser, viewport=SMALL_PHONE, color_scheme="dark" if scheme == "dark" else "light")
    page = context.new_page()
    mailer = Mailer("https://feedback.example", {"default": Brand(title="Acme", accent="#ffd400")})
    person = {"name": "Ann", "email": "ann@example.com"}
    page.set_content(mailer.invitation(site.surveys[survey], "nl", person, {}, "token").html)
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL_PHONE["width"]
    assert accessibility_problems(page, WCAG) == []
    heights = [box["height"] for each in page.locator("a.score").all() if (box := each.bounding_box())]
    assert len(heights) in (5, 11)
    assert min(heights) >= SMALLEST_TARGET
    context.close()


def test_the_way_out_takes_one_tap(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/u/{site.invite()}")
    page.get_by_role("button", name="Stop the surveys").click()
    expect(page.get_by_role("heading", name="Done")).to_be_visible()
    assert site.person().opted_out_at is not None
