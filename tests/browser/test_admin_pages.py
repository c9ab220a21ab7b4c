"""Every admin page, for every role, in both languages, on every kind of screen, light and dark.

Nothing breaks a rule of accessibility (targets of 24 pixels among them), nothing is cut off or has to be scrolled
sideways, no message reaches the console, and the content policy is never broken. By itself each page is looked at in
one of all looks, in turn; ``RINGBACK_TEST_PAGES=whole`` takes all together. ``RINGBACK_TEST_PICTURES=<folder>`` keeps
a picture of each page that somebody of that role may see.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from connector.access import users
from connector.access.rights import ROLES, may
from connector.access.users import User
from connector.access.way_in import sessions
from connector.access.way_in.sessions import Came, Stage
from connector.storage.schema import tables
from connector.storage.stores import page_queries
from connector.web.admin.entry import cookies
from connector.web.admin.table import PAGES
from tests.browser.browser import accessibility_problems, new_context
from tests.support.admin import served
from tests.support.admin_house import copied, lively_house
from tests.support.house import Harness, answer

pytestmark = pytest.mark.browser

WHOLE = os.environ.get("RINGBACK_TEST_PAGES") == "whole"
LANGUAGES = ("en", "nl")
SCREENS = {"desktop": (1280, 800), "phone": (390, 844), "small": (320, 640), "200%": (640, 400)}
SCHEMES = ("light", "dark")
LOOKS = list(product(LANGUAGES, SCREENS, SCHEMES))

Address = Callable[["Site"], str]
SAMPLES: dict[str, Address] = {
    "run": lambda site: f"/runs/{site.home.runs('call-back')[0].id}",
    "runs_ask": lambda site: "/runs/act?status=failed&action=restart&which=all",
    "stopped_group": lambda site: f"/stopped/{_cause(site.home)}",
    "event": lambda site: f"/events/{site.home.rows(tables.events)[0].id}",
    "delivery": lambda site: "/deliveries/1",
    "connection": lambda site: "/connections/salesforce",
    "why": lambda site: "/why?q=ann@example.com",
    "workflow": lambda site: "/workflows/call-back",
    "workflow_version": lambda site: "/workflows/call-back/versions/1",
    "workflow_difference": lambda site: "/workflows/call-back/difference?old=1&new=1",
    "workflow_edit": lambda site: "/workflows/call-back/edit",
    "survey": lambda site: "/surveys/after-support",
    "survey_version": lambda site: "/surveys/after-support/versions/1",
    "survey_difference": lambda site: "/surveys/after-support/difference?old=1&new=1",
    "survey_edit": lambda site: "/surveys/after-support/edit",
    "survey_preview": lambda site: "/surveys/after-support/preview",
    "customer": lambda site: f"/customers/{site.home.rows(tables.customers)[0].id}",
    "callback": lambda site: f"/callbacks/{site.home.rows(tables.callbacks)[0].id}",
    "review": lambda site: f"/reviews/{site.home.rows(tables.identity_conflicts)[0].id}",
    "user": lambda site: f"/users/{site.people['lead'].id}",
}
"""Where a page with a name in its address is; a page without is where its row says."""

ELSEWHERE = frozenset({
    "audit_export",  # a file
    "survey_preview_file",  # a mail or page as the customer sees it: see test_survey_everywhere, test_mail_layout
    "workflow_both", "survey_both",  # only while a file and the browser differ: see test_admin_making
})  # fmt: skip
"""Pages that are looked at by tests of their own."""


def _cause(home: Harness) -> str:
    with home.house.database.read() as tx:
        return page_queries.stopped(tx).groups[0].cause


_GETS = [each for each in PAGES if each.method == "GET" and each.name not in ELSEWHERE]
SHOWN = [each for each in _GETS if each.name in SAMPLES or "<" not in each.rule]


@dataclass(frozen=True)
class Site:
    """The pages behind their own gate. ``people`` are there, one of each role; ``keys`` are their sessions' secrets."""

    home: Harness
    url: str
    people: dict[str, User]
    keys: dict[str, str]

    def enter(self, context: BrowserContext, role: str, language: str = "en") -> None:
        """The browser is theirs, and speaks this language."""
        context.clear_cookies()
        held = {cookies.name(self.home.house.settings): self.keys[role], "ringback-language": language}
        context.add_cookies([{"name": name, "value": value, "url": self.url} for name, value in held.items()])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Site]:
    with lively_house(copied(sqlite_template, tmp_path_factory.mktemp("admin-pages"))) as home:
        _contradict(home)
        people, keys, now = {}, {}, home.clock()
        with home.house.database.write() as tx:
            for role in ROLES:
                people[role] = users.add(tx, f"{role}@bank.example", role.title(), role, at=now, password="none")
                ends = now + timedelta(hours=12)
                keys[role] = sessions.begin(tx, people[role].id, Stage.FULL, Came("192.0.2.0"), now, ends)
        with served(home) as url:
            yield Site(home, url, people, keys)


def _contradict(home: Harness) -> None:
    """Two people, and an answer that has the address of one and the number of the other."""
    for email, number in (("an@example.com", 4001), ("bo@example.com", 4002), ("bo@example.com", 4001)):
        home.deliver(answer(8, customer={"email": email, "zendesk_user_id": number, "name": email[:2].title()}))
        home.settle()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    found = new_context(browser, reduced_motion="reduce")
    found.add_init_script("document.addEventListener('securitypolicyviolation', "
                          "(event) => { (window.broken ??= []).push(event.violatedDirective); });")  # fmt: skip
    yield found
    found.close()


def looks_of(number: int) -> list[tuple[str, str, str, str]]:
    """(role, language, screen, scheme): all, or for each page one, in turn."""
    if WHOLE:
        return [(role, *look) for role, look in product(ROLES, LOOKS)]
    others = [role for role in ROLES if role != "admin"]
    role = "admin" if number % 2 else others[number // 2 % len(others)]
    return [(role, *LOOKS[5 * number % len(LOOKS)])]


CASES = [(page.name, look) for number, page in enumerate(SHOWN) for look in looks_of(number)]


def test_the_sample_has_every_role_language_screen_and_colour() -> None:
    for place, group in enumerate((ROLES, LANGUAGES, SCREENS, SCHEMES)):
        assert {look[place] for _, look in CASES} == set(group)
    assert {page.name for page in PAGES if page.method == "GET"} - {page.name for page in SHOWN} == ELSEWHERE


@pytest.mark.parametrize(("name", "look"), CASES, ids=[f"{name}-{'-'.join(look)}" for name, look in CASES])
def test_every_page_can_be_used_by_everybody(
    site: Site, context: BrowserContext, name: str, look: tuple[str, str, str, str]
) -> None:
    role, language, screen, scheme = look
    row = next(each for each in SHOWN if each.name == name)
    site.enter(context, role, language)
    width, height = SCREENS[screen]
    page = context.new_page()
    try:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        said = _listened(page)
        response = page.goto(f"{site.url}/admin{SAMPLES[name](site) if name in SAMPLES else row.rule}")
        allowed = may(site.people[role].viewer, row.right)
        assert response is not None
        assert response.status == (200 if allowed else 404)
        assert page.locator("html").get_attribute("lang") == language
        assert accessibility_problems(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(_CUT) == []
        assert page.evaluate("window.broken ?? []") == []
        assert [each for each in said if allowed or "404" not in each] == []
        if allowed:
            _keep(page, f"admin-{name}-{'-'.join(look).strip('%')}")
    finally:
        page.close()


_CUT = """() => [...document.querySelectorAll("body *")].filter((each) => {
  const style = getComputedStyle(each), hides = ["hidden", "clip"].includes(style.overflowX);
  return hides && style.clipPath === "none" && each.scrollWidth > each.clientWidth + 1;
}).map((each) => each.outerHTML.slice(0, 120))"""
"""What hides a part of its words."""


def _listened(page: Page) -> list[str]:
    said: list[str] = []

    def note(message: ConsoleMessage) -> None:
        said.append(f"{message.type}: {message.text}")

    page.on("console", note)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def _keep(page: Page, name: str) -> None:
    if folder := os.environ.get("RINGBACK_TEST_PICTURES"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


# --- what scripts add


@pytest.fixture
def page(site: Site, context: BrowserContext) -> Iterator[Page]:
    site.enter(context, "admin")
    found = context.new_page()
    found.set_viewport_size({"width": 1280, "height": 800})
    yield found
    found.close()


def test_a_list_follows_its_filters_at_once_and_the_address_with_it(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/admin/runs")
    page.get_by_label("Step").type("callback")
    page.get_by_label("State", exact=True).select_option("succeeded")
    expect(page.get_by_text("No run is like that.")).to_be_visible()
    assert "status=succeeded" in page.url
    expect(page.get_by_label("Step")).to_have_value("callback")


def test_what_somebody_looks_at_follows_the_truth_and_what_they_chose_stays(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/admin/connections/mail")
    page.get_by_label("Why").fill("half a sen")
    site.home.house.switches.pause("mail", "Somebody else", "Certificate")
    page.evaluate(_LOOK)
    expect(page.get_by_text("by Somebody else: Certificate")).to_be_visible()
    expect(page.get_by_label("Why")).to_have_value("half a sen")
    assert page.evaluate("window.broken ?? []") == []
    site.home.house.switches.resume("mail")


def test_a_list_in_which_rows_are_chosen_is_left_alone(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/admin/deliveries")
    page.get_by_label("All on this page").check()
    chosen = page.locator("input[name=delivery]:checked")
    count = chosen.count()
    expect(page.locator("output.chosen")).to_have_text(f"{count} chosen")
    page.evaluate(_LOOK)
    assert chosen.count() == count > 0


_LOOK = "Promise.all([...document.querySelectorAll('rb-live')].map((each) => each.look()))"
"""What the clock does every few seconds."""


def test_looking_on_is_told_apart_from_working_and_costs_no_page_while_nothing_moves(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/admin/stopped")
    asked: list[int] = []
    page.on("response", lambda answer: asked.append(answer.status) if "rb-poll" in answer.request.headers else None)
    for _ in range(2):
        page.evaluate(_LOOK)
    assert asked == [200, 304]


def test_what_is_shown_while_nobody_answers_is_said_to_be_old_and_stays(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/admin/stopped")
    old = page.get_by_text("What you see is its last answer.")
    page.route("**/admin/stopped", lambda route: route.abort())
    page.evaluate(_LOOK)
    expect(old).to_be_visible()
    expect(page.get_by_role("link", name="Mend all of them").first).to_be_visible()
    page.unroute("**/admin/stopped")
    page.evaluate(_LOOK)
    expect(old).to_be_hidden()


def test_a_page_weighs_little(site: Site, page: Page) -> None:
    sizes: dict[str, int] = {}

    def note(request: Any) -> None:
        measured = request.sizes()
        sizes[request.url] = measured["responseBodySize"] + measured["responseHeadersSize"]

    page.on("requestfinished", note)
    page.goto(f"{site.url}/admin/runs", wait_until="networkidle")
    assert 0 < sum(sizes.values()) < 100_000, sizes
    document = next(size for address, size in sizes.items() if address.endswith("/runs"))
    assert document < 30_000
