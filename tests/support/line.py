"""A line to a server that a test can cut: new connections are refused, and those there are end in the middle."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import make_url

_CHUNK = 65536


class Line:
    """Hands on what comes to ``port``, both ways, until it is cut; ``mend`` lets it again. ``target`` may change."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        self._listening = self._listen(0)
        self.port: int = self._listening.getsockname()[1]

    def cut(self) -> None:
        _shut(self._listening)
        with self._guard:
            for each in self._open:
                _shut(each)
            self._open.clear()

    def mend(self) -> None:
        self._listening = self._listen(self.port)

    def _listen(self, port: int) -> socket.socket:
        listening = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=[listening], daemon=True).start()
        return listening

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listening.accept()
                threading.Thread(target=self._carry, args=[near], daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        with suppress(OSError, ValueError), near, socket.create_connection(self.target) as far:
            with self._guard:
                self._open |= {near, far}
            _hand_on(near, far)  # ValueError: a socket was closed while it was waited for


def _hand_on(near: socket.socket, far: socket.socket) -> None:
    other = {near: far, far: near}
    while True:
        for ready in select.select(list(other), [], [])[0]:
            if not (some := ready.recv(_CHUNK)):
                return
            other[ready].sendall(some)


def _shut(each: socket.socket) -> None:
    """Not closed here: a thread may wait on it, and wakes by this."""
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@contextmanager
def line_to(url: str) -> Iterator[tuple[Line, str]]:
    """→ a line to the database, and its address by way of the line."""
    target = make_url(url)
    line = Line(target.host or "127.0.0.1", target.port or 5432)
    try:
        yield line, target.set(host="127.0.0.1", port=line.port).render_as_string(hide_password=False)
    finally:
        line.cut()
