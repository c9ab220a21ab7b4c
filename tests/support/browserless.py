"""Somebody at the sign-in without a browser: follows forms and keeps cookies as one would."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.access.users import User
from tests.support.admin import words
from tests.support.house import Harness
from tests.support.people import PASSWORD, code_of, somebody

OURS = {"Sec-Fetch-Site": "same-origin"}
COOKIE = "ringback-session"


@dataclass
class Person:
    """A browser of somebody, with its own cookies."""

    home: Harness
    client: FlaskClient
    user: User | None = None
    secret: str = ""
    page: str = ""
    headers: dict[str, str] = field(default_factory=lambda: dict(OURS))

    def get(self, path: str) -> TestResponse:
        return self._took(self.client.get(f"/admin{path}", headers={"Sec-Fetch-Site": "none"}))

    def post(self, path: str, headers: dict[str, str] | None = None, **fields: Any) -> TestResponse:
        """A form of the page that was shown last."""
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', self.page))
        sent = {name: unescape(hidden[name]) for name in ("form_token", "next", "sealed", "carried") if name in hidden}
        headers = self.headers if headers is None else headers
        return self._took(self.client.post(f"/admin{path}", data={**sent, **fields}, headers=headers))

    @property
    def cookie(self) -> str:
        found = self.client.get_cookie(COOKIE)
        return found.value if found else ""

    def enter(self, password: str = PASSWORD, next_: str = "/admin/") -> TestResponse:
        """From the door to the end of the way."""
        assert self.user is not None
        self.get(f"/sign-in?next={next_}")
        answer = self.post("/sign-in", email=self.user.email, password=password)
        place = answer.headers.get("Location", "")
        if "/sign-in/set-up" in place:
            return self.set_up(place)
        if "/sign-in/code" in place:
            self.home.clock.move(seconds=60)
            self.get(place.removeprefix("/admin"))
            return self.post("/sign-in/code", code=self.code)
        return answer

    def set_up(self, place: str = "/admin/sign-in/set-up") -> TestResponse:
        shown = words(self.get(place.removeprefix("/admin")))
        self.secret = re.sub(r"\s", "", shown.partition("into the app:")[2].partition("Type the code")[0])
        return self.post("/sign-in/set-up", code=self.code)

    @property
    def code(self) -> str:
        return code_of(self.secret, self.home.clock())

    def _took(self, answer: TestResponse) -> TestResponse:
        if answer.mimetype == "text/html" and answer.status_code != 303:
            self.page = answer.get_data(as_text=True)
        return answer




def a_person(home: Harness, role: str = "agent", email: str = "", **rights: Any) -> Person:
    user = somebody(home.house.access, home.house.database, home.clock(), role, email, **rights)
    return Person(home, home.client.application.test_client(), user)
