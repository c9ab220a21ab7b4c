"""What people hear when a change of theirs is not made. Nothing was changed.

AccessError
├── FieldError      what was given cannot be used: the field, and a sentence with the remedy
├── BlockedError    it was understood, but cannot be done
└── GoneError       there is no such person, session or address
"""

from __future__ import annotations


def sentence(words: str) -> str:
    """Marks words that pages say in the language of whoever reads them."""
    return words


class AccessError(Exception):
    """``words`` are a whole English sentence without values, so that pages can say it in other languages."""

    def __init__(self, words: str) -> None:
        self.words = words
        super().__init__(words)


class FieldError(AccessError):
    """A value that cannot be used. ``field`` is its name in the form."""

    def __init__(self, field: str, words: str) -> None:
        self.field = field
        super().__init__(words)


class BlockedError(AccessError):
    """Something that the state of things does not allow."""


class GoneError(AccessError):
    """Nobody and nothing has that id."""


LAST_ADMIN = sentence("This is the last admin who can sign in. Make somebody else an admin first.")
