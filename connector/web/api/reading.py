"""What a caller sent, checked: the query of a GET, the JSON body of a POST."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from flask import Request
from marshmallow import Schema, ValidationError, fields

from connector.web.api.problems import Fault, ProblemError, of_fields


def read(request: Request, schema: Schema | None) -> Mapping[str, Any]:
    """The checked values. Raises ProblemError 400, 415 or 422."""
    given = _query(request, schema) if request.method == "GET" else _body(request)
    wanted = schema if schema is not None else _NOTHING
    try:
        loaded: Mapping[str, Any] = wanted.load(given)
    except ValidationError as error:
        raise of_fields(error.messages, given, wanted) from None
    return loaded


class _Nothing(Schema):
    """Takes no fields."""


_NOTHING = _Nothing()


def _query(request: Request, schema: Schema | None) -> dict[str, Any]:
    lists = (
        {name for name, field in schema.fields.items() if isinstance(field, fields.List)} if schema else set()
    )
    given: dict[str, Any] = {}
    for name, values in request.args.lists():
        if len(values) > 1 and name not in lists:
            fault = Fault(name[:60], ", ".join(values)[:60], "It is given more than once.", "Give it once.")
            raise ProblemError(422, "invalid", f"{name[:60]}: given more than once.", faults=[fault])
        given[name] = values if name in lists else values[0]
    return given


def _body(request: Request) -> dict[str, Any]:
    raw = request.get_data()
    if not raw:
        return {}
    if request.mimetype != "application/json":
        fault = Fault("Content-Type", request.mimetype[:60], "It is not JSON.", "Send application/json.")
        raise ProblemError(
            415, "unsupported-media-type", "The body must be application/json.", faults=[fault]
        )
    try:
        given = json.loads(raw, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise _malformed("It is not JSON.") from None
    if not isinstance(given, dict):
        raise _malformed("It is JSON, but no object.")
    return given


def _malformed(trouble: str) -> ProblemError:
    fault = Fault("body", "", trouble, 'Send a JSON object, as {"reason": "…"}.')
    return ProblemError(400, "malformed", f"The body cannot be read. {trouble}", faults=[fault])


def _no_number(text: str) -> NoReturn:
    """NaN and Infinity: Python reads them, JSON has them not."""
    raise ValueError(text)
