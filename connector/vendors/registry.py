"""The table of vendors. A new one is a folder of its name in ``integrations``, ``webhooks`` and here, and one row."""

from __future__ import annotations

from connector.vendors.base import Vendor, Vendors
from connector.vendors.inbound.vendor import VENDOR as INBOUND
from connector.vendors.salesforce.vendor import VENDOR as SALESFORCE
from connector.vendors.smtp.vendor import VENDOR as SMTP
from connector.vendors.zendesk.vendor import VENDOR as ZENDESK


def table(*vendors: Vendor) -> Vendors:
    """Vendors by their kind."""
    return {each.kind: each for each in vendors}


VENDORS = table(ZENDESK, SALESFORCE, INBOUND, SMTP)
