"""The table of vendors. A new one is a folder of its name in ``integrations``, ``webhooks`` and here, and one row.

A vendor whose account we set up, or whose history we take in, also gets a command in ``cli/provision`` or ``cli/sync``;
and its folders belong into the contracts of ``setup.cfg`` that keep vendors apart.
"""

from __future__ import annotations

from connector.vendors.base import Vendor, Vendors
from connector.vendors.inbound.vendor import VENDOR as INBOUND
from connector.vendors.mailbox.vendor import VENDOR as MAILBOX
from connector.vendors.mailgun.vendor import VENDOR as MAILGUN
from connector.vendors.salesforce.vendor import VENDOR as SALESFORCE
from connector.vendors.ses.vendor import VENDOR as SES
from connector.vendors.smtp.vendor import VENDOR as SMTP
from connector.vendors.zendesk.vendor import VENDOR as ZENDESK


def table(*vendors: Vendor) -> Vendors:
    """Vendors by their kind."""
    return {each.kind: each for each in vendors}


VENDORS = table(ZENDESK, SALESFORCE, INBOUND, SMTP, MAILBOX, SES, MAILGUN)
