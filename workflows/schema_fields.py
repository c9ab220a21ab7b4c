"""The fields that the shapes of a workflow file are made of, and what every shape has in common.

A message is two lines, what is wrong and what to do; ``schema`` gives it its path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_dump, validates_schema

from workflows.durations import parse
from workflows.errors import WorkflowError
from workflows.expressions import condition
from workflows.suggestions import did_you_mean, shown

Messages = dict[str, str | list[Any] | dict[Any, Any]]  # marshmallow's own
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_EVENT = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)+")
_CEL_WORDS = frozenset({
    "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import",
    "let", "loop", "package", "namespace", "return", "var", "void", "while",
})
RESERVED = _CEL_WORDS | {"event", "trigger", "customer", "steps", "run", "now", "today"}
"""Names that conditions give another meaning."""


def say(message: str, remedy: str) -> ValidationError:
    return ValidationError(f"{message}\n{remedy}")


def checked(check: Callable[[str], object]) -> Callable[[str], None]:
    """A field validator out of a function that raises the room's errors."""

    def validator(text: str) -> None:
        try:
            check(text)
        except WorkflowError as error:
            raise ValidationError(str(error)) from error

    return validator


def pattern(form: re.Pattern[str], remedy: str, reserved: frozenset[str] = frozenset()) -> Callable[[str], None]:
    def validator(text: str) -> None:
        if not form.fullmatch(text) or text in reserved:
            raise say(f'"{shown(text)}" cannot be used here.', remedy)

    return validator


class Text(fields.String):
    """Text that says so when it is missing or something else."""

    def __init__(self, **options: Any) -> None:
        wrong = "This must be text.\nWrite text, in quotes where YAML would read something else."
        messages: Messages = {"required": "It is missing.\nAdd it.", "null": wrong, "invalid": wrong}
        super().__init__(error_messages=messages, **options)


def condition_field(**options: Any) -> Text:
    return Text(validate=checked(condition), **options)


def duration_field(**options: Any) -> Text:
    return Text(validate=checked(parse), **options)


def event_field(**options: Any) -> Text:
    return Text(validate=pattern(_EVENT, 'Write an event type such as "survey.answered".'), **options)


class EventsField(fields.Field[tuple[str, ...]]):
    """One event type, or a list of several."""

    def __init__(self, **options: Any) -> None:
        super().__init__(error_messages={"required": "It is missing.\nAdd it.", "null": _NO_EVENTS}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> tuple[str, ...]:
        listed = value if isinstance(value, list) else [value]
        if not listed:
            raise ValidationError(_NO_EVENTS)
        events = tuple(str(event_field().deserialize(each)) for each in listed)
        if len(set(events)) < len(events):
            raise say("It names an event type twice.", "Name each once.")
        return events

    def _serialize(self, value: tuple[str, ...] | None, attr: str | None, obj: Any, **_: Any) -> Any:
        return None if value is None else value[0] if len(value) == 1 else list(value)


_NO_EVENTS = "This must be an event type, or a list of some.\nWrite one such as survey.answered, or [one, another]."


class Shape(Schema):
    """A mapping with known keys. ``quiet`` holds the values that are not written out."""

    quiet: Mapping[str, Any] = {}

    class Meta:
        unknown = EXCLUDE  # reported below, with a suggestion, beside all other mistakes

    error_messages = {"type": "This must be a mapping.\nWrite keys and values, such as: key: value"}  # noqa: RUF012 - read only

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _no_unknown_key(self, data: Any, original: Any, **_: Any) -> None:
        known = [field.data_key or name for name, field in self.fields.items()]
        given = original if isinstance(original, Mapping) else ()  # anything else is a mistake of its own
        wrong = {key: [self._unknown(key, known)] for key in given if key not in known}
        if wrong:
            raise ValidationError(wrong)

    def _unknown(self, key: object, known: list[str]) -> str:
        return f'"{shown(key)}" is not known here.\n{did_you_mean(key, known)}'

    @post_dump
    def _leave_out_defaults(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {key: item for key, item in data.items() if key not in self.quiet or item != self.quiet[key]}


class Choice(Text):
    """One word of an enumeration."""

    def __init__(self, words: type[StrEnum], **options: Any) -> None:
        super().__init__(**options)
        self.words = words

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        text = super()._deserialize(value, attr, data, **options)
        try:
            return self.words(text)
        except ValueError as error:
            known = [word.value for word in self.words]
            raise say(f'"{shown(text)}" is none of {", ".join(known)}.', did_you_mean(text, known)) from error


class Seconds(fields.Field[float]):
    """A number of seconds, or a plain span of time."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> float:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            seconds = float(value)
        else:
            seconds = self._of_text(value)
        if not 0 < seconds <= 86_400:
            raise say(f"{shown(value)} is out of range.", "Write more than 0 seconds, and at most 1 day.")
        return seconds

    def _of_text(self, text: Any) -> float:
        try:
            duration = parse(str(text))
        except WorkflowError as error:
            raise ValidationError(str(error)) from error
        if duration.business:
            raise say(f'"{shown(text)}" depends on business hours.', "Write plain seconds, minutes or hours.")
        return duration.span.total_seconds()

    def _serialize(self, value: float | None, attr: str | None, obj: Any, **_: Any) -> float | int | None:
        return int(value) if value is not None and value.is_integer() else value
