"""The little of HTTP/1.1 that both ends of a measurement need: whole messages, kept-alive connections."""

from __future__ import annotations

import asyncio
import re

_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)


class Messages(asyncio.Protocol):
    """Cuts what arrives into messages. All have a Content-Length, or no body."""

    transport: asyncio.Transport | None = None

    def __init__(self) -> None:
        self._arrived = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # asyncio's own promise for TCP
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None

    def data_received(self, data: bytes) -> None:
        self._arrived += data
        while (end := self._end()) is not None:
            whole = bytes(self._arrived[:end])
            del self._arrived[:end]
            head, _, body = whole.partition(b"\r\n\r\n")
            self.message(head, body)

    def _end(self) -> int | None:
        """Where the first message ends, once it is whole."""
        blank = self._arrived.find(b"\r\n\r\n")
        if blank < 0:
            return None
        length = _LENGTH.search(self._arrived, 0, blank + 2)
        end = blank + 4 + (int(length[1]) if length else 0)
        return end if len(self._arrived) >= end else None

    def message(self, head: bytes, body: bytes) -> None:
        """A message is whole."""
        raise NotImplementedError
