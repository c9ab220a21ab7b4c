"""The part of SOQL that an integration needs: one object, conditions with AND, OR, NOT, an order and a limit."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.clock import parse as parse_moment
from sandbox.salesforce import related
from sandbox.salesforce.errors import ApiError, api_error
from sandbox.salesforce.ids import is_id, long_id
from sandbox.salesforce.records import Record
from sandbox.salesforce.schema import Field, SObject

Condition = Callable[[Record], bool]
_TOKEN = re.compile(
    r"""
    \s*(?: (?P<text>'(?:[^'\\]|\\.)*')
    | (?P<moment>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?)
    | (?P<number>-?\d+(?:\.\d+)?)
    | (?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,)
    | (?P<word>[A-Za-z_][\w.]*) )
""",
    re.VERBOSE,
)
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked. ``fields`` is None for COUNT()."""

    fields: tuple[str, ...] | None
    sobject: SObject
    where: Condition
    order: tuple[tuple[str, bool], ...]  # field, descending
    limit: int | None
    offset: int


def parse(text: str, sobject: Callable[[str], SObject | None]) -> Query:
    """Read a query. Raises 400: MALFORMED_QUERY, INVALID_TYPE, INVALID_FIELD."""
    return _Parser(text, sobject).query()


def _malformed(what: str) -> ApiError:
    return api_error(400, "MALFORMED_QUERY", what)


class _Parser:
    """Reads tokens from left to right; one method per part of the grammar."""

    def __init__(self, text: str, sobject: Callable[[str], SObject | None]) -> None:
        self._tokens, self._place, self._find = _tokens(text), 0, sobject
        self._sobject: SObject | None = None

    def query(self) -> Query:
        self._expect("select")
        names = self._names()
        self._expect("from")
        self._sobject = self._object()
        fields = self._selected(names)
        where = self._or() if self._accept("where") else _always
        order = self._order() if self._accept("order") else ()
        limit = self._number() if self._accept("limit") else None
        offset = self._number() if self._accept("offset") else 0
        if self._peek():
            raise _malformed(f"unexpected token: '{self._peek()}'")
        return Query(fields, self._sobject, where, order, limit, offset)

    def _names(self) -> list[str]:
        names = [self._word()]
        if names == ["count"] or names == ["COUNT"]:
            self._expect("(")
            self._expect(")")
            return ["COUNT()"]
        while self._accept(","):
            names.append(self._word())
        return names

    def _object(self) -> SObject:
        name = self._word()
        found = self._find(name)
        if found is None:
            raise api_error(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
        return found

    def _selected(self, names: list[str]) -> tuple[str, ...] | None:
        return None if names == ["COUNT()"] else tuple(self._path(name) for name in names)

    def _path(self, name: str) -> str:
        if "." not in name or self._sobject is None:
            return self._field(name).name
        found = related.proper(name, self._sobject, self._find)
        if found is None:
            raise api_error(400, "INVALID_FIELD", f"No such column '{name}' on entity '{self._sobject.name}'.")
        return found

    def _field(self, name: str) -> Field:
        found = self._sobject.field(name) if self._sobject else None
        if found is None:
            kind = self._sobject.name if self._sobject else ""
            raise api_error(400, "INVALID_FIELD", f"No such column '{name}' on entity '{kind}'.")
        return found

    def _or(self) -> Condition:
        parts = [self._and()]
        while self._accept("or"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)

    def _and(self) -> Condition:
        parts = [self._condition()]
        while self._accept("and"):
            parts.append(self._condition())
        return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)

    def _condition(self) -> Condition:
        if self._accept("not"):
            inner = self._condition()
            return lambda row: not inner(row)
        if self._accept("("):
            inner = self._or()
            self._expect(")")
            return inner
        return self._comparison(self._field(self._word()))

    def _comparison(self, field: Field) -> Condition:
        negated = self._accept("not")
        sign = self._next()[1].lower()
        if sign == "in":
            return _among(field, self._list(), wanted=not negated)
        if sign == "like" and not negated:
            return _like(field, str(self._value()))
        if sign in ("=", "!=", "<>"):
            return _among(field, [self._value()], wanted=sign == "=")
        if sign in _SIGNS:
            return _compared(field, _SIGNS[sign], self._value())
        raise _malformed(f"unexpected token: '{sign}'")

    def _list(self) -> list[Any]:
        self._expect("(")
        values = [self._value()]
        while self._accept(","):
            values.append(self._value())
        self._expect(")")
        return values

    def _order(self) -> tuple[tuple[str, bool], ...]:
        self._expect("by")
        order = [self._ordered()]
        while self._accept(","):
            order.append(self._ordered())
        return tuple(order)

    def _ordered(self) -> tuple[str, bool]:
        name = self._field(self._word()).name
        descending = self._accept("desc")
        if not descending:
            self._accept("asc")
        return name, descending

    def _value(self) -> Any:
        kind, text = self._next()
        if kind == "text":
            return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1])
        if kind == "number":
            return float(text)
        if kind == "moment":
            return parse_moment(text) if "T" in text else text
        words = {"null": None, "true": True, "false": False}
        if text.lower() not in words:
            raise _malformed(f"unexpected token: '{text}'")
        return words[text.lower()]

    def _number(self) -> int:
        kind, text = self._next()
        if kind != "number" or not text.isdigit():
            raise _malformed(f"unexpected token: '{text}'")
        return int(text)

    def _word(self) -> str:
        kind, text = self._next()
        if kind != "word":
            raise _malformed(f"unexpected token: '{text}'")
        return text

    def _peek(self) -> str:
        return self._tokens[self._place][1] if self._place < len(self._tokens) else ""

    def _next(self) -> tuple[str, str]:
        if self._place >= len(self._tokens):
            raise _malformed("unexpected token: '<EOF>'")
        self._place += 1
        return self._tokens[self._place - 1]

    def _accept(self, word: str) -> bool:
        here = self._place < len(self._tokens) and self._tokens[self._place][0] != "text"
        if not here or self._peek().lower() != word:
            return False
        self._place += 1
        return True

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise _malformed(f"expecting '{word}', found '{self._peek() or '<EOF>'}'")


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, place, text = [], 0, text.strip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise _malformed(f"unexpected character at position {place}: '{text[place]}'")
        tokens.append((found.lastgroup, found[found.lastgroup]))
        place = found.end()
    return tokens


def _always(_row: Record) -> bool:
    return True


def _same(field: Field, value: Any) -> Any:
    """A form in which equal things are equal: ids at full length, text in lower case."""
    if field.kind in ("id", "reference") and isinstance(value, str):
        return long_id(value) if is_id(value) else value
    return value.lower() if isinstance(value, str) else value


def _among(field: Field, values: list[Any], *, wanted: bool) -> Condition:
    accepted = {_same(field, value) for value in values}
    return lambda row: (_same(field, row[field.name]) in accepted) is wanted


def _like(field: Field, pattern: str) -> Condition:
    parts = (".*" if char == "%" else "." if char == "_" else re.escape(char) for char in pattern)
    shape = re.compile("".join(parts), re.IGNORECASE | re.DOTALL)
    return lambda row: row[field.name] is not None and shape.fullmatch(str(row[field.name])) is not None


def _compared(field: Field, compare: Callable[[Any, Any], bool], value: Any) -> Condition:
    def holds(row: Record) -> bool:
        try:
            return row[field.name] is not None and compare(row[field.name], value)
        except TypeError:
            raise _malformed(
                f"value of filter criterion for field '{field.name}' is of another type"
            ) from None

    return holds


def run(query: Query, rows: list[Record]) -> list[Record]:
    """The rows that match, in order, cut to the limit."""
    found = [row for row in rows if query.where(row)]
    for name, descending in reversed(query.order):
        found.sort(key=lambda row, name=name: (row[name] is not None, row[name] or ""), reverse=descending)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    end = None if query.limit is None else query.offset + query.limit
    return found[query.offset : end]
