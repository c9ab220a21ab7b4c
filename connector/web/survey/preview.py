"""A brand's mail, page and thank-you as files that open in a browser: made by what makes the real ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from flask import Blueprint, Flask
from markupsafe import escape

from connector.feedback.messaging.brands import Brand
from connector.feedback.surveys.invitation_email import Mailer
from connector.feedback.surveys.invitations import Invitation
from connector.feedback.surveys.languages.tones import in_tone
from connector.feedback.surveys.model import Survey, points
from connector.web.survey import rendering
from connector.web.survey.rendering import Frame
from connector.web.survey.sheets import Sheet, branch_of, branches_of
from connector.web.survey.thanks import Answered
from integrations.messaging import Mail
from workflows.scoring import Band

_HERE = "https://feedback.example"  # nobody can own it (RFC 2606): a click on a preview leads nowhere
_CUSTOMER: Mapping[str, Any] = {"name": "Ann Bakker", "email": "ann@example.com"}
_CONTEXT = {"agent": "Jan de Boer"}
_MOVING = re.compile(r"<script\b.*?</script>|<link\b[^>]*>", re.DOTALL | re.IGNORECASE)
_LATER = datetime.max.replace(tzinfo=UTC)


def preview(brand: Brand, survey: Survey) -> dict[str, str]:
    """File name → HTML, for every language of the survey, and a list of them in ``index.html``."""
    files = {name: make() for language in survey.languages for name, make in _makers(brand, survey, language).items()}
    return {**files, "index.html": _index(brand, survey, files)}


def one_file(brand: Brand, survey: Survey, name: str) -> str | None:
    """One of these files, as "en/page.html"; None where there is none of that name."""
    language = name.partition("/")[0]
    make = _makers(brand, survey, language).get(name) if language in survey.languages else None
    return make() if make is not None else None


def still(html: str) -> str:
    """A page without what runs in it and what it fetches, for where neither may be."""
    return _MOVING.sub("", html)


def names_of(brand: Brand, survey: Survey) -> list[str]:
    """The names of all files but the list, in the order of the survey's languages."""
    return [name for language in survey.languages for name in _makers(brand, survey, language)]


def _makers(brand: Brand, survey: Survey, language: str) -> Mapping[str, Callable[[], str]]:
    """File name → what makes its text, in one language."""
    shown = in_tone(replace(survey, brand=brand.name), brand.tone)
    mailer = Mailer(_HERE, {brand.name: brand})
    frame = Frame(brand, language, unsubscribe="#", fallback=survey.fallback)

    def mail() -> Mail:
        return mailer.invitation(shown, language, _CUSTOMER, _CONTEXT, "preview")

    def written() -> str:
        made = mail()
        return f"{made.subject}\n\n{made.text}"

    makers: dict[str, Callable[[], str]] = {
        "mail.html": lambda: mail().html,
        "mail.txt": written,
        "page.html": partial(_page, frame, shown, {}),
    }
    for band, score in _scores(shown).items():
        makers[f"page-{band}.html"] = partial(_page, frame, shown, {shown.main.id: score})
        makers[f"thanks-{band}.html"] = partial(_thanks, frame, shown, {shown.main.id: score})
    return {f"{language}/{name}": make for name, make in makers.items()}


def _as_asked(make: Callable[[], Any]) -> str:
    """What a page answers, where it believes to be asked for."""
    with _app().test_request_context("/s/preview"):
        return str(make().get_data(as_text=True))


def _page(frame: Frame, survey: Survey, answers: Mapping[str, Any]) -> str:
    branches = branches_of(survey, answers, {})
    sheet = Sheet(survey, branch_of(survey, answers, {}), answers, branches=branches)
    return _as_asked(lambda: rendering.question_page(frame, sheet, "#", "#", "#"))


def _thanks(frame: Frame, survey: Survey, answers: Mapping[str, Any]) -> str:
    given = Invitation(
        id="preview", survey=survey.slug, definition_id="", customer_id="", channel="email", language=frame.language,
        status="answered", about=None, context=_CONTEXT, answers=answers, expires_at=_LATER, opened_at=None,
        started_at=None, answered_at=None,
    )  # fmt: skip
    answered = Answered(given, survey, _CUSTOMER, {})
    return _as_asked(lambda: rendering.thank_you(frame, answered, "", again=False))


def _scores(survey: Survey) -> dict[str, int]:
    """A score of each band."""
    scores = {survey.band({survey.main.id: score}): score for score in points(survey.scale)}
    return {band.value: scores[band.value] for band in Band if band.value in scores}


def _index(brand: Brand, survey: Survey, files: Mapping[str, str]) -> str:
    lines = "".join(f'<li><a href="{name}">{name}</a></li>' for name in files)
    title = escape(f"{brand.title or brand.name}: {survey.name}")
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
    return f"{head}<h1>{title}</h1><ul>{lines}</ul></html>\n"


@cache
def _app() -> Flask:
    """The addresses that pages name; none of them is served."""
    pages = Blueprint("survey", __name__, template_folder="../templates")
    for rule, endpoint in (("/s/<token>", "show"), ("/s/static/<name>", "file")):
        pages.add_url_rule(rule, endpoint, lambda **_: "")
    pages.add_app_template_filter(rendering.unmarked)
    app = Flask("preview", static_folder=None)
    app.register_blueprint(pages)
    return app
