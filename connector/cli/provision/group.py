"""``ringback provision``: set up a vendor's account for Ringback. One module per vendor."""

from __future__ import annotations

import click

from connector.cli.common.lazy import LazyGroup

_COMMANDS = {
    "zendesk": ("provision.zendesk:zendesk", "Webhook, fields, views and macro of a Zendesk account."),
    "salesforce": ("provision.salesforce:salesforce", "Fields, permissions and messages of a Salesforce org."),
}


@click.group(cls=LazyGroup, table=_COMMANDS)
def provision() -> None:
    """Make in a vendor's account what Ringback needs there, look whether it still is as it should be, and mend it.

    A plan comes first; --dry-run ends there. May be run as often as you like: what is there is not made again.
    """
