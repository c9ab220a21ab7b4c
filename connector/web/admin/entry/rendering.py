"""Pages before the frame: the same look, without navigation. Values in, a whole response out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from flask import Response, make_response, render_template, request
from sqlalchemy.exc import OperationalError

from connector.services import Services
from connector.web.admin import assets, form_token
from connector.web.admin import rendering as frame
from connector.web.admin.entry import cookies
from connector.web.admin.words import Speech, speech, spoken

log = logging.getLogger(__name__)

_LANGUAGE, _THEME = "ringback-language", "ringback-theme"


def words(preferred: str = "") -> Speech:
    """The language that was chosen in this browser, else of the person, else what the browser asks for."""
    chosen = (request.cookies.get(_LANGUAGE, ""), preferred)
    return speech(spoken([*filter(None, chosen), *(code for code, _ in request.accept_languages)]))


def page(
    services: Services, template: str, *, status: int = 200, faults: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None, language: str = "", session: str = "", **values: Any,
) -> Response:  # fmt: skip
    """422 where something is wrong, unless ``status`` says otherwise. ``session`` is the secret of one that begins with
    this answer."""
    say, theme = words(language), request.cookies.get(_THEME, "")
    token = cookies.form_token(session or cookies.secret_of(request, services.settings))
    around = {
        "say": say, "plural": say.plural, "language": say.language, "assets": assets.files(), "faults": faults or {},
        "theme": theme if theme in frame.THEMES else "auto", "typed": typed or {}, "visit": None,
        "form_token": form_token.masked(token),
    }  # fmt: skip
    text = render_template(f"admin/entry/{template}", **around, **values)
    return make_response(text, 422 if faults and status == 200 else status)


def away(services: Services, error: OperationalError) -> Response:
    """503: the database does not answer; nobody comes in, and nothing was done."""
    log.error("the database does not answer (%s)", type(error.orig).__name__)
    say = words()
    text = say("The database does not answer, so nobody can sign in now. Nothing was changed. Try again in a moment.")
    response = message(services, say("The database is away"), text, status=503)
    response.headers["Retry-After"] = "10"
    return response


def message(
    services: Services, title: str, text: str, *, status: int = 200, way: tuple[str, str] = ("", "")
) -> Response:
    """A page that says something. ``way`` leads on: address, words."""
    return page(services, "message.html", status=status, title=title, text=text, way=way)
