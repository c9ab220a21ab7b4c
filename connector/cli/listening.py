"""The web server: a socket that listens, and waitress on it.

Waitress reads a request whole before a thread sees it, so that senders who are slow on purpose hold no thread up.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from typing import Any

from flask import Flask
from waitress.server import create_server

from connector.cli.signals import on_stop

log = logging.getLogger("ringback")

logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns of every request that waits for a thread

THREADS = 32
_WAITING = 1024
"""Connections that the system keeps while nobody takes them."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 picks a free one. Raises OSError, see ``why``."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except UnicodeError as error:
        raise OSError(f"{host!r} is no host name") from error
    return socket.create_server(address, family=family, backlog=_WAITING)


def why(error: OSError) -> str:
    """The system's own words, without the address that Python adds to them."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)


def address_of(listening: socket.socket, host: str) -> str:
    """The address as people write it, with the ``host`` they chose."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}"


def serve_on(
    listening: socket.socket, app: Flask, address: str, ready: Callable[[], object] = lambda: None
) -> None:
    """Serve until a signal; requests under way are answered first. ``ready`` is called once it serves."""
    server = server_on(listening, app)
    on_stop(_leave)
    log.info("listening on %s", address)
    ready()
    try:
        server.run()
    finally:
        server.close()


def server_on(listening: socket.socket, app: Flask, connections: dict[int, Any] | None = None) -> Any:
    """A server whose ``run`` lasts until SystemExit. ``connections`` gets what is open."""
    return create_server(
        app, map=connections, sockets=[listening], threads=THREADS, connection_limit=2000, ident=None,
        max_request_body_size=5_000_000, clear_untrusted_proxy_headers=True, channel_timeout=60,
    )  # fmt: skip


def _leave() -> None:
    raise SystemExit(0)
