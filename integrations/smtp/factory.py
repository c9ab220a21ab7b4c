"""From the settings of a mail server to its client."""

from __future__ import annotations

from integrations import mailboxes
from integrations.kind import Given, Kind, Sharing
from integrations.smtp.client import Postal, SmtpMessenger
from integrations.smtp.options import SmtpOptions


def make(given: Given, _sharing: Sharing) -> SmtpMessenger:
    """``given`` is what ``SmtpOptions`` read."""
    postal = Postal(
        bounce_address=mailboxes.tidy(given.get("bounce_address", "")),
        unsubscribe_address=mailboxes.tidy(given.get("unsubscribe_address", "")),
        keys=given.get("dkim", ()),
    )
    return SmtpMessenger(given["url"], given["sender"], postal)


KIND = Kind(schema=SmtpOptions, make=make, messenger=lambda client: client)
