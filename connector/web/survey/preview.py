"""A brand's mail, page and thank-you as files that open in a browser: made by what makes the real ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
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
from workflows.scoring import Band

_HERE = "https://feedback.example"  # nobody can own it (RFC 2606): a click on a preview leads nowhere
_CUSTOMER: Mapping[str, Any] = {"name": "Ann Bakker", "email": "ann@example.com"}
_CONTEXT = {"agent": "Jan de Boer"}
_LATER = datetime.max.replace(tzinfo=UTC)


def preview(brand: Brand, survey: Survey) -> dict[str, str]:
    """File name → HTML, for every language of the survey, and a list of them in ``index.html``."""
    files = dict(_files(brand, survey))
    return {**files, "index.html": _index(brand, survey, files)}


def _files(brand: Brand, survey: Survey) -> Iterator[tuple[str, str]]:
    mailer = Mailer(_HERE, {brand.name: brand})
    shown = in_tone(replace(survey, brand=brand.name), brand.tone)
    app = _app()
    for language in survey.languages:
        mail = mailer.invitation(shown, language, _CUSTOMER, _CONTEXT, "preview")
        yield f"{language}/mail.html", mail.html
        yield f"{language}/mail.txt", f"{mail.subject}\n\n{mail.text}"
        frame = Frame(brand, language, unsubscribe="#", fallback=survey.fallback)
        with app.test_request_context("/s/preview"):
            yield f"{language}/page.html", _page(frame, shown, {})
            for band, score in _scores(shown).items():
                yield f"{language}/page-{band}.html", _page(frame, shown, {shown.main.id: score})
                yield f"{language}/thanks-{band}.html", _thanks(frame, shown, {shown.main.id: score})


def _page(frame: Frame, survey: Survey, answers: Mapping[str, Any]) -> str:
    branches = branches_of(survey, answers, {})
    sheet = Sheet(survey, branch_of(survey, answers, {}), answers, branches=branches)
    return _text(rendering.question_page(frame, sheet, "#", "#", "#"))


def _thanks(frame: Frame, survey: Survey, answers: Mapping[str, Any]) -> str:
    given = Invitation(
        id="preview", survey=survey.slug, definition_id="", customer_id="", channel="email", language=frame.language,
        status="answered", about=None, context=_CONTEXT, answers=answers, expires_at=_LATER, opened_at=None,
        started_at=None, answered_at=None,
    )  # fmt: skip
    answered = Answered(given, survey, _CUSTOMER, {})
    return _text(rendering.thank_you(frame, answered, "", again=False))


def _text(response: Any) -> str:
    return str(response.get_data(as_text=True))


def _scores(survey: Survey) -> dict[str, int]:
    """A score of each band."""
    scores = {survey.band({survey.main.id: score}): score for score in points(survey.scale)}
    return {band.value: scores[band.value] for band in Band if band.value in scores}


def _index(brand: Brand, survey: Survey, files: Mapping[str, str]) -> str:
    lines = "".join(f'<li><a href="{name}">{name}</a></li>' for name in files)
    title = escape(f"{brand.title or brand.name}: {survey.name}")
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
    return f"{head}<h1>{title}</h1><ul>{lines}</ul></html>\n"


def _app() -> Flask:
    """The addresses that pages name; none of them is served."""
    pages = Blueprint("survey", __name__, template_folder="../templates")
    for rule, endpoint in (("/s/<token>", "show"), ("/s/static/<name>", "file")):
        pages.add_url_rule(rule, endpoint, lambda **_: "")
    pages.add_app_template_filter(rendering.unmarked)
    app = Flask("preview", static_folder=None)
    app.register_blueprint(pages)
    return app
