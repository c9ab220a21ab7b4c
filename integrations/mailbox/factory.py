"""From the settings of a mailbox to its client."""

from __future__ import annotations

from integrations.kind import Given, Kind, Sharing
from integrations.mailbox.client import ImapMailbox
from integrations.mailbox.options import MailboxAddress, MailboxOptions


def make(given: Given, _sharing: Sharing) -> ImapMailbox:
    """``given`` is what ``MailboxOptions`` read."""
    return ImapMailbox(MailboxAddress.parse(given["url"]), given["folder"], given["move_to"])


KIND = Kind(schema=MailboxOptions, make=make, mailbox=lambda client: client)
