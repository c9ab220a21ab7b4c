"""What a seller sees of the customer's voice on a record, on a phone and on a desk.

``RINGBACK_TEST_PICTURES=<folder>`` keeps the pictures that docs/sellers.md shows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from integrations.salesforce.fields import ACCOUNT, PERSON, RESPONSE
from sandbox.clock import HandClock
from sandbox.salesforce.schema import Field, SObject, fields_of
from sandbox.salesforce.standin import SalesforceStandIn
from sandbox.serving import Server
from tests.browser.browser import DESKTOP, PHONE, accessibility_problems, new_context

pytestmark = pytest.mark.browser

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
WORDS = "Waited eleven days for a part that was promised in two. Nobody called back."
TEXT, DATE = {"comment": "textarea"}, ("answered_at",)


class Org:
    """An org that was set up, with an account whose people answered."""

    def __init__(self, url: str, salesforce: SalesforceStandIn) -> None:
        self.url, self.salesforce = url, salesforce
        for kind, names in (("Contact", PERSON), ("Account", ACCOUNT)):
            for each in fields(names):
                salesforce.add_field(kind, getattr(names, each.name), _type(each.name), length=32_000)
        own = [Field(getattr(RESPONSE, each.name), _type(each.name), 32_000) for each in fields(RESPONSE)[1:]]
        salesforce.org.records.add_object(SObject(RESPONSE.sobject, "a00", fields_of(*own)))
        self.account = salesforce.add_account("Acme Installations", AnnualRevenue=250_000, Industry="Construction")
        self.ann = self._person("Ann", "Jansen", "Head of purchasing")
        self.bo = self._person("Bo", "de Vries", "Planner")
        self._tell()

    def _person(self, first: str, last: str, title: str) -> dict[str, Any]:
        email = f"{first.lower()}@acme-installations.example"
        account = self.account["Id"]
        return self.salesforce.add_contact(last, email, FirstName=first, Title=title, Phone="+31 20 555 0123",
                                           AccountId=account)  # fmt: skip

    def _tell(self) -> None:
        self._answer(self.ann, 9, "promoter", 200, "Quick and friendly.", "")
        self._answer(self.ann, 3, "detractor", 1, WORDS, "open")
        self._answer(self.bo, 9, "promoter", 12, "", "")
        change = self.salesforce.change
        change("Contact", self.ann["Id"], **{
            PERSON.score: 3, PERSON.band: "detractor", PERSON.answered_at: _at(1), PERSON.comment: WORDS,
            PERSON.quadrant: "disloyalty", PERSON.loop_status: "open", PERSON.trend: "falling",
            PERSON.responses: 2})  # fmt: skip
        change("Contact", self.bo["Id"], **{PERSON.score: 9, PERSON.band: "promoter", PERSON.answered_at: _at(12)})
        change("Account", self.account["Id"], **{
            ACCOUNT.score: 0, ACCOUNT.responses: 2, ACCOUNT.answered_at: _at(1)})  # fmt: skip
        self.salesforce.add("Task", Subject="Ann Jansen gave 3: call before you sell", WhoId=self.ann["Id"],
                            WhatId=self.account["Id"], Priority="High", ActivityDate="2026-11-24", Status="Not Started",
                            Description=f"In the customer's words: {WORDS}\nThey may be called about it.")  # fmt: skip

    def _answer(self, who: dict[str, Any], score: int, band: str, days: int, words: str, loop: str) -> None:
        self.salesforce.add(RESPONSE.sobject, **{
            RESPONSE.contact: who["Id"], RESPONSE.account: self.account["Id"], RESPONSE.metric: "nps",
            RESPONSE.score: score, RESPONSE.band: band, RESPONSE.comment: words, RESPONSE.survey: "after-support",
            RESPONSE.answered_at: _at(days), RESPONSE.loop_status: loop})  # fmt: skip

    def page(self, kind: str, record: dict[str, Any]) -> str:
        return f"{self.url}/lightning/r/{kind}/{record['Id']}/view"


def _type(name: str) -> str:
    kinds = {"score": "double", "responses": "double", "factor": "double", "answered_at": "datetime",
             "comment": "textarea", "contact": "reference", "account": "reference", "lead": "reference"}  # fmt: skip
    return kinds.get(name, "string")


def _at(days: int) -> str:
    return (NOW - timedelta(days=days)).isoformat()


@pytest.fixture(scope="module")
def org() -> Iterator[Org]:
    salesforce = SalesforceStandIn(HandClock(NOW))
    server = Server(salesforce)
    yield Org(server.url, salesforce)
    salesforce.release()
    server.close()
    salesforce.close()


def keep(page: Page, name: str) -> None:
    if folder := os.environ.get("RINGBACK_TEST_PICTURES"):
        end = page.evaluate("document.querySelector('section[aria-labelledby=details]').offsetTop")
        width = page.evaluate("innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": end}
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True, clip=clip)


@pytest.mark.parametrize(("size", "name"), [(PHONE, "phone"), (DESKTOP, "desktop")], ids=["phone", "desktop"])
def test_a_seller_reads_score_words_trend_and_loop_on_the_contact(
    org: Org, browser: Browser, size: Any, name: str
) -> None:
    page = new_context(browser, viewport=size).new_page()
    page.goto(org.page("Contact", org.ann))
    section = page.get_by_role("region", name="Customer's voice")
    expect(section.locator("#score")).to_have_text("3")
    for text in ("Detractor", WORDS, "falling", "open", "disloyalty"):
        expect(section.get_by_text(text, exact=text == "open")).to_be_visible()
    expect(page.get_by_role("note")).to_contain_text("This customer is unhappy. Read the comment")
    expect(page.get_by_role("region", name="Responses (2)").get_by_role("row")).to_have_count(3)
    expect(page.get_by_role("region", name="Open tasks")).to_contain_text("call before you sell")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert accessibility_problems(page) == []
    keep(page, f"seller-contact-{name}")
    page.context.close()


def test_nobody_is_warned_of_a_content_customer(org: Org, browser: Browser) -> None:
    page = new_context(browser, viewport=DESKTOP).new_page()
    page.goto(org.page("Contact", org.bo))
    expect(page.locator("#score")).to_have_text("9")
    expect(page.get_by_role("note")).to_have_count(0)
    page.context.close()


@pytest.mark.parametrize(("size", "name"), [(PHONE, "phone"), (DESKTOP, "desktop")], ids=["phone", "desktop"])
def test_a_seller_sees_who_of_an_account_is_unhappy(org: Org, browser: Browser, size: Any, name: str) -> None:
    page = new_context(browser, viewport=size).new_page()
    page.goto(org.page("Account", org.account))
    expect(page.locator("#score")).to_have_text("0")
    people = page.get_by_role("region", name="People who answered")
    expect(people.get_by_role("row").nth(1)).to_contain_text("Ann Jansen")
    assert accessibility_problems(page) == []
    keep(page, f"seller-account-{name}")
    page.context.close()
