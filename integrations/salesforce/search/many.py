"""Look-ups of many values by one query each, as long as Salesforce takes it; what it does not take is halved, so that
a value it chokes on costs itself alone.

Sources: SOQL and SOSL Reference, "SOQL and SOSL Limits" (100,000 characters a query, 4,000 a string of it); REST API
guide, "Query" (2,000 records a page) and "Status codes" (414, 431); a query travels in the URL, which has 16 kB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from integrations.errors import Permanent

Rows = Sequence[Mapping[str, Any]]
Ask = Callable[[Sequence[str], int], Rows]
"""(values, most records) → the records that have one of the values"""

AT_ONCE = 100  # values a query
_ROOM = 10_000  # bytes of them, as a URL writes them; the rest of the query needs some as well
_AROUND = 9  # bytes that quotes and a comma take around a value there
_EACH = 50  # records; more of one value are a matter for a person anyway
_PAGE = 2_000
_ADDRESS = 80  # characters that a field of the type e-mail holds (Object Reference, "Field Types")
_TOO_MUCH = frozenset({"MALFORMED_QUERY", "QUERY_TOO_COMPLICATED", "QUERY_TIMEOUT"})
_TOO_LONG = frozenset({414, 431})


def is_address(text: str) -> bool:
    """Whether some record might have this e-mail address: Salesforce keeps no longer ones, nor control characters."""
    return bool(text) and len(text) <= _ADDRESS and text.isprintable()


def width(value: str) -> int:
    """Bytes that a value takes in a URL, with its quotes and comma."""
    return len(quote(value, safe="", errors="replace")) + _AROUND


def fitting(values: Sequence[str], most: int = AT_ONCE, width: Callable[[str], int] = width) -> Iterator[list[str]]:
    """The values in parts that a URL can hold, at most ``most`` in each; ``width`` is what one takes there."""
    part: list[str] = []
    room = _ROOM
    for value in values:
        size = width(value)
        if part and (len(part) == most or size > room):
            yield part
            part, room = [], _ROOM
        part.append(value)
        room -= size
    if part:
        yield part


def asked(parts: Iterator[list[str]], ask: Ask) -> Iterator[tuple[Sequence[str], Rows | Permanent]]:
    """Each part with its records, or, when it is a single value that cannot be asked for, with the error. Raises every
    other IntegrationError: it concerns all of them."""
    for part in parts:
        yield from _halved(part, ask)


def _halved(part: Sequence[str], ask: Ask) -> Iterator[tuple[Sequence[str], Rows | Permanent]]:
    most = min(_PAGE, _EACH * len(part))
    found = _tried(part, most, ask)
    full = isinstance(found, Permanent) or len(found) >= most  # one value's many records may hide another's
    if not full or len(part) == 1:
        yield part, found
        return
    middle = len(part) // 2
    yield from _halved(part[:middle], ask)
    yield from _halved(part[middle:], ask)


def _tried(part: Sequence[str], most: int, ask: Ask) -> Rows | Permanent:
    try:
        return ask(part, most)
    except Permanent as error:
        if error.code in _TOO_MUCH or error.status in _TOO_LONG:
            return error
        raise
