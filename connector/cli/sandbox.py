"""``ringback sandbox``."""

from __future__ import annotations

import click

_PORTS = {"zendesk": 8001, "salesforce": 8002, "mail": 8003, "smtp": 1025}


def _port(name: str, default: int) -> click.Option:
    return click.Option([f"--{name}-port"], default=default, show_default=True, type=click.IntRange(0, 65535))


@click.command(params=[_port(name, default) for name, default in _PORTS.items()])
def sandbox(zendesk_port: int, salesforce_port: int, mail_port: int, smtp_port: int) -> None:
    """Start the stand-ins for Zendesk, Salesforce and a mail box, and say where they are.

    They speak the vendors' formats on this machine only, keep everything in memory, and stop with Ctrl-C.
    Port 0 picks a free one.
    """
    from sandbox.server import run

    run(zendesk_port, salesforce_port, mail_port, smtp_port, say=click.echo)

