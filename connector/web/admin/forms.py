"""What somebody sent, checked by a schema: the query of a page, or the form of an action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Request
from marshmallow import EXCLUDE, Schema, ValidationError, fields

from connector.web.admin.form_token import FIELD


def read(request: Request, schema: Schema | None) -> tuple[Mapping[str, Any], Mapping[str, str], Mapping[str, str]]:
    """→ the checked values, what was typed, and the mistakes by field. A field with a mistake has its default.

    Empty texts count as not given, as a browser sends every field of a form.
    """
    sent = request.args if request.method == "GET" else request.form
    typed = {name: values[-1] for name, values in sent.lists() if name != FIELD}
    if schema is None:
        return {}, typed, {}
    raw: dict[str, Any] = {}
    for name, each in schema.fields.items():
        values = [value for value in sent.getlist(name) if value.strip()]
        if values:
            raw[name] = values if isinstance(each, fields.List) else values[-1]
    try:
        return schema.load(raw, unknown=EXCLUDE), typed, {}
    except ValidationError as error:
        faults = dict(_flat(error.messages))
        right = {name: value for name, value in raw.items() if name not in faults}
        return schema.load(right, unknown=EXCLUDE, partial=True), typed, faults


def _flat(messages: Any) -> list[tuple[str, str]]:
    """Field → its first mistake."""
    return [(str(name), _first(each)) for name, each in dict(messages).items()]


def _first(messages: Any) -> str:
    while isinstance(messages, Mapping | list):
        messages = next(iter(messages.values())) if isinstance(messages, Mapping) else messages[0]
    return str(messages)
