"""The inbound format, validated: every mistake with its path, what was there, and the remedy.

Messages show a value only where it cannot be personal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import EXCLUDE, INCLUDE, Schema, ValidationError, fields, validate

from webhooks.errors import Unreadable
from webhooks.event_types import is_event_type
from webhooks.reading import KEY_LENGTH, excerpt, identity
from webhooks.times import moment
from workflows import scoring
from workflows.errors import ScoreError

Messages = dict[str, str | list[Any] | dict[Any, Any]]

LOCALE_LENGTH = 35  # characters; BCP 47 asks for room for that many
EMAIL_LENGTH = 320  # characters, 64 before the @ and 255 after


class Moment(fields.Field[Any]):
    """An ISO 8601 moment with a time zone → aware UTC."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        try:
            return moment(value)
        except ValueError as error:
            raise ValidationError(f"is {excerpt(value)}; send RFC 3339 with a time zone") from error


class Identity(fields.Field[Any]):
    """An id, as text or as a number → text; None for null, "" and 0."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        found = identity(value)
        if found is None and value not in (None, "", 0, "0"):
            raise ValidationError("is no id; send a number, or text of at most 64 characters")
        return found


class EventType(fields.Field[Any]):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if not is_event_type(value):
            raise ValidationError(f'is {excerpt(value)}; send words with dots between, as "survey.answered"')
        return value


_REQUIRED: Messages = {"required": "is missing; send it", "null": "is null; send it"}


def _text(longest: int | None = None, **options: Any) -> fields.String:
    """Text whose value no message shows."""
    messages: Messages = {"invalid": "is not text; send text", **_REQUIRED}
    length = validate.Length(max=longest, error="is longer than {max} characters; send less") if longest else None
    return fields.String(error_messages=messages, validate=length, **options)


def _object(**options: Any) -> fields.Dict:
    messages: Messages = {"invalid": "is not an object; send one", "required": "is missing; send an object",
                          "null": "is null; send an object"}
    return fields.Dict(keys=fields.String(), error_messages=messages, **options)


_WHOLE: Messages = {**_REQUIRED, "invalid": "is no whole number; send one", "too_large": "is too large; send less"}
_YES_OR_NO: Messages = {"invalid": "is neither true nor false; send one of them"}


class Envelope(Schema):
    class Meta:
        unknown = EXCLUDE

    type = EventType(required=True, error_messages=_REQUIRED)
    id = _text(KEY_LENGTH)
    time = Moment(required=True, error_messages=_REQUIRED)
    data = _object(required=True)


class Answer(Schema):
    """The fields of an answer that must be right; the metric, the score's range and the variant are scoring's."""

    class Meta:
        unknown = EXCLUDE

    response_id = Identity(required=True, error_messages=_REQUIRED)
    survey = _text(100, required=True)
    metric = _text(10, required=True)
    score = fields.Integer(required=True, strict=True, error_messages=_WHOLE)
    comment = _text(load_default=None, allow_none=True)
    contact_consent = fields.Boolean(load_default=None, allow_none=True, error_messages=_YES_OR_NO)
    answered_at = Moment(load_default=None, allow_none=True)
    context = _object(load_default=None, allow_none=True)


class Links(Schema):
    """Ids of ours, which only our own pages know."""

    class Meta:
        unknown = EXCLUDE

    about = _text(26, allow_none=True)
    invitation = _text(26, allow_none=True)


class Customer(Schema):
    class Meta:
        unknown = INCLUDE

    email = _text(EMAIL_LENGTH, allow_none=True)
    name = _text(allow_none=True)
    phone = _text(allow_none=True)
    locale = _text(LOCALE_LENGTH, allow_none=True)
    salesforce_contact_id = Identity(allow_none=True)
    zendesk_user_id = Identity(allow_none=True)


# Building a schema costs more than using it; loading changes nothing in it.
_ENVELOPE, _ANSWER, _LINKS, _CUSTOMER = Envelope(), Answer(), Links(), Customer()


def read_envelope(body: Mapping[str, Any]) -> dict[str, Any]:
    """{type, id?, time, data}. Raises ``Unreadable``."""
    return _load(_ENVELOPE, body, "")


def read_answer(data: Mapping[str, Any], *, own: bool = False) -> dict[str, Any]:
    """The answer's fields with their defaults, its ``band`` and ``scale``. Raises ``Unreadable``.

    ``own``: our own page sends it, and has worked out band and scale by the survey's definition.
    """
    answer = _load(_ANSWER, data, "data.")
    _load(_LINKS, data, "data.")
    answer["comment"] = answer["comment"] or ""
    answer["contact_consent"] = answer["contact_consent"] is True
    answer["context"] = answer["context"] or {}
    banded = own and data.get("band") in set(scoring.Band)
    return {**answer, **({} if banded else _scored(answer, data.get("variant") or data.get("scale")))}


def read_customer(customer: object) -> dict[str, Any]:
    """The person's details as told; empty text is nothing. Raises ``Unreadable``."""
    if not isinstance(customer, dict):
        raise Unreadable("data.customer is not an object", remedy="send an object, or leave it out")
    told = _load(_CUSTOMER, customer, "data.customer.")
    return {name: value.strip() or None if isinstance(value, str) else value for name, value in told.items()}


def _scored(answer: Mapping[str, Any], variant: object) -> dict[str, Any]:
    """Band and scale; without a variant the metric's usual scale. Only ``scoring`` knows the thresholds."""
    if variant is not None and not isinstance(variant, str):
        raise Unreadable(f"data.scale is {excerpt(variant)}",
                         remedy=f"send one of {', '.join(scoring.SCALES)}, or leave it out")
    try:
        scale = scoring.scale_of(answer["metric"], variant)
        return {"band": scoring.band(scale.metric, answer["score"], scale).value, "scale": scale.name}
    except ScoreError as error:
        raise Unreadable(f"data.{error}") from error


def _load(schema: Schema, value: Mapping[str, Any], path: str) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = schema.load(value)
    except ValidationError as error:
        raise Unreadable("; ".join(_lines(error.messages, path))) from error
    return loaded


def _lines(messages: Any, path: str) -> list[str]:
    """marshmallow's tree of messages as lines, each beginning with its path."""
    if isinstance(messages, dict):
        return [line for name, inner in messages.items() for line in _lines(inner, f"{path}{name}.")]
    return [f"{path.rstrip('.')} {message}" for message in messages]
