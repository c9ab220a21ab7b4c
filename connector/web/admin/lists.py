"""What every list has: a page of rows by a cursor, a link to the next, and filters that stand in the address."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from flask import request
from marshmallow import Schema

from connector.web.admin.forms import line

T = TypeVar("T")

ROWS = 50
"""On a page."""


class CursorSchema(Schema):
    """The part of a list's query that every list has: where the page before ended."""

    before = line(40)


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """The rows of one page. ``following`` is the address of the next; "" on the last. ``chosen`` are the filters that
    are set, ``first`` is the address of the first page with them."""

    rows: Sequence[T]
    following: str
    chosen: Mapping[str, Any]
    first: str
    is_first: bool

    @property
    def is_narrowed(self) -> bool:
        return bool(self.chosen)


def listing(rows: Sequence[T], cursor: Callable[[T], Any]) -> Listing[T]:
    """A page of ``rows``: the caller asked for one more than ROWS, so that we know whether others follow."""
    shown = rows[:ROWS]
    more = here(before=cursor(shown[-1])) if len(rows) > ROWS else ""
    return Listing(shown, more, filters(), here(before=None), "before" not in request.args)


def filters() -> Mapping[str, Any]:
    """What the address asks for, but for the place in the list."""
    return {name: value for name, value in request.args.items() if value and name != "before"}


def here(**changed: Any) -> str:
    """This page's address with other values; None takes one away."""
    asked = {name: values for name, values in request.args.lists() if name not in changed}
    new = {name: [str(value)] for name, value in changed.items() if value is not None}
    pairs = [(name, value) for name, values in (asked | new).items() for value in values if value]
    path = request.script_root + request.path
    return f"{path}?{urlencode(pairs)}" if pairs else path
