"""What is said when a page is not there, was asked for by a stranger's page, or the database is away.

A page that is gone and one that is not within somebody's reach look the same, so nobody learns what exists.
"""

from __future__ import annotations

from flask import Response, request

from connector.runtime.operations.errors import InputError, RefusedError, UnknownError
from connector.web.admin import form_token, rendering
from connector.web.admin.entry import carried
from connector.web.admin.page import AdminVisit


def not_found(visit: AdminVisit, error: UnknownError | None = None) -> Response:
    """404, with the way back."""
    say = visit.say
    text = say("It is gone, it never was, or it is not within your reach.")
    return _message(visit, 404, say("There is nothing here for you"), text)


def unusable(visit: AdminVisit, error: InputError | RefusedError) -> Response:
    """422 or 409, where there is no form to show it at."""
    status = 422 if isinstance(error, InputError) else 409
    return _message(visit, status, visit.say("Nothing was changed"), str(error))


def from_elsewhere(visit: AdminVisit) -> Response:
    """403: a form that no page of ours sent in this session. What was typed on a page of a session before is shown, to
    be sent again."""
    say = visit.say
    held = carried.of_request(request) if form_token.is_from_before(request) else None
    if held is not None:
        to = request.script_root + held.to
        return rendering.page(visit, "admin/send_again.html", status=403, carried=held, to=to)
    text = say("This form was not sent by a page of yours, or its session has ended. Nothing was changed. "
               "Open the page again, and send it from there.")  # fmt: skip
    return _message(visit, 403, say("Nothing was changed"), text)


def too_large(visit: AdminVisit) -> Response:
    """413."""
    say = visit.say
    text = say("What you sent is longer than we take. Nothing was changed. Send less.")
    return _message(visit, 413, say("Nothing was changed"), text)


def unavailable(visit: AdminVisit) -> Response:
    """503: the database does not answer."""
    say = visit.say
    text = say("The database does not answer, so nothing can be shown or changed now. Nothing was changed, and "
               "webhooks are sent again by their senders. Try again in a moment.")  # fmt: skip
    response = _message(visit, 503, say("The database is away"), text, again=True)
    response.headers["Retry-After"] = "10"
    return response


def broken(visit: AdminVisit, mark: str) -> Response:
    """500: an error of ours, which the log has under ``mark``."""
    say = visit.say
    text = say("This is an error of ours. What you did was either done whole or not at all. The log has it under "
               "{mark}.", mark=mark)  # fmt: skip
    return _message(visit, 500, say("Something went wrong here"), text, again=True)


def _message(visit: AdminVisit, status: int, title: str, text: str, *, again: bool = False) -> Response:
    return rendering.page(visit, "admin/message.html", status=status, title=title, text=text, again=again)
