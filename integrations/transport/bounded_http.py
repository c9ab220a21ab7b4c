"""HTTP as it leaves the house: certificates are checked, and of an answer only so much is taken, in so much time.

An answer is untrusted. A few kilobytes of gzip unfold to gigabytes, and a body that drips a byte now and then never
ends although each read is quick. So decoded bytes are counted as they come, and every read ends by the moment at which
the whole answer must have come.
"""

from __future__ import annotations

import http.client
import io
import logging
import socket
import threading
import time
from contextlib import ExitStack
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, ReadTimeoutError

from integrations.transport import tls

# At DEBUG it logs whole paths with their query strings, and with them e-mail addresses and secrets.
logging.getLogger("urllib3").setLevel(logging.INFO)

_PIECE = 65_536  # bytes
_PACKED = 512  # bytes of what is packed: they unfold to half a megabyte at most, and to all of it at once
_SMALL = 262_144
"""Bytes of an answer that any number of calls may read side by side."""

_LARGE = threading.BoundedSemaphore(4)
_MEGABYTE = 1_048_576


@dataclass(frozen=True, slots=True)
class Bound:
    """How much of one answer is taken: decoded bytes, and seconds from the request to the last of them."""

    size: int
    seconds: float


WHOLE_SECONDS = 35.0
"""Connect 5 s, read 30 s. A lease counts on it: when it ends, no request is in flight."""

RECORDS = Bound(16 * _MEGABYTE, WHOLE_SECONDS)
"""A page of records."""

TABLE = Bound(64 * _MEGABYTE, WHOLE_SECONDS)
"""The results of a job, as text."""

TOKEN = Bound(_MEGABYTE // 4, WHOLE_SECONDS)
"""A token, or the reason why there is none."""

NOTICE = Bound(_MEGABYTE, 20.0)
"""What a chat tool says to an alert, and a server to a question for the time."""

_REFUSAL = 65_536
"""Bytes of a refusal: more of its words help nobody, and its status says what to do."""

_ends: ContextVar[float | None] = ContextVar("ends", default=None)
"""When the answer of this thread's request must have come, by ``time.monotonic``."""


class TooMuch(requests.RequestException):
    """The answer is larger than we take."""


class BoundedAdapter(HTTPAdapter):
    """An adapter that repeats nothing and takes no more than its bound."""

    def __init__(self, bound: Bound = NOTICE, **pool: Any) -> None:
        self._bound = bound
        super().__init__(**pool)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """The library would know its own list of authorities alone."""
        super().init_poolmanager(*args, **options, ssl_context=tls.context())
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def send(  # type: ignore[override]  # the library's parameters are passed on
        self, request: requests.PreparedRequest, *, bound: Bound | None = None, **options: Any
    ) -> requests.Response:
        """The whole answer. Raises TooMuch, and what ``requests`` raises."""
        allowed = bound or self._bound
        ends = time.monotonic() + allowed.seconds
        token = _ends.set(ends)
        try:
            response = super().send(request, **{**options, "stream": True, "verify": True})
            _take(response, allowed)
        finally:
            _ends.reset(token)
        return response


def _take(response: requests.Response, bound: Bound) -> None:
    """Read it now, so that its connection is free for the next. A refusal is cut, too long a success refused."""
    refused = response.status_code >= 400
    most = _REFUSAL if refused else bound.size
    kept = bytearray()
    with ExitStack() as place:
        while piece := _piece(response):
            if len(kept) <= _SMALL < len(kept) + len(piece):
                _among_the_large(place)
            kept += piece
            if len(kept) > most:
                response.close()
                if not refused:
                    kept.clear()  # the error holds on to it for as long as somebody looks at that
                    raise TooMuch(f"the answer is larger than {most:,} bytes", response=response)
                del kept[most:]
                break
    response._content, response._content_consumed = bytes(kept), True  # type: ignore[attr-defined]


def _among_the_large(place: ExitStack) -> None:
    """Large answers are read a few at a time: what is enough for one would be too much for all calls at once."""
    ends = _ends.get()
    if not _LARGE.acquire(timeout=None if ends is None else max(0.0, ends - time.monotonic())):
        raise requests.ReadTimeout("other large answers left no time for this one")
    place.callback(_LARGE.release)


def _piece(response: requests.Response) -> bytes:
    """What has come, decoded; errors as the library's own reading has them."""
    most = _PACKED if response.headers.get("Content-Encoding") else _PIECE
    try:
        return bytes(response.raw.read1(most, decode_content=True))
    except ReadTimeoutError as error:
        raise requests.ReadTimeout(error) from error
    except HTTPError as error:
        raise requests.ConnectionError(error) from error


class _Timed(io.RawIOBase):
    """A socket's bytes until a moment."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, ends: float) -> None:
        self._raw, self._sock, self._ends, self._usual = raw, sock, ends, sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self._sock.settimeout(left if self._usual is None else min(left, self._usual))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """An answer whose head, too, must have come in time."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        if (ends := _ends.get()) is not None:
            raw: Any = self.fp.detach()
            self.fp = io.BufferedReader(_Timed(raw, sock, ends))


class _Connection(HTTPConnection):
    response_class = _Answer


class _TlsConnection(HTTPSConnection):
    response_class = _Answer


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def plain_session(bound: Bound = NOTICE) -> requests.Session:
    """A session without credentials that no setting of the machine changes: no proxy, no .netrc."""
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, BoundedAdapter(bound))
    return session
