"""Words of strangers made fit to stand in mails, tickets and records. Pure."""

from __future__ import annotations

import re

_SPACE = re.compile(r"\s+")


def one_line(text: str) -> str:
    """The text on one line: a line end in a header would begin another header."""
    return _SPACE.sub(" ", text).strip()


def shortened(text: str, limit: int) -> str:
    """At most ``limit`` characters, whole words where that leaves any."""
    if len(text) <= limit:
        return text
    return text[: limit + 1].rpartition(" ")[0].rstrip() or text[:limit]


def plain(text: str) -> str:
    """The text without control characters and outer space, with one kind of line end.

    Direction overrides go as well: they can make a comment show other words than it holds.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", lines).strip()


def visible(text: str) -> str:
    """The text with signs in place of what nobody sees: control characters, and what turns the direction of writing. So
    nothing that a stranger wrote reads other than it is."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub(lambda found: _sign(found[0]), lines)


def _sign(letter: str) -> str:
    code = ord(letter)
    if code < 0x20:
        return chr(0x2400 + code)  # Unicode's pictures of control characters
    return "\u2421" if code == 0x7F else f"[U+{code:04X}]"


_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
"""Unicode's categories Cc and Cs without tab and line end, and what turns the direction of writing."""
