"""What can go wrong at a provider's.

ProviderError
├── ProviderAwayError   it does not answer as a provider does; later it may
└── NotProvedError      what came is not what this provider said to us, now: nobody is signed in by it

``reason`` is for logs: it holds no name and no secret.
"""

from __future__ import annotations


class ProviderError(Exception):
    """Nobody was signed in."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProviderAwayError(ProviderError):
    """No answer, or none that can be read."""


class NotProvedError(ProviderError):
    """A token, a state or a code that is not right."""
