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

EMPTY = "is empty.\nGive it a value, or leave the key out."
NO_MAPPING = "must be a mapping.\nWrite its keys below it, indented, each with a colon."


def mistakes_of(error: ValidationError) -> list[Mistake]:
    """The mistakes in an error of this file's schemas, in the order of the file."""
    return list(_walk(error.messages, ""))


def _walk(messages: Any, path: str) -> Iterator[Mistake]:
    if isinstance(messages, Mapping):
        for part, inner in messages.items():
            yield from _walk(inner, path if part == "_schema" else join(path, part))
        return
    for each in messages:
        message, _, remedy = str(each).partition("\n")
        yield Mistake(path or "file", message, remedy)


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
