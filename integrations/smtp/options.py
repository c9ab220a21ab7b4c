"""The settings of a mail server, as they stand in ringback.yaml."""

from __future__ import annotations

from integrations.option_fields import Checked, ConnectionOptions
from integrations.smtp.client import MailServer, parse_sender


class SmtpOptions(ConnectionOptions):
    """The whole of them."""

    url = Checked(MailServer.parse)
    sender = Checked(parse_sender)
