"""Whole numbers in what others wrote. JSON has one kind of number: 9.0 and 1e1 are the integers 9 and 10.

Source: JSON Schema 2020-12, Validation 6.1.1: "integer" is any number without a fractional part.
"""

from __future__ import annotations

from typing import Any

from marshmallow import fields

_EXACT = 2.0**53  # from here on a double no longer tells neighbours apart


def whole(value: object) -> int | None:
    """The whole number that a value from JSON or YAML is, however it is written; None for anything else.

    Text, true and false are no numbers. A double so large that it names several whole numbers names none.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) <= _EXACT else None
    return value if isinstance(value, int) else None


class Whole(fields.Integer):
    """An integer field that takes 9.0 for 9 and never cuts 9.5 down to it.

    ``strict`` is JSON's and YAML's own numbers; without it also text in plain digits, as a query has it.
    """

    def _validated(self, value: Any) -> Any:
        found = whole(value)
        if found is None and isinstance(value, str) and not self.strict:
            found = _digits(value)
        if found is None:
            raise self.make_error("invalid", input=value)
        return super()._validated(found)


def _digits(text: str) -> int | None:
    unsigned = text.removeprefix("-")
    return int(text) if unsigned.isascii() and unsigned.isdigit() and len(unsigned) <= 18 else None
