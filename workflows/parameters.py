"""What the values of parameters may be, where a handler knows only certain ones: a file is refused, not half obeyed.

A text with a template in it is known only once it is rendered; ``flag``, ``texts`` and ``is_channel`` are for then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workflows.durations import parse
from workflows.errors import DurationError
from workflows.sampling import share_of
from workflows.suggestions import did_you_mean, shown
from workflows.templates import is_template

CHANNELS = ("email",)
"""The ways a survey can reach a person."""

PRIORITIES = ("low", "normal", "high", "urgent")
"""How pressing a ticket or a task can be; every vendor's own words are made of these."""

Check = Callable[[Any], str | None]
"""A value as it stands in the file → what is wrong, a line break, what to do; None if nothing is."""


def mistake_in(name: str, value: Any) -> str | None:
    """What is wrong with the value of a parameter of this name, and the remedy on a second line; None if it will do."""
    check = CHECKS.get(name)
    if check is None or value in (None, "") or (check in _RENDERED and isinstance(value, str) and is_template(value)):
        return None
    return check(value)


def is_channel(value: Any) -> bool:
    """Whether a survey can go this way; nothing is the usual way."""
    return value is None or value in ("", *CHANNELS)


def flag(value: Any) -> bool:
    """Whether the answer is yes: true, or the text that a template makes of it. Nothing else, least of all "no"."""
    return value is True or (isinstance(value, str) and value.strip() == "true")


def texts(value: Any) -> list[str]:
    """A list of texts; one text, as a template renders it, is one of them and not its letters."""
    given = value if isinstance(value, (list, tuple)) else [] if value is None else [value]
    return [text for each in given if (text := str(each).strip())]


def _channel(value: Any) -> str | None:
    if is_channel(value):
        return None
    known = ", ".join(CHANNELS)
    return f'No survey can be sent by "{shown(value)}".\nThere is {known}: write channel: {known}, or leave it out.'


def _priority(value: Any) -> str | None:
    if value in PRIORITIES:
        return None
    return f'There is no priority "{shown(value)}".\n{did_you_mean(value, PRIORITIES)}'


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else f'"{shown(value)}" is neither true nor false.\nWrite true or false.'


def _span(value: Any) -> str | None:
    try:
        parse(str(value))
    except DurationError as error:
        return str(error)
    return None


def _share(value: Any) -> str | None:
    try:
        share_of(str(value))
    except ValueError as error:
        return str(error)
    return None


def _texts(value: Any) -> str | None:
    if isinstance(value, (list, tuple)) and all(_is_text(each) for each in value):
        return None
    return f'"{shown(value)}" is no list of texts.\nPut them in square brackets: [one, two].'


def _text_or_texts(value: Any) -> str | None:
    """One code, as languages may be; several in one text would be none that exists."""
    is_one = isinstance(value, str) and not set(value.strip()) & set(" ,;/")
    return None if is_one else _texts(value)


def _mapping(value: Any) -> str | None:
    remedy = "Write names and values, such as: {name: value}"
    return None if isinstance(value, Mapping) else f'"{shown(value)}" is no mapping.\n{remedy}'


def _is_text(value: Any) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


CHECKS: Mapping[str, Check] = {
    "channel": _channel,
    **dict.fromkeys(("public", "final", "verify"), _flag),
    **dict.fromkeys(("delay", "due"), _span),
    **dict.fromkeys(("priority", "high_value_priority"), _priority),
    **dict.fromkeys(("tags", "remove_tags"), _texts),
    "languages": _text_or_texts,
    "sample": _share,
    **dict.fromkeys(("custom_fields", "context"), _mapping),
}
_RENDERED = frozenset(CHECKS.values()) - {_mapping}  # a template makes text, never a mapping
