"""The installation's secret keys: the first seals and signs, all open and verify. So a key can be changed while what
the one before it sealed and signed is still about."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from functools import lru_cache

MARK_LENGTH = 8
"""Characters of a key's mark."""


@dataclass(frozen=True, slots=True)
class SecretKeys:
    """``first`` is the one in use, ``old`` those that came before it and still count, newest first."""

    first: str = field(repr=False)
    old: tuple[str, ...] = field(default=(), repr=False)

    @property
    def every(self) -> tuple[str, ...]:
        """All of them, the first one first, none twice."""
        return tuple(dict.fromkeys((self.first, *self.old)))

    @property
    def mark(self) -> str:
        """The mark of the key in use."""
        return mark_of(self.first)

    @property
    def marks(self) -> tuple[str, ...]:
        return tuple(map(mark_of, self.every))

    def of(self, mark: str) -> str | None:
        """The key with this mark; None when it is none of these."""
        return next((key for key in self.every if mark_of(key) == mark), None)


@lru_cache(maxsize=64)
def mark_of(key: str) -> str:
    """By which a key is named without being told: 32 bits of a MAC, hex. It stands beside what the key sealed, and in
    what people are shown; the key does not follow from it."""
    return hmac.digest(key.encode(), b"ringback key mark", "sha256").hex()[:MARK_LENGTH]
