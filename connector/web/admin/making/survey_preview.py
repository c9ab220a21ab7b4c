"""A survey as its customers see it: mail, page and thank-you, in each of its languages, where nothing can be sent."""

from __future__ import annotations

from flask import Response
from flask.typing import ResponseReturnValue

from connector.feedback.messaging.brands import Brand, choose
from connector.feedback.surveys import files as surveys
from connector.feedback.surveys.model import Survey
from connector.runtime.operations.errors import UnknownError
from connector.storage.stores.definitions import DefinitionKind
from connector.web.admin import rendering
from connector.web.admin.page import AdminVisit, Page
from connector.web.survey.preview import names_of, one_file, still
from workflows.errors import DefinitionError

_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data: https:; frame-ancestors 'none'"
"""The pages bring their own styles; no script of theirs runs, and no form of theirs goes anywhere."""


def _show(visit: AdminVisit) -> ResponseReturnValue:
    brand, survey = _survey(visit)
    files = [tuple(name.split("/", 1)) for name in names_of(brand, survey)]
    return rendering.page(visit, "admin/survey_preview.html", survey=survey, files=files, section="surveys")


def _file(visit: AdminVisit) -> ResponseReturnValue:
    name = f"{visit.path['language']}/{visit.path['name']}"
    found = one_file(*_survey(visit), name)
    if found is None:
        raise UnknownError("page", name[:60], "")
    kind = "text/html" if name.endswith(".html") else "text/plain"
    return Response(still(found), mimetype=kind, headers={"Content-Security-Policy": _POLICY})


def _survey(visit: AdminVisit) -> tuple[Brand, Survey]:
    """The survey as it is in force, in its brand's style."""
    newest = visit.services.definition_reader.version(DefinitionKind.SURVEY, visit.path["slug"])
    try:
        survey = surveys.parse(newest.body, newest.slug)
    except DefinitionError as error:
        raise UnknownError("survey that can be read", newest.slug, "") from error
    return choose(visit.services.mailer.brands, survey.brand), survey


PAGES = (
    Page("GET", "/surveys/<slug>/preview", "survey_preview", "surveys:read", _show),
    Page("GET", "/surveys/<slug>/preview/<language>/<name>", "survey_preview_file", "surveys:read", _file),
)
