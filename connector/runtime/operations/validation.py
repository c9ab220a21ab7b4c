"""What people give with their hands, checked before it is stored: texts, outputs and names of steps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from connector.runtime.operations.errors import InputError

LONGEST_NAME, LONGEST_REASON = 100, 500
"""Characters."""

LARGEST_OUTPUT = 64_000
"""Characters of JSON."""

_DEEPEST = 20


def told(text: str, field: str, most: int) -> str:
    """One line of text of a person, as it is stored. Raises InputError when empty, too long or
    unprintable."""
    line = " ".join(text.split())
    if not line:
        raise InputError(field, "is empty.", "Write a few words; they stand in the history.")
    if len(line) > most:
        raise InputError(field, f"has {len(line)} characters, and {most} are the most.", "Shorten it.")
    if not line.isprintable():
        raise InputError(field, "holds characters that cannot be printed.", "Remove them.")
    return line


def output(given: Any) -> dict[str, Any]:
    """A step's output by hand: a JSON object that both databases can keep. Raises InputError."""
    if not isinstance(given, Mapping):
        raise InputError("output", f"is a {type(given).__name__}, not an object.", 'Write {"field": value}.')
    for value in _leaves(given, 0):
        if isinstance(value, str) and not _storable(value):
            raise InputError(
                "output", "holds a character that no database keeps.", "Remove NUL and lone surrogates."
            )
    try:
        text = json.dumps(given, allow_nan=False)
    except ValueError:
        raise InputError(
            "output", "holds NaN or Infinity, which are no JSON.", "Write a number or null."
        ) from None
    if len(text) > LARGEST_OUTPUT:
        raise InputError(
            "output", f"has {len(text)} characters, and {LARGEST_OUTPUT} are the most.", "Shorten it."
        )
    return dict(given)


def _leaves(value: Any, depth: int) -> Iterator[Any]:
    if depth > _DEEPEST:
        raise InputError("output", f"is more than {_DEEPEST} levels deep.", "Make it flatter.")
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield name
            yield from _leaves(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each, depth + 1)
    else:
        yield value


def _storable(text: str) -> bool:
    """PostgreSQL keeps no NUL, and UTF-8 has no half of a pair."""
    return "\x00" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)
