"""The sidebar app in a real browser: what an agent sees, clicks and hears, with a real house behind Zendesk's proxy."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from connector.storage.schema import tables
from integrations.zendesk.sidebar.packing import pack
from tests.browser.browser import accessibility_problems, new_context
from tests.browser.zaf.host import Workspace, open_workspace
from tests.integration.test_agent_api import BY_HAND
from tests.integration.test_api import a_token
from tests.support.house import Harness, a_home, answer
from tests.support.house_workflows import SUPPORT_RECOVERY

pytestmark = pytest.mark.browser

SIDEBAR = {"width": 340, "height": 900}
NARROW = {"width": 280, "height": 700}
JAN = {"id": 12, "name": "Jan de Vries", "email": "jan@acme.example", "locale": "en-US"}
HOSTILE = "<img src=x onerror=alert(1)> {{setting.token}} مرحبا"


@dataclass
class Desk:
    """An agent's desk: the house, Zendesk around the sidebar, and the browser's page."""

    home: Harness
    workspace: Workspace
    page: Page
    ticket: str
    user: str

    @property
    def app(self) -> FrameLocator:
        return self.page.frame_locator("#app")

    def open(self) -> FrameLocator:
        self.page.goto(self.workspace.url)
        expect(self.app.locator("#app")).to_have_attribute("aria-busy", "false")
        return self.app

    def unfold(self, title: str) -> None:
        self.app.locator("summary", has_text=title).click()

    def press(self, name: str, path: str) -> None:
        """Press a button, wait for the request it makes, and let the house work on it."""
        with self.page.expect_response(lambda answer: path in (answer.request.post_data or "")):
            self.app.get_by_role("button", name=name).click()
        self.home.settle()

    @property
    def said(self) -> Any:
        return self.app.get_by_role("status")


@contextmanager
def a_desk(
    browser: Browser, folder: Path, template: Path, *, agent: dict[str, Any] = JAN, location: str = "ticket_sidebar",
    viewport: Any = SIDEBAR, scheme: str = "light", comment: str = "Waited a week.",
) -> Iterator[Desk]:  # fmt: skip
    shutil.copy(template, folder / "ringback.db")
    with (
        a_home(f"sqlite:///{folder / 'ringback.db'}", support_recovery=SUPPORT_RECOVERY, **BY_HAND) as home,
        home.on_the_network() as url,
    ):
        user = str(home.world.zendesk.add_user("Ann Jansen", "ann@example.com", locale="nl")["id"])
        customer = {"email": "ann@example.com", "name": "Ann Jansen", "zendesk_user_id": user}
        contact = {"phone": "+31612345678", "window": "morning"}
        home.deliver(answer(3, customer=customer, comment=comment, answers={"score": 3, "contact": contact}))
        home.settle()
        home.clock.move(hours=1)
        ticket = str(home.one(tables.callbacks).ticket_id)
        person = {"id": int(user), "name": "Ann Jansen", "email": "ann@example.com", "locale": "nl"}
        values = {"ticket.id": int(ticket), "ticket.requester": person, "user": person, "currentUser": agent,
                  "colorScheme": scheme}  # fmt: skip
        token = a_token(home, "agent", name="sidebar")
        workspace = Workspace(pack(url, "zendesk"), {"token": token}, values, location)
        context = new_context(
            browser, viewport=viewport, reduced_motion="reduce", timezone_id="Europe/Amsterdam"
        )  # fmt: skip
        workspace.show(context)
        page = context.new_page()
        complaints = _complaints(page, token)
        with open_workspace(workspace):
            yield Desk(home, workspace, page, ticket, user)
        context.close()
        assert complaints == []


def _complaints(page: Page, token: str) -> list[str]:
    """What must never happen: an error of the page's own, something its policy forbids, the token in the browser."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda line: found.append(line.text) if "Content Security Policy" in line.text else None)
    page.on("dialog", lambda dialog: found.append(f"dialog: {dialog.message}"))
    whole = lambda sent: f"{sent.url} {sent.post_data} {sent.headers}"  # noqa: E731 - two lines for one look
    page.on("request", lambda sent: found.append(whole(sent)) if token in whole(sent) else None)
    return found


@pytest.fixture
def desk(browser: Browser, tmp_path: Path, sqlite_template: Path) -> Iterator[Desk]:
    with a_desk(browser, tmp_path, sqlite_template) as found:
        yield found


# --- seeing ---------------------------------------------------------------------------------------------------------


def test_everything_comes_in_one_request_and_the_agent_sees_the_whole_story(desk: Desk) -> None:
    app = desk.open()
    expect(app.get_by_role("heading", name="Ann Jansen")).to_be_visible()
    expect(app.get_by_role("list", name="Latest scores")).to_contain_text("NPS 3 detractor")
    callback = app.get_by_role("region", name="Call this customer back")
    expect(callback.locator("blockquote")).to_have_text("Waited a week.")
    expect(callback.get_by_role("link", name="+31612345678")).to_have_attribute("href", "tel:+31612345678")
    expect(callback).to_contain_text("in the morning")
    moments = app.get_by_role("region", name="Timeline").get_by_role("listitem")
    expect(moments).to_have_count(2)
    expect(moments.first).to_contain_text("NPS 3 – detractor")
    assert desk.workspace.made == [("POST", f"/api/v1/agent/zendesk/users/{desk.user}/picture")]


def test_the_guide_says_whom_one_speaks_to_and_what_they_said(desk: Desk) -> None:
    app = desk.open()
    desk.unfold("What to say")
    guide = app.locator(".guide")
    expect(guide).to_contain_text("Good day Ann Jansen, this is Jan de Vries. You gave us a 3")
    expect(guide).to_contain_text("So you told us: ‘Waited a week’.")


def test_a_dutch_agent_reads_dutch(browser: Browser, tmp_path: Path, sqlite_template: Path) -> None:
    with a_desk(browser, tmp_path, sqlite_template, agent={**JAN, "locale": "nl-NL"}) as desk:
        app = desk.open()
        expect(app.get_by_role("region", name="Bel deze klant terug")).to_contain_text("te bellen")
        expect(app.get_by_role("region", name="Tijdlijn")).to_contain_text("criticaster")
        expect(app.locator("html")).to_have_attribute("lang", "nl")


def test_beside_a_person_there_is_no_callback_but_their_story(
    browser: Browser, tmp_path: Path, sqlite_template: Path
) -> None:
    with a_desk(browser, tmp_path, sqlite_template, location="user_sidebar") as desk:
        app = desk.open()
        expect(app.get_by_role("heading", name="Ann Jansen")).to_be_visible()
        expect(app.get_by_role("region", name="Call this customer back")).to_have_count(0)
        expect(app.get_by_role("region", name="Timeline").get_by_role("listitem")).to_have_count(2)


def test_what_a_customer_wrote_stays_words(browser: Browser, tmp_path: Path, sqlite_template: Path) -> None:
    with a_desk(browser, tmp_path, sqlite_template, comment=HOSTILE) as desk:
        app = desk.open()
        expect(app.locator("blockquote")).to_have_text(HOSTILE)
        expect(app.locator("img")).to_have_count(0)


def test_a_long_line_goes_on_below_and_the_focus_goes_along(desk: Desk) -> None:
    for number in range(24):
        known = {"zendesk_user_id": desk.user}
        desk.home.deliver({"type": "order.delivered", "id": f"o{number}", "data": {"customer": known}})
    desk.home.settle()
    app = desk.open()
    moments = app.get_by_role("region", name="Timeline").get_by_role("listitem")
    expect(moments).to_have_count(20)
    app.get_by_role("button", name="Show older").press("Enter")
    expect(moments).to_have_count(26)
    expect(desk.said).to_have_text("6 older moments added.")
    expect(moments.nth(20)).to_be_focused()


def test_another_requester_on_the_ticket_is_another_picture(desk: Desk) -> None:
    app = desk.open()
    expect(app.get_by_role("heading", name="Ann Jansen")).to_be_visible()
    bob = {"id": 99, "name": "Bob Bos", "email": "bob@example.com", "locale": "nl"}
    desk.page.evaluate("bob => { PLACE.values['ticket.requester'] = bob; }", bob)
    desk.page.evaluate("fire('ticket.requester.id.changed', 99)")
    expect(app.get_by_role("heading", name="Bob Bos")).to_be_visible()
    assert desk.workspace.made[-1] == ("POST", "/api/v1/agent/zendesk/users/99/picture")


def test_a_zendesk_that_tells_no_scheme_shows_the_picture_all_the_same(desk: Desk) -> None:
    del desk.workspace.values["colorScheme"]
    app = desk.open()
    expect(app.get_by_role("heading", name="Ann Jansen")).to_be_visible()
    expect(app.locator("html")).to_have_attribute("data-scheme", "light")


# --- doing ----------------------------------------------------------------------------------------------------------


def test_an_outcome_needs_its_cause_and_is_kept_with_the_agents_name(desk: Desk) -> None:
    app = desk.open()
    app.get_by_role("button", name="Save the outcome").click()
    expect(app.get_by_label("Outcome")).to_be_focused()
    app.get_by_label("Outcome").select_option(label="Recovered")
    app.get_by_role("button", name="Save the outcome").click()
    expect(app.get_by_label("Root cause")).to_be_focused()
    expect(app.get_by_label("Root cause")).to_have_accessible_description(re.compile("this outcome needs one"))
    app.get_by_label("Root cause").select_option(label="Delivery")
    desk.press("Save the outcome", "/outcome")
    expect(desk.said).to_have_text("Saved: Recovered.")
    expect(app.get_by_role("region", name="Call this customer back")).to_contain_text(
        "Recovered (Delivery), said Jan de Vries"
    )
    expect(app.get_by_role("region", name="Timeline")).to_contain_text("Callback: Recovered")


def test_what_was_typed_elsewhere_outlives_a_click(desk: Desk) -> None:
    app = desk.open()
    desk.unfold("Log feedback")
    app.get_by_label("What the customer said").fill("Half a sen")
    desk.press("Not reached", "/outcome")
    expect(desk.said).to_have_text("Saved: Not reached.")
    expect(app.get_by_role("region", name="Call this customer back")).to_contain_text("Not reached, said Jan de Vries")
    expect(app.get_by_label("What the customer said")).to_have_value("Half a sen")


def test_not_reached_pressed_twice_is_said_once(desk: Desk) -> None:
    app = desk.open()
    with desk.page.expect_response(lambda answer: "/outcome" in (answer.request.post_data or "")):
        app.get_by_role("button", name="Not reached").dblclick()
    desk.home.settle()
    expect(desk.said).to_have_text("Saved: Not reached.")
    [said] = desk.home.rows(tables.events, tables.events.c.type == "callback.outcome")
    assert (said.data["outcome"], said.data["by"]["email"]) == ("not_reached", "jan@acme.example")


def test_a_survey_is_sent_once_and_then_the_agent_reads_why_not_again(desk: Desk) -> None:
    app = desk.open()
    desk.unfold("Send a survey")
    desk.press("Send now", "/surveys")
    expect(desk.said).to_have_text("The survey was sent.")
    [mail] = desk.home.mails("ann@example.com")
    assert "Jan de Vries" in mail.text
    expect(app.get_by_role("button", name="Send now")).to_be_disabled()
    expect(app.locator(".why")).to_have_text("Asked today; we leave people in peace for 90 days.")
    expect(app.get_by_role("region", name="Timeline")).to_contain_text("Survey sent: after-support")


def test_feedback_from_a_call_is_logged_and_starts_the_same_callback(desk: Desk) -> None:
    app = desk.open()
    desk.unfold("Log feedback")
    app.get_by_role("button", name="Log it").click()
    expect(app.get_by_label("What the customer said")).to_be_focused()
    app.get_by_label("What the customer said").fill("It squeaks 🐭")
    app.get_by_label("From").select_option(label="a visit")
    app.get_by_label("Would recommend us").select_option("2")
    app.get_by_label("Wants to be called back about it").check()
    desk.press("Log it", "/feedback")
    expect(desk.said).to_have_text("Logged. Thank you.")
    expect(app.get_by_role("region", name="Timeline")).to_contain_text("It squeaks 🐭")
    assert desk.home.run("logged-feedback").status == "waiting"
    assert len(desk.home.rows(tables.callbacks)) == 2


def test_the_whole_sidebar_works_by_keyboard_alone(desk: Desk) -> None:
    app = desk.open()
    app.get_by_role("link", name="+31612345678").focus()
    for key in ("Tab", "Enter", "Tab", "Tab"):  # open the guide; over the outcome's summary to its first field
        desk.page.keyboard.press(key)
    expect(app.locator(".guide")).to_be_visible()
    expect(app.get_by_label("Outcome")).to_be_focused()
    for key in ("n", "o", "Tab", "Tab", "Tab", "Tab"):
        desk.page.keyboard.press(key)
    expect(app.get_by_role("button", name="Not reached")).to_be_focused()
    outline = app.get_by_role("button", name="Not reached").evaluate("each => getComputedStyle(each).outlineWidth")
    assert outline == "3px"
    with desk.page.expect_response(lambda answer: "/outcome" in (answer.request.post_data or "")):
        desk.page.keyboard.press("Enter")
    desk.home.settle()
    expect(desk.said).to_have_text("Saved: Not reached.")
    expect(app.get_by_role("button", name="Not reached")).not_to_be_visible()  # folded away: it is said


# --- when it does not work --------------------------------------------------------------------------------------------


def test_a_revoked_token_is_said_in_words_with_who_can_mend_it(desk: Desk) -> None:
    desk.workspace.secure["token"] = "rb_revoked"
    app = desk.open()
    expect(app.get_by_role("alert")).to_contain_text("Ask your admin to make a new one")


def test_a_wrong_connection_and_missing_settings_are_named(desk: Desk) -> None:
    desk.workspace.given = {"connection": "zendesk-uk"}
    expect(desk.open().get_by_role("alert")).to_contain_text("Ringback knows no connection “zendesk-uk”")
    desk.workspace.given = {"connection": ""}
    expect(desk.open().get_by_role("alert")).to_contain_text("The app's settings are incomplete")


def test_a_house_that_is_away_can_be_tried_again(desk: Desk) -> None:
    desk.workspace.is_down = True
    app = desk.open()
    expect(app.get_by_role("alert")).to_contain_text("try again in a moment")
    desk.workspace.is_down = False
    app.get_by_role("button", name="Try again").click()
    expect(app.get_by_role("heading", name="Ann Jansen")).to_be_visible()


def test_a_click_into_an_outage_is_said_and_made_once_when_tried_again(desk: Desk) -> None:
    app = desk.open()
    desk.workspace.is_down = True
    app.get_by_role("button", name="Not reached").click()
    expect(desk.said).to_contain_text("Ringback cannot be reached just now")
    desk.workspace.is_down = False
    desk.press("Not reached", "/outcome")
    expect(desk.said).to_have_text("Saved: Not reached.")
    assert len(desk.home.rows(tables.events, tables.events.c.type == "callback.outcome")) == 1


def test_outside_of_zendesk_the_page_says_where_it_belongs(desk: Desk) -> None:
    desk.page.goto(f"{desk.workspace.url}/app/assets/iframe.html")
    expect(desk.page.get_by_role("alert")).to_contain_text("Zendesk")


# --- for everybody ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_rule_of_accessibility_is_broken(
    browser: Browser, tmp_path: Path, sqlite_template: Path, scheme: str
) -> None:
    with a_desk(browser, tmp_path, sqlite_template, scheme=scheme) as desk:
        app = desk.open()
        expect(app.locator("html")).to_have_attribute("data-scheme", scheme)
        app.get_by_role("button", name="Save the outcome").click()
        for title in ("What to say", "Send a survey", "Log feedback"):
            desk.unfold(title)
        assert _problems(desk) == []


def test_the_scheme_follows_zendesk(desk: Desk) -> None:
    app = desk.open()
    desk.page.evaluate("fire('colorScheme.changed', 'dark')")
    expect(app.locator("html")).to_have_attribute("data-scheme", "dark")


def test_it_fits_a_narrow_panel_and_fingers(browser: Browser, tmp_path: Path, sqlite_template: Path) -> None:
    with a_desk(browser, tmp_path, sqlite_template, viewport=NARROW, comment="x" * 300) as desk:
        app = desk.open()
        for title in ("What to say", "Send a survey", "Log feedback"):
            desk.unfold(title)
        assert app.locator("html").evaluate("each => each.scrollWidth") <= NARROW["width"]
        boxes = [each.bounding_box() for each in app.locator("button, select, summary, textarea").all()]
        assert min(box["height"] for box in boxes if box) >= 24  # WCAG 2.2, target size


def _problems(desk: Desk) -> list[str]:
    """What axe-core finds within the frame."""
    [frame] = [each for each in desk.page.frames if "/app/" in each.url]
    return accessibility_problems(frame)
