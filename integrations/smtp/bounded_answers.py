"""Answers of a mail server, bounded. The library takes as many lines as come, and waits anew for every byte: a server
without an end, or one that sends a byte a minute, would hold a thread and fill its memory for days."""

from __future__ import annotations

import smtplib
import socket
import time

MOST_BYTES = 64 * 1024
"""Of one answer. Servers say a few hundred; RFC 5321 (4.5.3.1.5) lets a line have 512."""


class _Answer:
    """What comes over the line, as the library reads it: line by line."""

    def __init__(self, line: socket.socket, seconds: float) -> None:
        self._line, self._seconds = line, seconds
        self._buffer, self._read, self._until = b"", 0, 0.0

    def begin(self) -> None:
        """The next answer has its bytes and its seconds."""
        self._read, self._until = 0, time.monotonic() + self._seconds

    def readline(self, most: int) -> bytes:
        """A line, or what came before the other side hung up. Raises OSError when the answer has no end."""
        while b"\n" not in self._buffer[:most] and len(self._buffer) < most and (some := self._more()):
            self._buffer += some
        end = self._buffer.find(b"\n", 0, most) + 1
        if not end and len(self._buffer) >= most:
            raise OSError("a line of the mail server's answer has no end")
        end = end or len(self._buffer)
        line, self._buffer = self._buffer[:end], self._buffer[end:]
        return line

    def _more(self) -> bytes:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the mail server's answer took too long")
        self._line.settimeout(left)
        try:
            some = self._line.recv(4096)
        finally:
            self._line.settimeout(self._seconds)
        self._read += len(some)
        if self._read > MOST_BYTES:
            raise OSError(f"the mail server's answer is over {MOST_BYTES // 1024} kB")
        return some

    def close(self) -> None:
        """The line is its owner's to close."""


class BoundedSmtp(smtplib.SMTP):
    """The library's client. One answer has ``MOST_BYTES``, and the client's time-out from first to last byte."""

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Answer(self.sock, float(self.timeout))
        if isinstance(self.file, _Answer):
            self.file.begin()
        return super().getreply()


class BoundedSmtpSsl(BoundedSmtp, smtplib.SMTP_SSL):
    """The same, by TLS from the first byte."""
