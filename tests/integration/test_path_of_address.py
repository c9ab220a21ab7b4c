"""A house below a path of the company's own site: everything it writes down leads there, and everything works there."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from connector.ids import new_id
from connector.storage.schema import tables
from sandbox.clock import HandClock
from sandbox.world import World
from tests.integration.test_door import served
from tests.integration.test_mail_never_left import ASK
from tests.support.house import Harness, a_house, answer, signed_inbound
from tests.support.http import Server
from tests.support.proxy import published
from tests.survey_site import BROWSER

SITE = "https://acme.example"
PLACES = re.compile(r'(?:href|src|action|data-save|data-submit)="([^"]+)"')


@dataclass(frozen=True)
class Published:
    """A house, and the proxy before it: what the world reaches as ``SITE``."""

    home: Harness
    proxy: Server
    prefix: str

    def real(self, address: str) -> str:
        return urljoin(self.proxy.url, address.removeprefix(SITE))

    def get(self, address: str) -> requests.Response:
        return requests.get(self.real(address), timeout=30, headers=BROWSER)

    def post(self, address: str, body: Any, **headers: str) -> requests.Response:
        return requests.post(self.real(address), data=body, headers={**BROWSER, **headers}, timeout=30)

    def places(self, page: str) -> list[str]:
        """Where a page leads on this site."""
        return [each for each in PLACES.findall(page) if each.startswith("/")]

    def link(self) -> str:
        """That of the only mail."""
        self.home.deliver({"type": "order.delivered", "id": new_id(), "data": {"order": "1", "customer": {
            "email": "jan@example.com", "name": "Jan"}}})  # fmt: skip
        self.home.settle()
        [mail] = self.home.mails()
        self.home.clock.move(minutes=10)  # nobody answers in the second in which a mail comes
        return str(re.search(r"https://\S+/s/[\w-]{22}", mail.text)[0])  # type: ignore[index]


@contextmanager
def a_site(folder: Path, template: Path, prefix: str, *, takes_off: bool = True) -> Iterator[Published]:
    shutil.copy(template, folder / "ringback.db")
    clock, database = HandClock(), f"sqlite:///{folder / 'ringback.db'}"
    with (
        World(clock=clock) as world,
        a_house(database, world, {"ask": ASK}, clock=clock, base_url=f"{SITE}{prefix}") as home,
        served(home) as port,
        published(f"http://127.0.0.1:{port}", prefix, takes_off=takes_off) as proxy,
    ):
        yield Published(home, proxy, prefix)


@pytest.fixture(params=["/feedback", "/s", "/api/feedback", "/a.b/c~d"])
def site(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> Iterator[Published]:
    with a_site(tmp_path, sqlite_template, request.param) as site:
        yield site


def answered(site: Published, link: str) -> None:
    """A person opens the link, follows what the page says, and answers."""
    page = site.get(f"{link}?score=9")
    assert page.status_code == 200
    places = site.places(page.text)
    assert len(places) >= 5
    assert all(place.startswith(f"{site.prefix}/") for place in places), places
    of_persons = [place for place in places if not place.endswith(("/answer", "/details"))]  # no person sees the last
    assert {site.get(place).status_code for place in of_persons} == {200}
    [dictionary] = [place for place in places if place.endswith(".dat")]
    assert site.get(dictionary).headers["Use-As-Dictionary"] == f'match="{site.prefix}/s/*"'
    [form] = set(re.findall(r'<form method="post" action="([^"]+)"', page.text))
    [save] = set(re.findall(r'data-save="([^"]+)"', page.text))
    names = re.findall(r'name="(q\.\w+)" value="9"', page.text)
    assert site.post(save, {names[0]: "9", "shown": names[0].removeprefix("q.")}).status_code == 200
    sent = requests.post(site.real(form), data=filled(site, link), timeout=30, headers=BROWSER)
    assert (sent.status_code, urlsplit(sent.url).path) == (200, f"{urlsplit(link).path}/thanks")
    assert all(place.startswith(f"{site.prefix}/") for place in site.places(sent.text))


def filled(site: Published, link: str) -> dict[str, Any]:
    page = site.get(link).text
    return {"shown": re.findall(r'name="shown" value="(\w+)"', page), "q.score": "9", "q.contact_consent": "no"}


def test_a_mails_link_leads_to_a_page_that_can_be_answered(site: Published) -> None:
    link = site.link()
    assert link.startswith(f"{SITE}{site.prefix}/s/")
    answered(site, link)
    site.home.settle()
    assert site.home.one(tables.responses).score == 9


def test_the_way_out_is_below_the_path_too(site: Published) -> None:
    site.link()
    [mail] = site.home.mails()
    header = str(mail.header("List-Unsubscribe")).strip("<>")
    assert header.startswith(f"{SITE}{site.prefix}/u/")
    assert site.get(header).status_code == 200
    done = site.post(header, {"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200
    assert site.home.one(tables.customers).opted_out_at is not None


def test_webhooks_the_api_and_the_way_back_from_a_vendor_are_there(site: Published) -> None:
    body = json.dumps({"time": site.home.clock().isoformat(), **answer(3)}).encode()
    told = site.post(f"{site.prefix}/webhooks/survey-platform", body, **signed_inbound(body, "d-1", site.home.clock()))
    assert told.json()["status"] == "stored"
    description = site.get(f"{site.prefix}/api/v1/openapi.json").json()
    assert description["servers"] == [{"url": site.prefix}]
    assert site.get(f"{site.prefix}/api/v1/nothing").headers["Content-Type"] == "application/problem+json"
    assert "This link has ended" in site.get(f"{site.prefix}/connect/zendesk?state=x").text
    assert site.get(f"{site.prefix}/readyz").json() == {"status": "ready"}


def test_a_proxy_that_hands_the_whole_path_on_is_understood(tmp_path: Path, sqlite_template: Path) -> None:
    with a_site(tmp_path, sqlite_template, "/feedback", takes_off=False) as site:
        answered(site, site.link())
        body = json.dumps({"time": site.home.clock().isoformat(), **answer(3)}).encode()
        headers = signed_inbound(body, "d-1", site.home.clock())
        assert site.post("/feedback/webhooks/survey-platform", body, **headers).json()["status"] == "stored"


def test_nobody_bends_the_links_of_a_page_by_a_header(tmp_path: Path, sqlite_template: Path) -> None:
    with a_site(tmp_path, sqlite_template, "/feedback") as site:
        address = site.real(site.link())
        page = requests.get(address, headers={"X-Forwarded-Prefix": "//evil.example"}, timeout=30).text
        assert "evil" not in page
        assert all(place.startswith("/feedback/") for place in site.places(page))
