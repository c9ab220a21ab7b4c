"""Reading the text of a CEL expression: its tokens, its clauses and the names it speaks of.

The evaluator tells neither where a name stands nor which part of a conjunction was false; history lines, lint and
the lookup of waits need both, so the text is read here, by tokens. Nothing is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

MACROS = frozenset({"all", "exists", "exists_one", "existsOne", "map", "filter"})
_KEYWORDS = frozenset({"true", "false", "null", "in"})
_RELATIONS = frozenset({"!=", "<", ">", "<=", ">=", "in"})
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
      | (?P<text>[rRbB]{0,2}(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
      | (?P<name>[A-Za-z_]\w*)
      | (?P<number>\d[\w.]*)
      | (?P<sign>&&|\|\||[=!<>]=|.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an expression; ``start`` and ``end`` are its place in the text."""

    kind: str  # text, name, number or sign
    text: str
    start: int
    end: int


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[Token, ...]:
    """The expression's tokens, without white space and comments. Never fails: what is odd becomes a sign."""
    return tuple(
        Token(found.lastgroup or "sign", found.group(), found.start(), found.end())
        for found in _TOKEN.finditer(text)
        if found.lastgroup != "space"
    )


def depth(text: str) -> int:
    """How deep its brackets go."""
    deepest = level = 0
    for token in tokens(text):
        level += _change(token)
        deepest = max(deepest, level)
    return deepest


def macros(text: str) -> int:
    """How many list macros (``exists``, ``map``, …) it has."""
    return sum(1 for _ in _macro_places(tokens(text)))


def clauses(text: str, sign: str = "&&") -> tuple[str, ...]:
    """Its parts at the outermost level between ``sign``, without brackets around them.

    A weaker operator at that level (``||`` beside ``&&``, a ternary) makes it one part.
    """
    text = _unwrapped(text)
    outer = _outer(tokens(text))
    if any(token.text in {"?", "||"} - {sign} for token in outer):
        return (text,)
    return tuple(_unwrapped(part) for part in _cut(text, [token for token in outer if token.text == sign]))


@lru_cache(maxsize=4096)
def references(text: str) -> frozenset[str]:
    """The dotted names it reads (``steps.callback.ticket``), without functions and names that macros bind."""
    found = tokens(text)
    bound = {found[place + 2].text for place in _macro_places(found) if place + 2 < len(found)}
    return frozenset(path for path in _paths(found) if path.split(".", 1)[0] not in bound)


@lru_cache(maxsize=4096)
def equality(text: str, name: str) -> str | None:
    """What ``name`` must equal for the condition to hold, as an expression that does not read ``name``'s root.

    >>> equality('event.ticket == steps.callback.ticket && event.status == "solved"', "event.ticket")
    'steps.callback.ticket'
    """
    for clause in clauses(text):
        sides = clauses(clause, "==")
        if len(sides) == 2 and name in sides and not _compares_further(clause):
            other = sides[1 - sides.index(name)]
            if not any(_root(path) == _root(name) for path in references(other)):
                return other
    return None


def _compares_further(clause: str) -> bool:
    """Whether another comparison takes the equality's result as its side: ``a == b in c`` is ``(a == b) in c``."""
    return any(token.text in _RELATIONS for token in _outer(tokens(clause)))


def _root(path: str) -> str:
    return path.split(".", 1)[0]


def _change(token: Token) -> int:
    if token.kind != "sign":
        return 0
    return (token.text in _OPENING) - (token.text in _CLOSING)


def _outer(found: Sequence[Token]) -> list[Token]:
    """The operators that stand outside all brackets."""
    level, outer = 0, []
    for token in found:
        level += _change(token)
        if level == 0 and (token.kind == "sign" or token.text == "in"):
            outer.append(token)
    return outer


def _cut(text: str, at: Sequence[Token]) -> Iterator[str]:
    start = 0
    for token in at:
        yield text[start : token.start].strip()
        start = token.end
    yield text[start:].strip()


def _unwrapped(text: str) -> str:
    text = text.strip()
    while text.startswith("(") and _closes_at_the_end(text):
        text = text[1:-1].strip()
    return text


def _closes_at_the_end(text: str) -> bool:
    """Whether the bracket that opens the text is closed by its last character, and not before."""
    level = 0
    found = tokens(text)
    for token in found:
        level += _change(token)
        if level == 0:
            return token is found[-1] and token.text == ")"
    return False


def _macro_places(found: Sequence[Token]) -> Iterator[int]:
    for place in range(1, len(found) - 1):
        before, token, after = found[place - 1 : place + 2]
        if token.text in MACROS and before.text == "." and after.text == "(":
            yield place


def _paths(found: Sequence[Token]) -> Iterator[str]:
    for place, token in enumerate(found):
        starts = token.kind == "name" and token.text not in _KEYWORDS
        follows_dot = place > 0 and found[place - 1].text == "."
        if starts and not follows_dot and not _opens(found, place + 1):
            yield ".".join((token.text, *_parts(found, place + 1)))


def _parts(found: Sequence[Token], place: int) -> Iterator[str]:
    """The parts that follow a name: ``.part`` and ``["part"]``, up to a method call or a computed index."""
    while place + 1 < len(found):
        sign, part = found[place], found[place + 1]
        if sign.text == "." and part.kind == "name" and not _opens(found, place + 2):
            yield part.text
            place += 2
        elif sign.text == "[" and part.kind == "text" and found[place + 2 : place + 3] and not part.text[0].isalpha():
            yield part.text.strip("\"'")
            place += 3
        else:
            return


def _opens(found: Sequence[Token], place: int) -> bool:
    return place < len(found) and found[place].text == "("
