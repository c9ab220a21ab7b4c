"""A WSGI app that is made by its first request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class LateApp:
    """``make()`` is called once, by whichever request comes first. Most of those who start a world speak to one of its
    vendors, and an app of a hundred routes takes longer to make than to ask."""

    def __init__(self, make: Callable[[], WsgiApp]) -> None:
        self._make, self._lock = make, threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with self._lock:
            app = self._app
        return app(environ, start_response)

    @cached_property
    def _app(self) -> WsgiApp:
        return self._make()
