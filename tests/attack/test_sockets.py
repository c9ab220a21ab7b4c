"""Thousands of connections that say nothing: whoever has something to say is served, or told when to come back."""

from __future__ import annotations

import asyncio
import http.client
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest

from connector.cli.serve import sockets

MOST, ROOM = 40, 10


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "_MOST_CONNECTIONS", MOST)
    monkeypatch.setattr(sockets, "_ROOM", ROOM)


class App:
    """Answers at once; "/held" when it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while scope["path"] == "/held" and not self.let_go.is_set():
            await asyncio.sleep(0.01)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


@contextmanager
def serving(app: App) -> Iterator[int]:
    listening = sockets.bind("127.0.0.1", 0)
    ready = threading.Event()
    server = sockets.WebServer(app, ready.set)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield listening.getsockname()[1]
    finally:
        app.let_go.set()
        server.leave()
        thread.join(10)


def asked(port: int, path: str = "/") -> http.client.HTTPResponse:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer


def test_silent_connections_make_room_for_who_speaks(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with serving(App()) as port, ExitStack() as stack:
        for _ in range(3 * MOST):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        for _ in range(5):
            assert asked(port).status == 200
    lines = [record for record in caplog.records if record.name == "ringback"]
    assert len(lines) == 1
    assert "silent ones" in lines[0].getMessage()


def test_who_is_at_work_is_not_sent_away_and_others_are_told_when_to_come_back() -> None:
    app = App()
    with serving(app) as port, ExitStack() as stack:
        held = []
        for _ in range(MOST):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            connection.sendall(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
            held.append(connection)
        answer = asked(port)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
        app.let_go.set()
        assert [each.recv(12) for each in held[: MOST - 1]] == [b"HTTP/1.1 200"] * (MOST - 1)
