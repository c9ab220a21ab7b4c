"""``ringback sync``: take in a CRM's contacts, write earlier scores onto its records, and look for what was missed."""

from __future__ import annotations

import click

from connector.cli.common.lazy import LazyGroup

_COMMANDS = {
    "salesforce": ("sync.salesforce:salesforce", "Take in an org's contacts, and write earlier scores onto them."),
    "zendesk": ("sync.zendesk:zendesk", "Look now for what Zendesk did and never told us."),
}


@click.group(cls=LazyGroup, table=_COMMANDS)
def sync() -> None:
    """Bring a system and Ringback to the same state."""
