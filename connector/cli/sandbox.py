"""``ringback sandbox``."""

from __future__ import annotations

import click


@click.command()
def sandbox() -> None:
    """Start the stand-ins for Zendesk, Salesforce and a mail box.

    They speak the vendors' formats on this machine only, keep everything in memory, and stop with Ctrl-C.
    """
    from sandbox.server import run

    run()
