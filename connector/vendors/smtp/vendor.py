"""A mail server, as one row."""

from __future__ import annotations

from connector.vendors.base import Vendor
from integrations.smtp.factory import KIND

VENDOR = Vendor(
    kind="smtp",
    title="the mail server",
    client=KIND,
    address_option="url",
    credentials_remedy="Correct user and password in url.",
)
