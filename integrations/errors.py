"""The error classes the engine understands. A vendor's error becomes one of these, once, at the edge.

IntegrationError
├── Transient       nothing happened, it may work later (5xx, refused connection, row lock)
├── RateLimited     nothing happened, not before ``retry_after`` seconds; costs no attempt
├── NotYet          the same for this call alone: the others on its connection need not wait
├── Permanent       nothing happened and trying again will not help; ``code`` is the vendor's word for it
│   └── Moved       the record is not where we saw it: deleted, merged or hidden; looked for again, it may be found
├── Ambiguous       nobody knows whether it happened (connection lost after the request was sent)
└── AuthFailed      our credentials are refused: the connection pauses until someone mends them

OptionsError        a connection's settings cannot be used; nothing was asked of any vendor yet

``reason`` is for people and logs: it never holds personal data or a secret.
"""

# ruff: noqa: N818  # the names say what happened, and read well in "except Ambiguous"
from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar


class IntegrationError(Exception):
    """Anything that went wrong at a vendor's."""

    kind: ClassVar[str] = "permanent"

    def __init__(self, reason: str, *, code: str = "", status: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.code, self.status = reason, code, status
        self.fields: tuple[str, ...] = ()  # the vendor's names of what it complains about
        self.words = ""  # the vendor's own sentence about our settings: for people, and never for logs

    @property
    def whole(self) -> str:
        """The reason with the vendor's own words: for who is to mend it."""
        return f'{self.reason} ("{self.words}")' if self.words else self.reason

    @property
    def is_outage(self) -> bool:
        """Whether it tells of the vendor rather than of this call: nobody answered, or the server itself failed."""
        return False


_NO_VENDOR = frozenset({"no_connection", "lost", "unreadable"})
_SHUTS_DOWN = 421  # SMTP: "service not available, closing transmission channel" (RFC 5321, 4.2.3)


class _PerhapsOutage(IntegrationError):
    @property
    def is_outage(self) -> bool:
        status = self.status or 0
        return self.code in _NO_VENDOR or status >= 500 or status == _SHUTS_DOWN


class Transient(_PerhapsOutage):
    kind = "transient"


class RateLimited(IntegrationError):
    kind = "rate_limited"

    def __init__(self, reason: str, *, retry_after: float | None, code: str = "", status: int | None = 429) -> None:
        super().__init__(reason, code=code, status=status)
        self.retry_after = retry_after  # seconds; None: the vendor did not say
        self.of_kind = False  # it is the limit of this kind of request; others may go on


class NotYet(IntegrationError):
    """The vendor is still at work on a job of ours, or there was no time to begin. ``retry_after`` is in seconds."""

    kind = "rate_limited"

    def __init__(self, reason: str, *, retry_after: float, code: str = "not_yet") -> None:
        super().__init__(reason, code=code)
        self.retry_after = retry_after


class Permanent(IntegrationError):
    kind = "permanent"


class Moved(Permanent):
    """The record was deleted, merged into another or hidden from us since we saw it."""


class Ambiguous(_PerhapsOutage):
    kind = "ambiguous"


class AuthFailed(IntegrationError):
    kind = "auth"


T = TypeVar("T")
Found = Sequence[T] | IntegrationError
"""What one look-up of many found, or the error that it alone met."""


class OptionsError(Exception):
    """Settings that are refused, with all their mistakes ("auth.type: …"), each naming its remedy."""

    def __init__(self, connection: str, mistakes: tuple[str, ...]) -> None:
        self.connection, self.mistakes = connection, mistakes
        lines = "\n".join(f"  {mistake}" for mistake in mistakes)
        super().__init__(f"connection {connection}: {len(mistakes)} mistake{'s' * (len(mistakes) != 1)}\n{lines}")
