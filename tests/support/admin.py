"""The admin pages with somebody in front of them: a gate that lets in whoever the test says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.access.rights import Viewer, viewer
from connector.web.admin.page import Page, SignedIn
from connector.web.app import web_app
from sandbox.serving import Server
from tests.support.house import Harness

TOKEN = "the form token of a test's session"


def somebody(role: str = "admin", **more: Any) -> Viewer:
    return viewer("u1", "Ada Admin", "ada@bank.example", role, **more)


@dataclass
class Door:
    """Lets in ``who``; tests put others there."""

    who: Viewer = field(default_factory=somebody)

    def __call__(self, _page: Page) -> SignedIn:
        return SignedIn(self.who, TOKEN)


@dataclass
class AdminPages:
    """The pages of a house, asked without a browser."""

    home: Harness
    door: Door
    client: FlaskClient

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(f"/admin{path}", headers=headers)

    def text(self, path: str) -> str:
        """What a person reads, without the marks."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return words(answer)

    def post(self, path: str, **form: Any) -> TestResponse:
        """As a form of the home page would send it."""
        page = self.client.get("/admin/").get_data(as_text=True)
        [token, *_] = re.findall(r'name="form_token" value="(\w+)"', page)
        return self.client.post(f"/admin{path}", data={"form_token": token, **form})


def words(answer: TestResponse) -> str:
    text = re.sub(r"<(script|style).*?</\1>", " ", answer.get_data(as_text=True), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def admin_pages(home: Harness) -> AdminPages:
    door = Door()
    return AdminPages(home, door, web_app(home.house, door).test_client())


@contextmanager
def served(home: Harness, door: Door | None = None) -> Iterator[str]:
    """The same on a port, for a browser; without a ``door`` behind their own. → its address."""
    server = Server(web_app(home.house, door))
    try:
        yield server.url
    finally:
        server.close()
