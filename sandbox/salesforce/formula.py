"""The few words of Salesforce's formula language that a flow's entry condition needs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_TOKEN = re.compile(r"\s*(?:\{!\$(?P<root>\w+)\.(?P<name>\w+)\}|(?P<word>[A-Z]+)|(?P<sign>[(),]))")

Value = bool | str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a formula may ask: the record's fields, which of them were written, and the user's custom permissions."""

    field: Callable[[str], Value]
    changed: Callable[[str], bool]
    permission: Callable[[str], bool]
    created: bool


def holds(text: str, facts: Facts) -> bool:
    """Whether the formula is true. Raises ValueError for what is no formula, or uses other words."""
    parser = _Parser(_tokens(text), facts)
    result = parser.value()
    if parser.left:
        raise ValueError(f"something follows the formula: {parser.left[0]}")
    return bool(result)


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place = [], 0
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"no formula from {text[place : place + 20]!r} on")
        found.append((match["root"] or match["word"] or match["sign"], match["name"] or ""))
        place = match.end()
    return found


class _Parser:
    """Reads a value from the left: a field, or a function of values."""

    def __init__(self, tokens: list[tuple[str, str]], facts: Facts) -> None:
        self.left, self._facts = tokens, facts

    def value(self) -> Value:
        word, name = self._next()
        if word == "Record":
            return self._facts.field(name)
        if word == "Permission":
            return self._facts.permission(name)
        if word == "ISCHANGED":
            return self._about_a_field(self._facts.changed)
        return self._function(word, self._arguments())

    def _function(self, word: str, given: list[Value]) -> bool:
        if word == "AND":
            return all(given)
        if word == "OR":
            return any(given)
        if word == "NOT":
            return not given[0]
        if word == "ISBLANK":
            return given[0] in (None, "")
        if word == "ISNEW":
            return self._facts.created
        raise ValueError(f"{word} is a word that this stand-in does not know")

    def _arguments(self) -> list[Value]:
        self._expect("(")
        found: list[Value] = []
        while self.left and self.left[0][0] != ")":
            found.append(self.value())
            if self.left and self.left[0][0] == ",":
                self._next()
        self._expect(")")
        return found

    def _about_a_field(self, ask: Callable[[str], bool]) -> bool:
        self._expect("(")
        _, name = self._next()
        self._expect(")")
        return ask(name)

    def _expect(self, sign: str) -> None:
        if self._next()[0] != sign:
            raise ValueError(f"{sign} is missing")

    def _next(self) -> tuple[str, str]:
        if not self.left:
            raise ValueError("the formula ends too soon")
        return self.left.pop(0)
