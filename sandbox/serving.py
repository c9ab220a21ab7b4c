"""A WSGI app on a port of its own, in threads of its own, until it is closed."""

from __future__ import annotations

import logging
import socket
import threading
from typing import Any

from waitress import wasyncore
from waitress.server import create_server

HOST = "127.0.0.1"

# A stand-in that cuts connections on purpose would fill the log with waitress' surprise about it.
logging.getLogger("waitress").setLevel(logging.ERROR)


class Server:
    """``app`` on 127.0.0.1:``port`` (0: any free port). ``url`` is known at once; ``close`` frees everything."""

    def __init__(self, app: Any, port: int = 0, *, threads: int = 8) -> None:
        # Bound here first: waitress starts its threads before it binds, and a taken port would leave them behind.
        listening = socket.create_server((HOST, port))
        self.port = int(listening.getsockname()[1])
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            app, map=self._sockets, sockets=[listening], threads=threads, clear_untrusted_proxy_headers=True
        )
        self.url = f"http://{HOST}:{self.port}"
        self._stopping, self._waking = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._serve, name=f"sandbox:{self.port}", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._stopping.is_set():
            wasyncore.loop(timeout=1, use_poll=True, map=self._sockets, count=1)
        # Here and not in close(): only this thread may touch the sockets it polls. Requests in hand come first,
        # because a worker that finishes later would wake a loop whose file descriptor is somebody else's by then.
        self._server.task_dispatcher.shutdown(timeout=5)
        with self._waking:
            wasyncore.close_all(self._sockets, ignore_all=True)

    def close(self) -> None:
        """Stop serving: requests in hand are answered, then open connections are cut."""
        self._stopping.set()
        with self._waking:
            if self._sockets:
                self._server.pull_trigger()
        self._thread.join()
