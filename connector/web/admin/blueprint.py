"""The routes, made from the table of pages: let in, read, show or do, and say what could not be done."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, redirect, request
from werkzeug import Response as AnyResponse
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from connector.access.rights import HOME
from connector.ids import new_id
from connector.runtime.operations.errors import InputError, RefusedError, UnknownError
from connector.services import Services
from connector.storage.engine.database import AWAY
from connector.web.admin import assets, audited, form_token, forms, refusals, rendering
from connector.web.admin.addresses import inside
from connector.web.admin.page import AdminVisit, Gate, Page, SignedIn
from connector.web.admin.table import PAGES
from connector.web.admin.words import LANGUAGES, speech, spoken
from connector.web.survey.compression import compress
from workflows.errors import WorkflowError

log = logging.getLogger(__name__)

PREFIX = "/admin"
LARGEST_FORM = 2 * 1024 * 1024
"""Bytes: a text that is far too long for a workflow, as a form writes it, so that it is told and not lost."""

_LANGUAGE, _THEME = "ringback-language", "ringback-theme"
_YEAR = 365 * 24 * 3600  # seconds
_FOR_GOOD = f"public, max-age={_YEAR}, immutable"


def blueprint(services: Services, gate: Gate) -> Blueprint:
    """``/admin`` over these services, for those whom ``gate`` lets in."""
    routes = Blueprint("admin", __name__, url_prefix=PREFIX, template_folder="../templates")
    for page in (*PAGES, _PREFERENCES):
        routes.add_url_rule(page.rule, page.name, _view(services, gate, page), methods=[page.method])
    routes.add_url_rule("/static/<name>", "static", _file, methods=["GET"])
    routes.add_url_rule("/<path:_rest>", "elsewhere", _view(services, gate, _ELSEWHERE), methods=["GET", "POST"])
    routes.before_request(_limits)
    routes.after_request(_guarded)
    return routes


def _view(services: Services, gate: Gate, page: Page) -> Callable[..., AnyResponse]:
    def view(**path: str) -> AnyResponse:
        let_in = gate(page)
        if not isinstance(let_in, SignedIn):
            return let_in
        viewer, chosen = let_in.viewer, request.cookies.get(_THEME, "")
        theme = chosen if chosen in rendering.THEMES else rendering.THEMES[0]
        say = speech(_language(viewer.language))
        return _answered(AdminVisit(services, viewer, path, let_in.form_token, page.name, say, theme), page)

    return view


def _language(preferred: str) -> str:
    """What they chose in this browser, else for their account, else what the browser asks for."""
    chosen = (request.cookies.get(_LANGUAGE, ""), preferred)
    return spoken([*filter(None, chosen), *(code for code, _ in request.accept_languages)])


def _answered(visit: AdminVisit, page: Page) -> AnyResponse:
    """The page, or what there is to say instead. Nothing of a refused request was done."""
    try:
        if not visit.may(page.right):
            audited.refused(visit, "right")
            return refusals.not_found(visit)
        if request.method != "GET" and not form_token.is_ours(request, visit.form_token):
            audited.refused(visit, "form")
            return refusals.from_elsewhere(visit)
        return _shown(visit, page)
    except UnknownError as error:
        return refusals.not_found(visit, error)
    except (InputError, RefusedError) as error:
        return refusals.unusable(visit, error)
    except RequestEntityTooLarge:
        return refusals.too_large(visit)
    except AWAY as error:
        log.error("the database does not answer (%s)", type(error).__name__)  # noqa: TRY400 - its text may hold a name
        return refusals.unavailable(visit)
    except HTTPException:
        raise
    except Exception:
        mark = new_id()
        log.exception("a page could not be made", extra={"page": page.name, "mark": mark})
        return refusals.broken(visit, mark)


def _shown(visit: AdminVisit, page: Page) -> AnyResponse:
    given, typed, faults = forms.read(request, page.takes, visit.say)
    visit = visit.again(given=given, typed=typed, faults=faults)
    show = page.back
    if request.method == "GET" or show is None:
        return _done(visit, page)
    if faults:
        return _made(show(visit.again(form=page.name)))
    try:
        return _done(visit, page)
    except InputError as error:
        return _made(show(visit.again(faults=forms.of_input(error, visit.say), form=page.name)))
    except RefusedError as error:
        return _made(show(visit.again(refused=error, form=page.name)))
    except WorkflowError as error:
        return _made(show(visit.again(refused=RefusedError(str(error)), form=page.name)))


def _done(visit: AdminVisit, page: Page) -> AnyResponse:
    made = _made(page.view(visit))
    if made.status_code < 400:
        audited.done(visit, page)
    return made


def _made(shown: Any) -> AnyResponse:
    return shown if isinstance(shown, AnyResponse) else Response(shown)


def _choose(visit: AdminVisit) -> AnyResponse:
    """Language and colours, kept in this browser; then back to where the person was."""
    response = redirect(request.script_root + inside(visit.typed.get("back", "")), 303)
    for name, known in ((_LANGUAGE, LANGUAGES), (_THEME, rendering.THEMES)):
        value = visit.typed.get(name.removeprefix("ringback-"), "")
        if value in known:
            response.set_cookie(name, value, max_age=_YEAR, path=rendering.root(), httponly=True, samesite="Lax")
    return response


_PREFERENCES = Page("POST", "/preferences", "preferences", HOME, _choose, audited=True)
_ELSEWHERE = Page("GET", "/<path:_rest>", "elsewhere", HOME, refusals.not_found)
"""Every other address below ours."""


def _file(name: str) -> Response:
    """A file of ours, for everybody: the sign-in page has it, too."""
    found = assets.by_address().get(name)
    if found is None:
        abort(404)
    packed = request.accept_encodings["br"] > 0
    response = Response(assets.small(name) if packed else found.content, mimetype=found.mimetype)
    response.headers["Cache-Control"] = _FOR_GOOD
    response.vary.add("Accept-Encoding")
    if packed:
        response.headers["Content-Encoding"] = "br"
    return response


def _limits() -> None:
    request.max_content_length = LARGEST_FORM
    request.max_form_memory_size = LARGEST_FORM


def _guarded(response: Response) -> Response:
    rendering.guard(response)
    return response if request.endpoint == "admin.static" else compress(request, response)
