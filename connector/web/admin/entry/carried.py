"""What somebody sent when their session was over: kept in the pages of the sign-in, and sent again by them after it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from flask import Request

from connector.web.admin import form_token
from connector.web.admin.addresses import FIRST, inside

FIELD = "carried"
_SECRET = ("password", "code", "old", "new", form_token.FIELD, FIELD)


@dataclass(frozen=True, slots=True)
class Carried:
    """A form that was not sent yet. ``to`` is a page of ours."""

    to: str
    fields: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return json.dumps([self.to, self.fields])


def of_request(request: Request) -> Carried | None:
    """What this request wanted to send; None when a stranger's page sent it, or it is nothing to send again."""
    to = inside(request.path)
    if request.method == "GET" or not form_token.came_from_here(request) or to == FIRST:
        return None
    sent = [(name, value) for name, values in request.form.lists() for value in values if name not in _SECRET]
    return Carried(to, tuple(sent))


def read(text: str) -> Carried | None:
    """What a page of the sign-in held."""
    try:
        to, sent = json.loads(text)
        fields = tuple((str(name), str(value)) for name, value in sent)
        return Carried(to, fields) if inside(to) == to else None
    except (ValueError, TypeError, RecursionError):
        return None
