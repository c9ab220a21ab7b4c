"""A page, made of its template: the frame around it, its language and theme, times on the wall of the house."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time
from flask import Response, make_response, redirect, render_template, request, url_for
from markupsafe import Markup, escape
from werkzeug import Response as AnyResponse

from connector.web.admin import assets, form_token, said
from connector.web.admin.entry import current
from connector.web.admin.page import GROUPS, AdminVisit, Page
from connector.web.admin.said import Told
from connector.web.admin.words import LANGUAGES, NAMES, Speech
from workflows.sentences import found, told

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
THEMES = ("auto", "light", "dark")


@dataclass(frozen=True, slots=True)
class NavGroup:
    """A group of the navigation, as this person sees it."""

    title: str
    pages: Sequence[Page]


def page(visit: AdminVisit, template: str, *, status: int = 0, **values: Any) -> Response:
    """The page; its status says whether what was sent could be used: 422, 409, else 200."""
    clock = WallClock(visit)
    frame = {
        "visit": visit, "say": visit.say, "plural": visit.say.plural, "may": visit.may, "faults": visit.faults,
        "typed": visit.typed, "moment": clock.moment, "second": clock.second, "number": visit.say.number,
        "in_words": partial(in_words, visit),
        "pretty": _pretty, "language": visit.say.language, "theme": visit.theme, "form_token": form_token.PLACE,
        "looks_as": current.looks_as(),
    }  # fmt: skip
    around = {
        "assets": assets.files(), "navigation": navigation(visit), "told": _told(visit), "themes": THEMES,
        "languages": [(code, NAMES[code]) for code in LANGUAGES], "address": request.full_path.rstrip("?"),
    }  # fmt: skip
    text = render_template(template, **frame, **around, **values)
    return _sent(visit, text, status or _status(visit))


def guard(response: Response) -> Response:
    """What every answer says to the browser. Nothing of a page is kept by it, but for files of ours."""
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def back(visit: AdminVisit, told: str, route: str, /, *, warning: bool = False, **names: Any) -> AnyResponse:
    """After something was done: to the page that shows it, which says ``told`` once."""
    return leave_for(visit, told, url_for(f"admin.{route}", **names), warning=warning)


def leave_for(visit: AdminVisit, told: str, address: str, *, warning: bool = False) -> AnyResponse:
    """The same, to a whole address of ours."""
    response = redirect(address, 303)
    said.leave(response, visit.services.secret_keys.first, Told("warning" if warning else "done", told), root())
    return response


def root() -> str:
    """Where the pages begin: the path of our cookies."""
    return f"{request.script_root}/admin"


def navigation(visit: AdminVisit) -> list[NavGroup]:
    """The pages this person may see, in their groups."""
    from connector.web.admin.table import PAGES  # its rows have views, and those render pages

    mine = [each for each in PAGES if each.group and visit.may(each.right)]
    grouped = [(title, [each for each in mine if each.group == group]) for group, title in GROUPS.items()]
    return [NavGroup(visit.say(title) if title else "", pages) for title, pages in grouped if pages]


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def _told(visit: AdminVisit) -> Told | None:
    return said.take(request, visit.services.secret_keys.first)


def _status(visit: AdminVisit) -> int:
    if visit.faults:
        return 422
    return 409 if visit.refused else 200


def _sent(visit: AdminVisit, text: str, status: int) -> Response:
    """Its ETag is of the page without the token of its forms, which looks different each time."""
    response = make_response("", status)
    response.set_etag(hashlib.sha256(text.encode()).hexdigest()[:32], weak=True)
    response.set_data(text.replace(form_token.PLACE, form_token.masked(visit.form_token)))
    said.forget(request, response, root())
    return response.make_conditional(request) if status == 200 else response  # type: ignore[return-value]


class WallClock:
    """Times as the house's calendar and the person's language have them."""

    def __init__(self, visit: AdminVisit) -> None:
        self._say: Speech = visit.say
        self._zone = ZoneInfo(visit.services.config.calendar.timezone)
        self._today = visit.now.astimezone(self._zone).date()

    def moment(self, at: datetime | None) -> Markup:
        """"14:03" of today, "30 Nov 2026, 14:03" of another day."""
        return self._time(at, "short")

    def second(self, at: datetime | None) -> Markup:
        """With its seconds."""
        return self._time(at, "medium")

    def _time(self, at: datetime | None, length: str) -> Markup:
        if at is None:
            return Markup("–")
        local = at.astimezone(self._zone)
        whole = format_datetime(local, "full", locale=self._say.locale)
        shown = format_time(local, length, locale=self._say.locale)
        if local.date() != self._today:
            shown = f"{format_date(local, 'medium', locale=self._say.locale)}, {shown}"
        return Markup('<time datetime="{}" title="{}">{}</time>').format(local.isoformat(), whole, shown)


def in_words(visit: AdminVisit, text: str, said: Any = None) -> Markup:
    """Something that was kept in English, in the language of the page where it is a sentence of ours (``said`` is what
    was kept beside it); else as it is, marked as English. Masked for who may not see it."""
    whole = found(text, said)
    shown = visit.shown(whole)
    if shown is not whole:
        return escape(shown)
    words = told(whole, visit.say)
    return escape(words) if words is not None else Markup('<span lang="en">{}</span>').format(text)


def labels(say: Speech, words: Mapping[str, str]) -> dict[str, str]:
    """A table of words, in the language of the page."""
    return {name: say(text) for name, text in words.items()}
