"""A page or mail is in one language and one tone: every fixed word on it is the catalogue's, and none is another's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import requests

from connector.feedback.messaging.brands import Brand
from connector.feedback.messaging.email_layout import render_message
from connector.feedback.messaging.translations import FORMAL, INFORMAL, PRODUCT, Words, fixed_words
from connector.feedback.surveys.files import Survey, built_in, parse
from connector.feedback.surveys.invitation_email import Mailer
from connector.feedback.surveys.languages.wordings import reworded
from connector.web.survey.routes import MAX_BODY
from tests.survey_site import Site, survey_site
from tests.unit.test_languages import counted_words_of_the_code

VOICES = [("en", FORMAL), ("nl", FORMAL), ("nl", INFORMAL), ("ar", FORMAL)]
LANGUAGES = ("en", "nl", "ar")
SIGN = "§"  # stands for every wording of a survey: no word of any language
TIMEOUT = 60  # seconds
_SAID = frozenset({"alt", "title", "aria-label", "aria-description", "placeholder"})
_UNSEEN = frozenset({"script", "style"})
_FREE = re.compile(r"https?://\S+|\S+@\S+|width=device-width\S*|noindex|nofollow|light dark|telephone=no|Acme")


class Reader(HTMLParser):
    """What a person reads or hears: texts, and attributes that are said; not the names of other languages."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.said += [value or "" for name, value in attrs if name in _SAID or _is_spoken_later(name, value)]
        self._within.append("foreign" if tag in {"a", "span"} and dict(attrs).get("lang") else tag)
        if tag in {"meta", "link", "input", "img", "br", "hr", "path", "circle"}:
            self._within.pop()

    def handle_endtag(self, tag: str) -> None:
        if self._within:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if self._within and self._within[-1] not in {*_UNSEEN, "foreign"}:
            self.said.append(data)


def _is_spoken_later(name: str, value: str | None) -> bool:
    """What the script says when the time comes."""
    return name.startswith("data-") and " " in (value or "")


def read(html: str) -> list[str]:
    reader = Reader()
    reader.feed(re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL))
    return [" ".join(text.split()) for text in reader.said if text.strip()]


def signed(slug: str) -> Survey:
    """A built-in survey in all languages, whose own wordings say nothing."""
    worded = reworded(parse(built_in()[slug], slug), lambda _: dict.fromkeys(LANGUAGES, SIGN))
    return replace(worded, languages=LANGUAGES)


@cache
def vocabulary(words: Words) -> list[re.Pattern[str]]:
    """All that the voice may say; what is filled in is free."""
    numbers = (0, 1, 2, 3, 11, 100)  # one of each of Arabic's six forms
    counted = {words.count(one, many, number) for one, many in counted_words_of_the_code() for number in numbers}
    said = {*map(words, fixed_words()), *counted}
    longest_first = sorted((text for text in said if text), key=len, reverse=True)
    free = re.compile(r"\\\{\w+\\\}")
    return [re.compile(free.sub("[^.]{0,60}?", re.escape(text)), re.IGNORECASE) for text in longest_first]


def foreign(texts: list[str], words: Words) -> list[str]:
    """What is left of the texts when all that this voice says is taken away: letters are another's words."""
    left = []
    for text in texts:
        rest = text
        for pattern in vocabulary(words):
            rest = pattern.sub(" ", rest)
        left += [text] if re.search(r"[^\W\d_]", _FREE.sub(" ", rest)) else []
    return left


def contact(**parts: str) -> dict[str, str]:
    return {f"q.contact.{part}": value for part, value in parts.items()}


def every_page(site: Site, language: str) -> Iterator[requests.Response]:
    """The pages of a survey, also those that say what is wrong."""

    def get(path: str) -> requests.Response:
        return requests.get(f"{site.url}{path}", timeout=TIMEOUT, headers={"Accept-Language": language})

    def post(path: str, fields: Any) -> requests.Response:
        return requests.post(f"{site.url}{path}", data=fields, timeout=TIMEOUT, headers={"Accept-Language": language})

    faces = site.invite("retention", language=language)
    yield from (get(f"/s/{faces}"), get(f"/s/{faces}?score=2"))
    token = site.invite(language=language)
    yield from (get(f"/s/{token}"), get(f"/s/{token}?score=3"))
    yield post(f"/s/{token}", {"shown": ["score"], "q.score": "11"})
    yield post(f"/s/{token}", {"shown": ["score"]})
    yield post(f"/s/{token}", {"shown": ["score", "reason"], "q.score": "3", "q.reason": 5_001 * "7"})
    yield post(f"/s/{token}/answer", {"shown": ["score"], "q.score": "3"})
    wrong = {"shown": ["contact_consent", "contact"], "q.contact_consent": "yes"}
    yield post(f"/s/{token}", {**wrong, **contact(phone="1", email="", window="any")})
    yield post(f"/s/{token}", {**wrong, **contact(phone="", email="x", window="any")})
    yield post(f"/s/{token}", {**wrong, **contact(phone="", email="", window="no-such")})
    yield post(f"/s/{token}", {"q.reason": (MAX_BODY + 1) * "x"})
    whole = {"shown": ["score", "reason", "contact_consent", "improvements"], "q.score": "3", "q.contact_consent": "no"}
    yield from (post(f"/s/{token}", whole), get(f"/s/{token}"), get(f"/s/{token}/thanks"))
    yield from (get(f"/u/{token}"), post(f"/u/{token}", {}), get(f"/u/{token}"), get("/s/unknown"))
    late = site.invite(language=language)
    site.now += timedelta(days=31)
    yield get(f"/s/{late}")


@pytest.mark.parametrize(("language", "tone"), VOICES)
def test_every_page_is_in_one_language_and_tone(tmp_path: Path, language: str, tone: str) -> None:
    brand = Brand(title="Acme", tone=tone, privacy_url="https://acme.example/p")
    surveys = {slug: signed(slug) for slug in ("after-support", "retention")}
    with survey_site(tmp_path, surveys, brand) as site:
        pages = list(every_page(site, language))
    words = brand.words(language)
    assert {page.status_code for page in pages} == {200, 404, 410, 413, 422}
    assert {text for page in pages for text in foreign(read(page.text), words)} == set()


def paragraphs(text: str) -> list[str]:
    """The text part without its line ends: they stand where a line is full."""
    return [" ".join(each.split()) for each in text.split("\n\n")]


@pytest.mark.parametrize(("language", "tone"), VOICES)
@pytest.mark.parametrize("slug", ["after-support", "retention"])
def test_every_mail_is_in_one_language_and_tone(slug: str, language: str, tone: str) -> None:
    brand = Brand(title="Acme", tone=tone, privacy_url="https://acme.example/p")
    mail = Mailer("https://feedback.example", {"default": brand}).invitation(signed(slug), language, {}, {}, "token")
    said = [*read(mail.html), *paragraphs(mail.text), *read(render_message(SIGN, SIGN, language, brand))]
    assert foreign(said, brand.words(language)) == []


@pytest.mark.parametrize(("language", "tone"), VOICES)
def test_a_word_of_another_voice_would_be_seen(language: str, tone: str) -> None:
    """The check itself can fail: each voice is told from all the others."""
    words = PRODUCT.words(language, tone)
    others = [PRODUCT.words(*voice)("No, thank you") for voice in VOICES if voice != (language, tone)]
    assert foreign(others, words) == others
    assert foreign([words("No, thank you")], words) == []


@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("nl", "ltr"), ("ar", "rtl")])
def test_a_mail_runs_the_way_its_language_is_written(language: str, direction: str) -> None:
    mail = Mailer("https://feedback.example", {}).invitation(signed("after-support"), language, {}, {}, "token")
    assert re.search(rf'<html[^>]* lang="{language}"', mail.html)
    assert re.search(rf'<html[^>]* dir="{direction}"', mail.html)
