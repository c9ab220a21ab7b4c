"""``ringback sandbox``."""

from __future__ import annotations

from contextlib import closing

import click

from connector.cli.common.context import BadInputError
from connector.cli.common.ports import PORT, cannot_be_used
from connector.cli.serve.sockets import bind, why

_HOST = "127.0.0.1"
_PORTS = {"zendesk": 8001, "salesforce": 8002, "mail": 8003, "smtp": 1025}


def _port(name: str, default: int) -> click.Option:
    return click.Option([f"--{name}-port"], default=default, show_default=True, type=PORT)


@click.command(params=[_port(name, default) for name, default in _PORTS.items()])
def sandbox(zendesk_port: int, salesforce_port: int, mail_port: int, smtp_port: int) -> None:
    """Start the stand-ins for Zendesk, Salesforce and a mail box, and say where they are.

    They speak the vendors' formats on this machine only, keep everything in memory, and stop with Ctrl-C.
    Port 0 picks a free one.
    """
    from sandbox.server import run

    given = (zendesk_port, salesforce_port, mail_port, smtp_port)
    for name, port in zip(_PORTS, given, strict=True):
        _expect_free(f"--{name}-port", port)
    run(*given, say=click.echo)


def _expect_free(option: str, port: int) -> None:
    """Looked at before any of them starts: the stand-ins themselves cannot say whose port was taken."""
    try:
        with closing(bind(_HOST, port)):
            return
    except OSError as error:
        raise BadInputError(cannot_be_used(option, f"{_HOST}:{port}", why(error))) from error

