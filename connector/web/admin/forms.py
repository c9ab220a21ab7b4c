"""What somebody sent, checked by a schema: the query of a page, or the form of an action.

Schemas are made of these fields, whose messages can be said in every language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Request
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from connector.runtime.operations.errors import InputError
from connector.web.admin.form_token import FIELD
from connector.web.admin.words import Speech, later

_TOO_LONG = later("This is too long. Shorten it.")
_NONE_OF_THEM = later("This is none of those there are. Choose one of the list.")
_NO_DAY = later("This is no day. Write it as 2026-11-30.")
_MISSING = later("This is missing.")

OPERATIONS_SAY = (
    later("is empty."), later("Write a few words; they stand in the history."),
    later("holds characters that cannot be printed."), later("Remove them."),
)  # fmt: skip
"""What ``runtime.operations`` say of a field, as far as it is the same each time."""


def line(most: int, **more: Any) -> fields.String:
    """A text of at most so many characters."""
    return fields.String(validate=validate.Length(max=most, error=_TOO_LONG), **_told(more))


def one_of(choices: Iterable[str], **more: Any) -> fields.String:
    return fields.String(validate=validate.OneOf(list(choices), error=_NONE_OF_THEM), **_told(more))


def day(**more: Any) -> fields.Date:
    return fields.Date(error_messages={"invalid": _NO_DAY}, **more)


def read(
    request: Request, schema: Schema | None, say: Speech
) -> tuple[Mapping[str, Any], Mapping[str, str], Mapping[str, str]]:
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
        faults = {str(name): say(_first(each)) for name, each in dict(error.messages).items()}  # type: ignore[arg-type]
        right = {name: value for name, value in raw.items() if name not in faults}
        return schema.load(right, unknown=EXCLUDE, partial=True), typed, faults


def of_input(error: InputError, say: Speech) -> Mapping[str, str]:
    """The mistake that an operation found."""
    return {error.field: f"{say(error.trouble)} {say(error.remedy)}"}


def _told(more: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"error_messages": {"required": _MISSING}, **more}


def _first(messages: Any) -> str:
    while isinstance(messages, Mapping | list):
        messages = next(iter(messages.values())) if isinstance(messages, Mapping) else messages[0]
    return str(messages)
