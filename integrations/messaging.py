"""What can be asked of whoever carries words to people: mail servers now, telephones later; and chat tools of teams.

All methods may raise the errors of ``errors.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

BY_PROGRAM: Mapping[str, str] = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "OOF, AutoReply"}
"""On everything that leaves by mail: keeps absences and other programs from answering (RFC 3834, section 5; Microsoft's
MS-OXCMAIL, X-Auto-Response-Suppress). Reports of what could not be delivered are wanted, and not suppressed."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A whole e-mail, ready to go. ``headers`` holds List-Unsubscribe and the like.

    What makes a repeat the same mail: ``key``, which becomes its Message-ID; ``date``, aware, None for the moment when
    it leaves; ``mark``, by which its envelope is known again when it comes back (``mail.verp``). ``sender`` as
    "Acme <feedback@acme.example>" is a brand's own; "" is the connection's.
    """

    to: str
    subject: str
    text: str
    html: str = ""
    headers: Mapping[str, str] | None = None
    to_name: str = ""
    sender: str = ""
    key: str = ""
    mark: str = ""
    date: datetime | None = None


class Messenger(Protocol):
    """E-mail now; SMS and chat later."""

    def send(self, mail: Mail) -> None:
        """Hand the mail over. Ambiguous when the connection broke after the content was sent."""
        ...

    def greet(self) -> None:
        """Connect, log in and hang up: whether mail could be handed over."""
        ...


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail in a mailbox of ours. ``place`` is where it lies, in an order that only grows; ``is_whole`` is false for
    one that was too large to be fetched to its end."""

    place: str
    raw: bytes
    is_whole: bool = True


class MailboxLook(Protocol):
    """A mailbox that is open."""

    def after(self, place: str, most: int) -> Sequence[Arrived]:
        """The oldest mails behind a place; "" is before the first. Reading changes nothing."""
        ...

    def put_away(self, place: str) -> None:
        """All up to the place is kept; doing it again is harmless."""
        ...


class Mailbox(Protocol):
    """A mailbox that is read for us: what comes back of our mail, and what people answer."""

    def look(self) -> AbstractContextManager[MailboxLook]:
        """Open it for one look."""
        ...

    def greet(self) -> None:
        """Log in, open the folder and hang up: whether it could be read."""
        ...


class Alerter(Protocol):
    """Tells a team through their chat tool."""

    def alert(self, targets: Sequence[str], title: str, text: str) -> None: ...
