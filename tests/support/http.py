"""A small web server for tests: it keeps every request and answers as the test told it to."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Seen:
    """A request as it arrived; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> Mapping[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An answer. ``drop`` closes the connection in place of answering; ``hold`` waits for the event first."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False
    hold: threading.Event | None = None


def answer(status: int = 200, body: Any = None, **headers: str) -> Reply:
    """A JSON answer; ``retry_after="1"`` becomes the header Retry-After."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps({} if body is None else body).encode(), names)


Responder = Callable[[Seen], Reply]


class Server(ThreadingHTTPServer):
    """The server itself: ``replies`` are given in turn, then ``responder`` answers."""

    daemon_threads = True

    def __init__(self, responder: Responder) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.responder = responder
        self.replies: list[Reply] = []
        self.requests: list[Seen] = []
        self.connections = 0
        self._open: set[socket.socket] = set()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.lock:
            self.connections += 1
            self._open.add(request)
        super().process_request(request, client_address)

    def close_connections(self) -> None:
        """Clients keep connections open; their threads must not outlive the test."""
        with self.lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # closed already

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is part of some tests; any other trouble of the server is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def next_reply(self, seen: Seen) -> Reply:
        with self.lock:
            self.requests.append(seen)
            if self.replies:
                return self.replies.pop(0)
        return self.responder(seen)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.next_reply(Seen(self.command, self.path, headers, self.rfile.read(length)))
        if reply.hold is not None:
            reply.hold.wait(30)
        if reply.drop:
            self.close_connection = True
            return
        self.send_response_only(reply.status)  # without a Date of its own beside the test's
        defaults = {"Content-Type": "application/json", "Content-Length": str(len(reply.body))}
        for name, value in {**defaults, **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  # the library looks them up by name

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the library's own name
        """Tests speak for themselves."""


@contextmanager
def serving(responder: Responder = lambda seen: answer()) -> Iterator[Server]:
    """A server on a free port of the loopback."""
    server = Server(responder)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.close_connections()
        server.server_close()
