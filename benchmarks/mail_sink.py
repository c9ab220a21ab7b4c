"""A mail server that takes everything and counts it: the cheapest one that speaks SMTP, in a thread of its own."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

_ID = re.compile(rb"^Message-ID:\s*<([^>]+)>", re.MULTILINE)
_KEPT = 1_000  # every so many, a mail is kept whole
_END = b"\r\n.\r\n"


class MailSink:
    """What came, by Message-ID; ``kept`` are some of them whole, ``envelopes`` all senders there were."""

    def __init__(self) -> None:
        self.ids: Counter[bytes] = Counter()
        self.kept: list[bytes] = []
        self.envelopes: set[bytes] = set()
        self.first = self.last = 0.0
        self.port = 0

    @property
    def count(self) -> int:
        return self.ids.total()

    def take(self, envelope: bytes, content: bytes) -> None:
        found = _ID.search(content)
        self.ids[found[1] if found else b""] += 1
        self.envelopes.add(envelope)
        self.last = time.time()
        self.first = self.first or self.last
        if self.count % _KEPT == 1:
            self.kept.append(content.replace(b"\r\n..", b"\r\n."))


class _Talk(asyncio.Protocol):
    def __init__(self, sink: MailSink) -> None:
        self._sink, self._held, self._in_data, self._envelope = sink, b"", False, b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of a TCP server
        self._transport = transport
        self._say(b"220 sink")

    def data_received(self, data: bytes) -> None:
        self._held += data
        while self._step():
            pass

    def _step(self) -> bool:
        content, sign, rest = self._held.partition(_END if self._in_data else b"\r\n")
        if not sign:
            return False
        self._held = rest
        if self._in_data:
            self._sink.take(self._envelope, content + b"\r\n")
            self._in_data = False
            self._say(b"250 taken")
        else:
            self._obey(content)
        return True

    def _obey(self, line: bytes) -> None:
        verb = line[:4].upper()
        if verb == b"MAIL":
            self._envelope = line
        self._in_data = verb == b"DATA"
        self._say(b"354 go on" if self._in_data else b"250 fine")

    def _say(self, words: bytes) -> None:
        if self._transport is not None:
            self._transport.write(words + b"\r\n")


@contextmanager
def mail_sink() -> Iterator[MailSink]:
    """Listening on loopback until the block ends."""
    sink, loop = MailSink(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    listening = loop.create_server(lambda: _Talk(sink), "127.0.0.1", 0)
    server = asyncio.run_coroutine_threadsafe(listening, loop).result()
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
