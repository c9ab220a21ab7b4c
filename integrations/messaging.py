"""What can be asked of whoever carries words to people: mail servers now, telephones later; and chat tools of teams.

All methods may raise the errors of ``errors.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


class Alerter(Protocol):
    """Tells a team through their chat tool."""

    def alert(self, targets: Sequence[str], title: str, text: str) -> None: ...
