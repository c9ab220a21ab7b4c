"""The web server: a socket that listens, and uvicorn on it.

It reads requests on an event loop, so that senders who are slow on purpose hold no thread up. What it leaves open, a
head without end in size or time, is bounded here.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from connector.cli.serve.signals import on_stop
from webhooks.asgi import App, Receive, Scope, Send

log = logging.getLogger("ringback")

# Whoever sends what is no HTTP makes it warn; a stranger must not be able to fill our log.
logging.getLogger("uvicorn").setLevel(logging.ERROR)

_WAITING = 1024
"""Connections that the system keeps while nobody takes them."""

_MOST_CONNECTIONS = 2000
_ROOM = 100
"""So many places are kept free: of the connections that say nothing, the longest silent makes room."""

_FIRST_SECONDS = 10
"""How long the first request's head may take: whoever connects has something to say."""

_BETWEEN_LINES = 60.0  # seconds, of lines that say the same
_IDLE_SECONDS = 60
"""How long a connection stays open between two requests, and how long a later request's head may take."""

_HEAD_BYTES = 64_000
_ORDERLY_SECONDS = 8
"""How long requests under way may take to be answered when we stop."""


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
    listening: socket.socket, app: App, address: str, ready: Callable[[], object] = lambda: None
) -> None:
    """Serve until a signal; requests under way are answered first. ``ready`` is called once it serves."""

    def begin() -> None:
        ready()  # first: whoever reads the line below may count on it
        log.info("listening on %s", address)

    server = WebServer(app, begin)
    on_stop(server.leave)
    server.run([listening])


class WebServer(uvicorn.Server):
    """Serves ``app`` until ``leave``; ``begin`` is called when it listens. Signals are the commands' business."""

    def __init__(self, app: App, begin: Callable[[], object] = lambda: None) -> None:
        super().__init__(
            uvicorn.Config(
                app, http=_Bounded, ws="none", lifespan="off", log_config=None, access_log=False, proxy_headers=False,
                server_header=False, backlog=_WAITING,
                timeout_keep_alive=_IDLE_SECONDS, timeout_graceful_shutdown=_ORDERLY_SECONDS,
            )
        )  # fmt: skip
        self._begin = begin

    def leave(self) -> None:
        """End soon; from any thread, or a signal's handler."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._begin()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Crowd:
    """Who says nothing at the moment, the longest silent first, and what was told of it."""

    def __init__(self) -> None:
        self.silent: dict[_Bounded, None] = {}
        self._told_at: float | None = None
        self._closed = self._refused = 0

    def make_room(self, now: float) -> None:
        """Close the connection that has been silent longest."""
        oldest = next(iter(self.silent), None)
        if oldest is not None:
            del self.silent[oldest]
            oldest.transport.close()
            self._closed += 1
            self._tell(now)

    def refuse(self, now: float) -> None:
        """Somebody is sent away."""
        self._refused += 1
        self._tell(now)

    def _tell(self, now: float) -> None:
        if self._told_at is not None and now - self._told_at < _BETWEEN_LINES:
            return
        log.warning(
            "over %d connections: since the last such line %d silent ones were closed, %d requests answered 503",
            _MOST_CONNECTIONS - _ROOM, self._closed, self._refused,
        )  # fmt: skip
        self._told_at, self._closed, self._refused = now, 0, 0


async def _too_busy(_scope: Scope, _receive: Receive, send: Send) -> None:
    body = b"too many requests at once; ask again\n"
    told = {"Content-Type": "text/plain", "Content-Length": str(len(body)), "Retry-After": "10", "Connection": "close"}
    headers = [(name.lower().encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Bounded(HttpToolsProtocol):
    """One connection, whose requests have heads of bounded size that arrive within bounded time."""

    _patience: asyncio.TimerHandle | None = None
    _head_bytes, _is_new = 0, True

    @property
    def _crowd(self) -> _Crowd:
        """All connections of a server share it."""
        state: dict[str, Any] = vars(self.server_state)
        crowd: _Crowd = state.setdefault("crowd", _Crowd())
        return crowd

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > _MOST_CONNECTIONS - _ROOM:
            self._crowd.make_room(self.loop.time())
        self._wait(_FIRST_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if not self._is_new:  # the first head is waited for since the connection was made
            self._arrived()
            self._wait(_IDLE_SECONDS)
        self._is_new = False

    def on_headers_complete(self) -> None:
        self._head_bytes = 0
        self._arrived()
        self.app = self._who_answers()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing() and (self.cycle is None or self.cycle.response_complete):
            self._crowd.silent[self] = None

    def _who_answers(self) -> Any:
        if max(len(self.connections), len(self.tasks)) < _MOST_CONNECTIONS:
            return self.config.loaded_app
        self._crowd.refuse(self.loop.time())
        return _too_busy

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._patience is not None and not self.transport.is_closing():  # the head goes on
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES:
                self.send_400_response("The head of the request is too large.")

    def _wait(self, seconds: float) -> None:
        self._crowd.silent[self] = None
        self._patience = self.loop.call_later(seconds, self.transport.close)

    def _arrived(self) -> None:
        self._crowd.silent.pop(self, None)
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
