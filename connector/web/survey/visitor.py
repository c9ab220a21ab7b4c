"""Who comes by, as far as it is noticed: their network, what their program says of itself, and what the page saw.

No cookie and nothing that knows a visitor again: what is noticed here is kept for thirty days beside the invitation
(``who_pressed.traces``) and is about this one link.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import Request

from connector.feedback.surveys.who_pressed.networks import shortened
from connector.feedback.surveys.who_pressed.scanner_agents import is_scanner
from connector.feedback.surveys.who_pressed.traces import Hand, Touched, Trace, read_hand, touch

TRAP_FIELD = "extra"
"""The field of our forms that people do not see: named so that no browser fills it in by itself."""

REPORT_FIELD = "hand"
"""The field into which the page's script writes what it noticed."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """One request's sender. ``trapped``: the field is filled in that people do not see; ``hand`` is None without the
    script's report."""

    network: str
    scanner: bool = False
    trapped: bool = False
    hand: Hand | None = None

    def trace(self, touched: Touched, at: datetime, value: str = "") -> Trace:
        """What they touched, to be kept."""
        return touch(
            touched, self.network, at, value=value, scanner=self.scanner, trapped=self.trapped, hand=self.hand
        )  # fmt: skip


def visitor_of(request: Request) -> Visitor:
    """Read off the request."""
    form: Mapping[str, str] = request.form if request.method == "POST" else {}
    return Visitor(
        network=network_of(request),
        scanner=is_scanner(request.headers.get("User-Agent", "")),
        trapped=bool(form.get(TRAP_FIELD, "").strip()),
        hand=read_hand(form.get(REPORT_FIELD, "")),
    )


def network_of(request: Request) -> str:
    """The network alone, for who found nothing here."""
    return shortened(request.remote_addr)


def is_ahead(request: Request) -> bool:
    """Whether a browser fetches ahead of what its person may never look at: that says nothing about anybody."""
    return "prefetch" in request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
