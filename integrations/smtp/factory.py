"""From the settings of a mail server to its client."""

from __future__ import annotations

from integrations.kind import Given, Kind, Sharing
from integrations.smtp.client import SmtpMessenger
from integrations.smtp.options import SmtpOptions


def make(given: Given, _sharing: Sharing) -> SmtpMessenger:
    """``given`` is what ``SmtpOptions`` read."""
    return SmtpMessenger(given["url"], given["sender"])


KIND = Kind(schema=SmtpOptions, make=make, messenger=lambda client: client)
