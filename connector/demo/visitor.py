"""Answers a survey as a person without scripts does: reads the page, fills the form in, sends it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from urllib.parse import urljoin

from connector.demo.http import PATIENCE, session

_LINK = re.compile(r"https?://\S+?/s/[\w-]+")
_PAGES = 5  # a survey that asks on after this many pages is broken


_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
_HAND = "4.30.12000"
"""What the page's script would tell of a person: touches, keys, milliseconds. The visitor of the tour plays one."""


class NotAnsweredError(Exception):
    """The survey page did not take the answers; says at which page it stopped."""


def survey_link(text: str) -> str:
    """The survey's address in a mail's text; "" when there is none."""
    found = _LINK.search(text)
    return found.group() if found else ""


def answer(link: str, answers: Mapping[str, str]) -> None:
    """Fill in and send until the thank-you. Raises ``NotAnsweredError``, and what requests raises."""
    with session() as browser:
        browser.headers["User-Agent"] = _BROWSER
        page = browser.get(link, timeout=PATIENCE)
        for _ in range(_PAGES):
            form = _Form.read(page.text)
            if page.status_code != 200 or not form.action:
                raise NotAnsweredError(f"the survey page answered {page.status_code} without a form")
            sent = [("shown", each) for each in form.shown] + [
                each for each in answers.items() if form.has(each[0])
            ]
            page = browser.post(urljoin(link, form.action), data=[*sent, ("hand", _HAND)], timeout=PATIENCE)
            if page.url.split("?")[0].endswith("/thanks"):
                return
        raise NotAnsweredError(f"the survey still asks after {_PAGES} pages")


class _Form(HTMLParser):
    """The page's form: where it goes, and which questions are on it."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.shown: list[str] = []

    @classmethod
    def read(cls, page: str) -> _Form:
        form = cls()
        form.feed(page)
        return form

    def has(self, field: str) -> bool:
        """Whether the question of this field is on the page: "q.contact.phone" belongs to "contact"."""
        return field.split(".")[1] in self.shown

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action = given.get("action", "")
        if tag == "input" and given.get("name") == "shown":
            self.shown.append(given.get("value", ""))
