"""``--metrics-port``: a process's figures on a port of their own, for processes without a web side."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from prometheus_client import CollectorRegistry, start_http_server

from connector.cli.common.ports import PORT, cannot_be_used
from connector.cli.serve.sockets import why

log = logging.getLogger("ringback")

_OPTIONS = (
    click.option(
        "--metrics-host", default="127.0.0.1", show_default=True, help="The address for --metrics-port."
    ),
    click.option(
        "--metrics-port", type=PORT, help="Show Prometheus figures on this port, to everybody who reaches it."
    ),
)


def shows_metrics(command: Any) -> Any:
    """Give a command the options ``metrics_host`` and ``metrics_port``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@contextmanager
def exposed(registry: CollectorRegistry, host: str, port: int | None) -> Iterator[None]:
    """Serve the registry at ``http://host:port/metrics`` while the block runs; 0 picks a free port, None
    serves nothing."""
    if port is None:
        yield
        return
    server, thread = _started(registry, host, port)
    log.info("metrics at http://%s:%s/metrics", host, server.server_port)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _started(registry: CollectorRegistry, host: str, port: int) -> Any:
    try:
        return start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        raise click.ClickException(cannot_be_used("--metrics-port", f"{host}:{port}", why(error))) from error
