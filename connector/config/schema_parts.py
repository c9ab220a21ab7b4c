"""What shapes of configuration are made of: strict mappings, values that a function reads, lists of texts.

A message is "what is wrong", a line break, "what to do": marshmallow carries only text.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validates_schema

from connector.config.yaml_reader import join
from workflows.errors import DurationError, Mistake
from workflows.suggestions import shown

EMPTY = "is empty.\nGive it a value, or leave the key out."
NO_MAPPING = "must be a mapping.\nWrite its keys below it, indented, each with a colon."


_NOT_OF_VALUES = ("is not known here.", "is missing.", "is empty", "is no name.", "is the name of")
_MAY_BE_SECRET = frozenset({"connections", "notify", "sign_in"})


def mistakes_of(error: ValidationError, raw: Any) -> list[Mistake]:
    """The mistakes in an error of this file's schemas, in the order of the file, each with the value as ``raw`` has it:
    before the environment's were put in, so that no secret is told."""
    return list(_walk(error.messages, raw, ""))


def _walk(messages: Any, raw: Any, path: str) -> Iterator[Mistake]:
    if isinstance(messages, Mapping):
        for part, inner in messages.items():
            if part == "_schema":
                yield from _walk(inner, None, path)
            else:
                yield from _walk(inner, None if part in _MAY_BE_SECRET else _part(raw, part), join(path, part))
        return
    for each in messages:
        message, _, remedy = str(each).partition("\n")
        yield Mistake(path or "file", _with_value(message, raw), remedy)


def _part(raw: Any, part: Any) -> Any:
    try:
        return raw[part]
    except (LookupError, TypeError):
        return None


def _with_value(message: str, value: Any) -> str:
    """A message that only says what the value is not names it, too."""
    told = message.startswith("is ") and not message.startswith(_NOT_OF_VALUES) and isinstance(value, str | int | float)
    return f"{shown(repr(value))} {message}" if told and repr(value) not in message else message


class Strict(Schema):
    """Refuses unknown keys, and names the one that was probably meant."""

    class Meta:
        unknown = EXCLUDE  # _known_keys says more than marshmallow's own refusal

    error_messages = {"type": NO_MAPPING, "invalid": NO_MAPPING}  # noqa: RUF012 - marshmallow wants it so

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _known_keys(self, _data: Any, original: Any, **_: Any) -> None:
        keys = original if isinstance(original, Mapping) else ()
        unknown = {key: [self._unknown(key)] for key in keys if key not in self.fields}
        if unknown:
            raise ValidationError(unknown)

    def _unknown(self, key: str) -> str:
        close = difflib.get_close_matches(key, self.fields, n=1)
        return "is not known here.\n" + (
            f"Did you mean {close[0]}?" if close else f"Known are: {', '.join(self.fields)}."
        )


class Read(fields.Field[Any]):
    """A value that a function reads; it raises ValueError with "what is wrong", line break, remedy."""

    def __init__(self, read: Callable[[Any], Any]) -> None:
        super().__init__(error_messages={"null": EMPTY})
        self._read = read

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Any:
        try:
            return self._read(value)
        except (ValueError, DurationError) as error:
            raise ValidationError(str(error)) from error


def texts(check: Callable[[str], Any]) -> fields.List[str]:
    each = fields.String(
        validate=check, error_messages={"invalid": "must be text.\nPut it in quotes.", "null": EMPTY}
    )
    no_list: dict[str, Any] = {
        "invalid": "must be a list.\nPut it in square brackets: [one, two].",
        "null": EMPTY,
    }
    return fields.List(each, error_messages=no_list)


def yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(  # noqa: TRY004 - the field's word for a mistake
            "is neither true nor false.\nWrite true or false, without quotes."
        )
    return value
