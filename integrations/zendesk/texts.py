"""Texts as Zendesk takes them: placeholders made harmless, HTML escaped, and long ones in pages. Pure.

Sources: Zendesk's Support API, "Ticket comments" (64 kB, HTML), "Placeholders in agents' comments".
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator

TEXT_LIMIT = 65_535  # bytes; Zendesk cuts longer comments without a word

_PLACEHOLDER = re.compile(r"\{(?=[{%])")
_ESCAPED = {"&": 5, "<": 4, ">": 4, "\n": 4}  # bytes of &amp; &lt; &gt; <br>
_LOOK_BACK = 2000  # characters; a page ends at a line or a word if there is one so near its end
_JOINERS = "\u200d\ufe0e\ufe0f"  # what glues an emoji together, and how it is shown


def defused(text: str) -> str:
    """Text that Zendesk shows as it is.

    Zendesk expands ``{{ticket.…}}``, ``{{dc.…}}`` and ``{% … %}`` in what agents write, and to Zendesk we are an
    agent: a customer who writes a placeholder could read other fields. A zero-width space between the two
    characters is invisible and, unlike an HTML entity, still there when Zendesk looks for placeholders.
    """
    return _PLACEHOLDER.sub("{\u200b", text)


def rich(text: str) -> str:
    """Plain text as ``html_body``. Zendesk strips everything like a tag from a plain ``body``: "a <b" would go."""
    return html.escape(defused(text), quote=False).replace("\r\n", "\n").replace("\n", "<br>")


def pages(text: str, limit: int = TEXT_LIMIT) -> tuple[str, ...]:
    """The text in pieces that are comments of at most ``limit`` bytes each; together they are the text, whole.

    A piece ends with a line or a word where one ends near, never within a character that people see as one.
    """
    whole = text.replace("\r\n", "\n")
    if len(rich(whole).encode("utf-8", "surrogatepass")) <= limit:  # nearly all: no need to look at every character
        return (whole,)
    return tuple(_pieces(whole, limit))


def _pieces(text: str, limit: int) -> Iterator[str]:
    start = 0
    while (end := _fitting(text, start, limit)) < len(text):
        end = _good_end(text, start, end)
        yield text[start:end]
        start = end
    yield text[start:]


def _fitting(text: str, start: int, limit: int) -> int:
    """Where the longest piece from ``start`` ends that fits into ``limit`` bytes."""
    left = limit
    for place in range(start, len(text)):
        left -= _size(text, place)
        if left < 0:
            return place
    return len(text)


def _size(text: str, place: int) -> int:
    """Bytes that this character takes in ``rich``."""
    character = text[place]
    spaced = 3 if character == "{" and text[place + 1 : place + 2] in ("{", "%") else 0
    return spaced + (_ESCAPED.get(character) or len(character.encode("utf-8", "surrogatepass")))


def _good_end(text: str, start: int, end: int) -> int:
    earliest = max(start + 1, end - _LOOK_BACK)
    for sign in ("\n", " "):
        found = text.rfind(sign, earliest, end)
        if found >= 0:
            return found + 1
    return next((place for place in range(end, earliest, -1) if not _belongs_to_the_one_before(text, place)), end)


def _belongs_to_the_one_before(text: str, place: int) -> bool:
    """An accent, a skin colour, or the next person of a family emoji: alone it would be something else."""
    character, before = text[place], text[place - 1]
    modifies = unicodedata.combining(character) or character in _JOINERS or "\U0001f3fb" <= character <= "\U0001f3ff"
    return bool(modifies) or before == "\u200d" or (before == "{" and character in "{%")
