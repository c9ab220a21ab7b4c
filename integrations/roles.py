"""What a vendor is to us. Features ask for a role; they never ask which vendor it is."""

from __future__ import annotations

from enum import Enum


class Role(Enum):
    """``TICKETS`` has who opens tickets for callbacks, whether it is a helpdesk or a CRM with cases."""

    HELPDESK = "a helpdesk"
    TICKETS = "a place for tickets"
    CRM = "a CRM"
    SALES = "a CRM of sellers"
    MESSENGER = "a messenger"
    MAILBOX = "a mailbox"
