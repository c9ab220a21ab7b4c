"""Weekdays as people write them: "mon-fri", "mon, wed & fri", "sat/sun", "fri-mon", "ma t/m vr".

Every word must be a whole name of a day, or the text is refused: a day that is left out in silence costs its callbacks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Literal

from babel.dates import get_day_names

REMEDY = 'Name days as mon or monday, with a hyphen or commas between: "mon-fri", "mon, wed, fri".'
_LANGUAGES = ("en", "nl")
_WIDTHS: tuple[Literal["wide", "abbreviated", "short"], ...] = ("wide", "abbreviated", "short")
_ALSO: Mapping[str, int] = {"tues": 1, "weds": 2, "thur": 3, "thurs": 3}
_TO = re.compile(r"\s*(?:[-–—]|\b(?:to|tot en met|t/m)\b)\s*")
_BETWEEN = re.compile(r"\s*[,;/&+]\s*|\s+")
_AND = frozenset(("and", "en"))


def weekdays(text: str) -> tuple[int, ...]:
    """The days (Monday 0) as they are named, each once. Raises ValueError with the remedy on a second line."""
    found = tuple(dict.fromkeys(day for part in _parts(text) for day in _range(part, text)))
    if not found:
        raise ValueError(f"{text!r} names no weekday.\n{REMEDY}")
    return found


def _parts(text: str) -> Iterator[str]:
    joined = _TO.sub("-", text.strip().lower())
    return (part for part in _BETWEEN.split(joined) if part and part not in _AND)


def _range(part: str, text: str) -> Iterator[int]:
    """One day, or all from one to another, also past Sunday."""
    first, dash, last = part.partition("-")
    start, end = (_day(word, text) for word in (first, last if dash else first))
    return ((start + step) % 7 for step in range((end - start) % 7 + 1))


def _day(word: str, text: str) -> int:
    day = _names().get(word.removesuffix("."))
    if day is None:
        which = f"; {word!r} is none" if word and word != text else ""
        raise ValueError(f"{text!r} names no weekday{which}.\n{REMEDY}")
    return day


@cache
def _names() -> Mapping[str, int]:
    told = [get_day_names(width, locale=language) for language in _LANGUAGES for width in _WIDTHS]
    named = {str(name).lower().removesuffix("."): int(day) for names in told for day, name in names.items()}
    return {**named, **_ALSO}
