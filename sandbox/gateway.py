"""The door of a stand-in: writes down every API request, and lets programmed faults happen."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from waitress.channel import ClientDisconnected

from sandbox.clock import Clock
from sandbox.faults import Effect, Fault, FaultPlan

Start = Callable[..., Any]
KEPT = 20_000  # requests remembered; a soak test must not eat the memory


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One API request. ``status`` is what was answered; 0 when the connection was cut instead.

    ``headers`` has lower-case names. Of the credentials only their kind and a fingerprint are kept.
    """

    at: datetime
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: str
    status: int

    def json(self) -> Any:
        """The body as JSON. Raises ValueError."""
        return json.loads(self.body)


class Gateway:
    """WSGI middleware around ``app``. Paths that begin with one of ``inside`` are people's and tests', not logged."""

    def __init__(self, app: Any, clock: Clock, *, inside: tuple[str, ...] = ("/sandbox", "/static")) -> None:
        self._app, self._clock, self._inside = app, clock, inside
        self.faults = FaultPlan()
        self._seen: deque[SeenRequest] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._closing = threading.Event()

    @property
    def requests(self) -> tuple[SeenRequest, ...]:
        """Every API request so far, oldest first."""
        with self._lock:
            return tuple(self._seen)

    def forget(self) -> None:
        """Empty the log."""
        with self._lock:
            self._seen.clear()

    def release(self) -> None:
        """Let delayed requests go on at once, now and from now on."""
        self._closing.set()

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith(self._inside):
            return self._app(environ, start_response)  # type: ignore[no-any-return]  # WSGI apps are untyped
        body = environ["wsgi.input"].read()
        environ["wsgi.input"] = io.BytesIO(body)
        fault = self.faults.take(environ["REQUEST_METHOD"], path)
        try:
            status, headers, content = self._answer(environ, fault)
        except ClientDisconnected:
            self._note(environ, body, 0)
            raise
        self._note(environ, body, int(status.split()[0]))
        start_response(status, headers)
        return [content]

    def _answer(
        self, environ: dict[str, Any], fault: Fault | None
    ) -> tuple[str, list[tuple[str, str]], bytes]:
        if fault is None:
            return self._run(environ)
        self._closing.wait(fault.delay)
        if fault.effect is Effect.ANSWER:
            return _programmed(fault)
        if fault.effect is Effect.DROP_BEFORE:
            raise ClientDisconnected  # waitress then closes the socket without a byte of answer
        answer = self._run(environ)
        if fault.effect is Effect.COMMIT_THEN_DROP:
            raise ClientDisconnected
        return answer

    def _run(self, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
        head: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], _exc: Any = None) -> None:
            head[:] = [status, headers]

        chunks = self._app(environ, start)
        try:
            content = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        return head[0], head[1], content

    def _note(self, environ: dict[str, Any], body: bytes, status: int) -> None:
        seen = SeenRequest(
            at=self._clock(),
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
            query=environ.get("QUERY_STRING", ""),
            headers=_headers(environ),
            body=body.decode("utf-8", "replace"),
            status=status,
        )
        with self._lock:
            self._seen.append(seen)


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    named = {key[5:].replace("_", "-").lower(): value for key, value in environ.items() if key[:5] == "HTTP_"}
    named["content-type"] = environ.get("CONTENT_TYPE", "")
    if "authorization" in named:
        named["authorization"] = _fingerprint(named["authorization"])
    return named


def _fingerprint(credentials: str) -> str:
    kind, _, secret = credentials.partition(" ")
    return f"{kind} #{hashlib.sha256(secret.encode()).hexdigest()[:8]}"


def _programmed(fault: Fault) -> tuple[str, list[tuple[str, str]], bytes]:
    as_is = isinstance(fault.body, str)
    content = fault.body.encode() if as_is else json.dumps(fault.body).encode()
    kind = "text/html; charset=utf-8" if as_is else "application/json; charset=utf-8"
    headers = {"Content-Type": kind, "Content-Length": str(len(content)), **fault.headers}
    return f"{fault.status} Programmed", list(headers.items()), content
