"""What the settings of connections are made of, as they stand in ringback.yaml, and what is wrong with them.

Each vendor's own settings are described in its folder (``options.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, NoReturn

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from integrations.scores import FieldMap, ScoreFields

_DEFAULT_METRIC = "nps"
_METRICS = ("nps", "nls", "csat", "ces")


class Options(Schema):
    """A schema whose mistakes say what to do: unknown keys with the nearest known one."""

    class Meta:
        unknown = RAISE

    error_messages = {  # noqa: RUF012  # the library reads it from the class and copies it
        "type": "is no mapping; write its keys below it",
        "unknown": "unknown",
    }

    def handle_error(self, error: ValidationError, data: Any, *, many: bool, **rest: Any) -> NoReturn:
        said = dict(error.messages_dict)
        if "_schema" in said:  # no mapping at all
            said["settings"] = said.pop("_schema")
        raise ValidationError({name: self._explained(name, what) for name, what in said.items()})

    def _explained(self, name: str, said: Any) -> Any:
        if said == ["unknown"]:
            return [f"is not known{meant(name, (field.data_key or own for own, field in self.fields.items()))}"]
        return ["is missing"] if said == [fields.Field.default_error_messages["required"]] else said

    @classmethod
    def check_loaded(cls, given: Mapping[str, Any]) -> None:
        """What can be wrong with values that are right one by one. Raises ValidationError."""


def meant(name: str, known: Iterable[str]) -> str:
    """The end of a message about a name that is not known."""
    names = sorted(known)
    near = get_close_matches(str(name), names, n=1)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(names)}"


def mistakes(messages: Any, path: str = "") -> list[str]:
    """Flatten marshmallow's messages into "auth.token: is missing"."""
    if not isinstance(messages, Mapping):
        return [f"{path}: {message}" for message in messages]
    deeper = ((f"{path}.{name}" if path else str(name), said) for name, said in messages.items())
    return [line for where, said in deeper for line in mistakes(said, where)]


def text_field(**more: Any) -> fields.String:
    """A text that must be there."""
    return fields.String(
        required=True, validate=validate.Length(min=1, error="is empty"),
        error_messages={"invalid": "is no text; put it in quotes", "null": "is empty"}, **more,
    )


class Checked(fields.String):
    """A text that ``check`` reads without ValueError."""

    def __init__(self, check: Any, **more: Any) -> None:
        super().__init__(**{"required": True, "error_messages": {"invalid": "is no text"}, **more})
        self._check = check

    def _deserialize(self, value: Any, attr: Any, data: Any, **rest: Any) -> Any:
        text = super()._deserialize(value, attr, data, **rest)
        try:
            self._check(text)
        except ValueError as error:
            raise ValidationError(str(error)) from error
        return text


class Login(Options):
    """An OAuth client."""

    client_id = text_field()
    client_secret = text_field()


class FixedToken(Options):
    """A token that somebody made by hand."""

    token = text_field()


class Auth(fields.Field[Any]):
    """``auth: {type: …, …}``: its keys depend on its type."""

    def __init__(self, types: Mapping[str, type[Options]]) -> None:
        super().__init__(required=True)
        self._types = types

    def _deserialize(self, value: Any, attr: Any, data: Any, **rest: Any) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise ValidationError(f"is no mapping; write type: with one of {', '.join(self._types)}")
        kind = str(value.get("type") or "nothing")
        if kind not in self._types:
            raise ValidationError({"type": [f"{kind} is not known{meant(kind, self._types)}"]})
        keys = {name: each for name, each in value.items() if name != "type"}
        given = self._types[kind]().load(keys)
        self._types[kind].check_loaded(given)
        return {**given, "type": kind}


class _Names(Options):
    """The vendor's field names for one metric."""

    score = fields.String(validate=validate.Regexp(r"[A-Za-z]\w*\Z", error="is no field name"))
    band = answered_at = comment = loop_status = fields.String(
        validate=validate.Regexp(r"([A-Za-z]\w*)?\Z", error="is no field name; leave it empty to leave it out")
    )


class FieldNames(fields.Field[Any]):
    """``fields: {score: …, band: …}`` for NPS, and below a metric's name the same for that metric."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **rest: Any) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise ValidationError("is no mapping; write score: with the vendor's field name")
        nested = {name: each for name, each in value.items() if isinstance(each, Mapping)}
        if strange := [name for name in nested if name not in _METRICS]:
            raise ValidationError({strange[0]: [f"is no metric{meant(strange[0], _METRICS)}"]})
        plain = {name: each for name, each in value.items() if name not in nested}
        read = {_DEFAULT_METRIC: _Names().load(plain)}
        for metric, names in nested.items():
            read[metric] = {**read.get(metric, {}), **_loaded(metric, names)}
        return read


def _loaded(metric: str, names: Mapping[str, Any]) -> Any:
    try:
        read = _Names().load(names)
    except ValidationError as error:
        raise ValidationError({metric: error.messages}) from error
    if metric != _DEFAULT_METRIC and not read.get("score"):
        raise ValidationError({metric: {"score": ["is missing"]}})
    return read


class ConnectionOptions(Options):
    """What every connection may have beside its own keys: these are the connector's own business."""

    kind = webhook_secret = integration_user = requests_per_minute = concurrency = longest_hold = fields.Raw()


def renamed(names: type[Any]) -> type[Options]:
    """The schema of a table of names: each may be another name, or empty to leave its value out."""
    text = fields.String(validate=validate.Regexp(r"([A-Za-z]\w*)?\Z", error="is no name of a field or an object"))
    made = Options.from_dict({each.name: text for each in dataclass_fields(names)})
    return type(names.__name__, (made, Options), {})


def field_map(given: Mapping[str, Mapping[str, str]] | None, defaults: FieldMap) -> FieldMap:
    """The settings' field names over the defaults, by metric."""
    named = given or {}
    fresh = {metric: ScoreFields(**names) for metric, names in named.items() if metric not in defaults}
    changed = {metric: replace(default, **named.get(metric, {})) for metric, default in defaults.items()}
    return {**changed, **fresh}
