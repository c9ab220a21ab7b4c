"""Record ids: 15 characters that know upper from lower case, or 18 whose last three make up for a lost case."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE = re.compile(r"[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?")


def suffix(short: str) -> str:
    """The three check characters of a 15-character id: five bits a chunk, one per upper-case letter."""
    chunks = (short[start : start + 5] for start in (0, 5, 10))
    return "".join(
        _SUFFIX[sum(1 << place for place, char in enumerate(chunk) if char.isupper())] for chunk in chunks
    )


def long_id(value: str) -> str:
    """The 18-character form of either."""
    return value[:15] + suffix(value[:15])


def is_id(value: str) -> bool:
    """Has the shape of an id; with 18 characters the last three must fit."""
    return bool(_SHAPE.fullmatch(value)) and (len(value) == 15 or long_id(value) == value)


def id_maker(prefix: str, pod: str = "ak") -> Callable[[], str]:
    """Makes new 18-character ids of one kind of record, as "003ak0000000001AAA"."""
    numbers = itertools.count(1)
    return lambda: long_id(f"{prefix}{pod}{_base62(next(numbers)).rjust(10, '0')}")


def _base62(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = _DIGITS[rest] + digits
    return digits
