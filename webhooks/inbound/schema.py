"""The inbound format, validated: every mistake with its path, what was there, and the remedy.

Messages show a value only where it cannot be personal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from webhooks.errors import Unreadable
from webhooks.event_types import is_event_type
from webhooks.parsing import KEY_LENGTH, excerpt, identity
from webhooks.timestamps import moment
from workflows import scoring
from workflows.errors import ScoreError
from workflows.whole import whole

LOCALE_LENGTH = 35  # characters; BCP 47 asks for room for that many
EMAIL_LENGTH = 320  # characters, 64 before the @ and 255 after

_MISSING: Any = object()
_TRUE, _FALSE = {"true", "t", "yes", "y", "on", "1"}, {"false", "f", "no", "n", "off", "0"}

Read = Callable[[Any], Any]
"""A value as it came → as we take it. Raises ``WrongFieldError``."""


class WrongFieldError(Exception):
    """What is wrong with a field's value, and the remedy."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object. A library of schemas would do; every delivery passes here, and it took a tenth of all
    the time that a loop takes."""

    read: Read
    default: Any = _MISSING  # what a field that is not there is taken for; none: it stays away
    required: bool = False
    missing: str = "is missing; send it"
    null: str | None = "is null; send it"  # why null is refused; None: it is taken


def _text(longest: int | None = None) -> Read:
    """Text whose value no message shows."""

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            raise WrongFieldError("is not text; send text")
        if longest is not None and len(value) > longest:
            raise WrongFieldError(f"is longer than {longest} characters; send less")
        return value

    return read


def _moment(value: Any) -> Any:
    """An ISO 8601 moment with a time zone → aware UTC."""
    try:
        return moment(value)
    except ValueError as error:
        raise WrongFieldError(f"is {excerpt(value)}; send RFC 3339 with a time zone") from error


def _identity(value: Any) -> Any:
    """An id, as text or as a number → text; None for "" and 0."""
    found = identity(value)
    if found is None and value not in ("", 0, "0"):
        raise WrongFieldError("is no id; send a number, or text of at most 64 characters")
    return found


def _event_type(value: Any) -> Any:
    if not is_event_type(value):
        raise WrongFieldError(f'is {excerpt(value)}; send words with dots between, as "survey.answered"')
    return value


def _whole(value: Any) -> Any:
    found = whole(value)
    if found is None:
        raise WrongFieldError("is no whole number; send one")
    return found


def _yes_or_no(value: Any) -> Any:
    number = whole(value)
    said = str(value if number is None else number).lower() if isinstance(value, str | int | float) else ""
    if said not in _TRUE | _FALSE:
        raise WrongFieldError("is neither true nor false; send one of them")
    return said in _TRUE


def _object(value: Any) -> Any:
    if not isinstance(value, dict):
        raise WrongFieldError("is not an object; send one")
    return value


_AN_OBJECT = {"missing": "is missing; send an object", "null": "is null; send an object"}

_ENVELOPE = {
    "type": Field(_event_type, required=True),
    "id": Field(_text(KEY_LENGTH), null=None),
    "time": Field(_moment, required=True, missing="is missing; send it, or timestamp"),
    "data": Field(_object, required=True, **_AN_OBJECT),
}

_OUR_NAMES = {"timestamp": "time"}
_STANDARD_ENVELOPE = {"timestamp" if name == "time" else name: field for name, field in _ENVELOPE.items()}

_ANSWER = {
    "response_id": Field(_identity, required=True),
    "survey": Field(_text(100), required=True),
    "metric": Field(_text(10), required=True),
    "score": Field(_whole, required=True),
    "comment": Field(_text(), default=None, null=None),
    "contact_consent": Field(_yes_or_no, default=None, null=None),
    "answered_at": Field(_moment, default=None, null=None),
    "context": Field(_object, default=None, null=None),
    "about": Field(_text(26), null=None),
    "invitation": Field(_text(26), null=None),
}
"""The fields of an answer that must be right; the metric, the score's range and the variant are scoring's.

``about`` and ``invitation`` are ids of ours, which only our own pages know.
"""

_CUSTOMER = {
    "email": Field(_text(EMAIL_LENGTH), null=None),
    "name": Field(_text(), null=None),
    "phone": Field(_text(), null=None),
    "locale": Field(_text(LOCALE_LENGTH), null=None),
}
_ID = Field(_identity, null=None)


def read_envelope(body: Mapping[str, Any]) -> dict[str, Any]:
    """{type, id?, time, data}. Raises ``Unreadable``.

    ``timestamp`` is what Standard Webhooks 1.0 calls the moment of the event ("Payload structure"); it is read where
    ``time``, our own name for it, says nothing.
    """
    if body.get("time") is None and body.get("timestamp") is not None:
        return {_OUR_NAMES.get(name, name): value for name, value in _load(_STANDARD_ENVELOPE, body, "").items()}
    return _load(_ENVELOPE, body, "")


def read_answer(data: Mapping[str, Any], *, own: bool = False) -> dict[str, Any]:
    """The answer's fields with their defaults, its ``band`` and ``scale``. Raises ``Unreadable``.

    ``own``: our own page sends it, and has worked out band and scale by the survey's definition.
    """
    answer = _load(_ANSWER, data, "data.")
    answer["comment"] = answer["comment"] or ""
    answer["contact_consent"] = answer["contact_consent"] is True
    answer["context"] = answer["context"] or {}
    banded = own and data.get("band") in set(scoring.Band)
    return {**answer, **({} if banded else _scored(answer, data.get("variant") or data.get("scale")))}


def read_customer(customer: object, id_names: Iterable[str] = ()) -> dict[str, Any]:
    """The person's details as told; empty text is nothing. ``id_names`` hold ids of theirs elsewhere. Raises
    ``Unreadable``."""
    if not isinstance(customer, dict):
        raise Unreadable("data.customer is not an object", remedy="send an object, or leave it out")
    told = customer | _load(_CUSTOMER | dict.fromkeys(id_names, _ID), customer, "data.customer.")
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


def _load(fields: Mapping[str, Field], value: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The fields as we take them, without those that are not there. Raises ``Unreadable`` with every mistake."""
    loaded: dict[str, Any] = {}
    mistakes: list[str] = []
    for name, field in fields.items():
        try:
            taken = _take(field, value.get(name, _MISSING))
        except WrongFieldError as error:
            mistakes.append(f"{path}{name} {error}")
        else:
            if taken is not _MISSING:
                loaded[name] = taken
    if mistakes:
        raise Unreadable("; ".join(mistakes))
    return loaded


def _take(field: Field, value: Any) -> Any:
    if value is _MISSING:
        if field.required:
            raise WrongFieldError(field.missing)
        return field.default
    if value is None:
        if field.null is not None:
            raise WrongFieldError(field.null)
        return None
    return field.read(value)
