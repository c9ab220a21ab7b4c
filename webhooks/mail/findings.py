"""What a mail that came back says, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why a mail was not delivered, in words that an admin understands."""

    NO_ADDRESS = "the address does not exist"
    NO_DOMAIN = "the domain takes no mail"
    DISABLED = "the mailbox is closed"
    FULL = "the mailbox is full"
    TOO_LARGE = "the mail was too large for it"
    REFUSED = "the other side refuses our mail"
    UNREACHED = "the other side could not be reached in time"
    UNKNOWN = "the other side did not say why"


@dataclass(frozen=True, slots=True)
class Trail:
    """What leads back to the mail that we sent."""

    addresses: tuple[str, ...] = ()
    """Those that the returning mail came to, or the sent one was from; one of them may hold our mark."""
    message_ids: tuple[str, ...] = ()
    """Of the sent mail, without < and >."""


@dataclass(frozen=True, slots=True)
class Bounce:
    """A mail was not delivered, for good as far as its sender is concerned."""

    trail: Trail
    recipient: str
    """Whom the report names; "" when it names nobody. After a forwarding it is not whom we wrote to."""
    hard: bool
    """The address itself is at fault: writing to it again is no use."""
    cause: Cause
    status: str = ""
    """RFC 3463: "5.1.1"; "" when none was told."""
    said: str = ""
    """The other server's own words, on one line."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """Somebody pressed "this is spam", and their provider tells us (RFC 5965)."""

    trail: Trail
    recipient: str
    kind: str
    """Its Feedback-Type: abuse, fraud, opt-out, …"""


@dataclass(frozen=True, slots=True)
class Answer:
    """A person wrote back. ``text`` is theirs alone, without what they quote."""

    trail: Trail
    text: str
    subject: str
    wants_out: bool
    """They ask for no more mail, and ``text`` is what they say beside that."""


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """Read, and nothing follows from it; ``reason`` says why."""

    reason: str


Finding = Bounce | Complaint | Answer | NothingToDo
