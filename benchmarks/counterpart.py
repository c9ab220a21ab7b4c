"""Both vendors in one fast process: answers after a set latency, refuses nothing, counts what it was asked.

An effect counts when its request has been read whole, before the latency: a caller killed while it waits has
still had its effect. An answer is known by its number, part of the ticket's text and of the contact's id.

    python -m benchmarks.counterpart --port 6300 --latency-ms 50

GET /counts and GET /effects say what happened.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from benchmarks.wire import Messages

ANSWER = re.compile(rb"answer-(\d{7})")
CONTACT = re.compile(rb"003bench(\d{7})")
_KEY = re.compile(rb"\r\nidempotency-key:\s*([^\r]+)", re.IGNORECASE)

Times = dict[int, list[float]]


class Book:
    """What was asked for: moments (Unix seconds) per answer."""

    def __init__(self) -> None:
        self.tickets: Times = defaultdict(list)
        self.scores: Times = defaultdict(list)
        self.requests = 0
        self.orphaned = 0  # requests whose caller was gone before it was answered
        self._by_key: dict[bytes, bytes] = {}

    def open_ticket(self, head: bytes, body: bytes) -> bytes:
        """A ticket; one that repeats an idempotency key is answered from memory and not counted."""
        key = _KEY.search(head)
        known = self._by_key.get(key[1]) if key else None
        if known is not None:
            return known
        number = sum(map(len, self.tickets.values())) + 1
        if found := ANSWER.search(body):
            self.tickets[int(found[1])].append(time.time())
        answer = json.dumps(
            {"ticket": {"id": number, "status": "new"}, "audit": {"ticket_id": number}}
        ).encode()
        if key:
            self._by_key[key[1]] = answer
        return answer

    def write_scores(self, body: bytes) -> bytes:
        """A collection of records, each counted on its own."""
        numbers = [int(number) for number in CONTACT.findall(body)]
        for number in numbers:
            self.scores[number].append(time.time())
        done = [{"id": f"003bench{number:07}", "success": True, "errors": []} for number in numbers]
        return json.dumps(done).encode()

    def counts(self) -> bytes:
        seen = {"tickets": len(self.tickets), "scores": len(self.scores), "requests": self.requests,
                "orphaned": self.orphaned}  # fmt: skip
        return json.dumps(seen).encode()

    def effects(self) -> bytes:
        return json.dumps({"tickets": self.tickets, "scores": self.scores}).encode()


_TOKEN = b'{"access_token": "t", "token_type": "Bearer", "scope": "read write", "instance_url": "http://127.0.0.1"}'
_ME = b'{"user": {"id": 7, "name": "Ringback"}, "user_id": "005bench0000007"}'


_NOBODY = b'{"users": [], "count": 0, "next_page": null}'


def answer(book: Book, head: bytes, body: bytes) -> bytes:
    """The body of the reply; its status is always 200."""
    method, target, _ = head.split(b"\r\n", 1)[0].split(b" ", 2)
    if method == b"POST" and target.startswith(b"/api/v2/tickets"):
        return book.open_ticket(head, body)
    if method == b"PATCH":
        return book.write_scores(body)
    if method == b"GET" and b"/users/search" in target:
        return _NOBODY
    return _TOKEN if target.endswith((b"/token", b"/tokens")) else _ME


class Counterpart(Messages):
    """One connection of the product."""

    def __init__(self, book: Book, latency: float) -> None:
        super().__init__()
        self._book, self._latency, self._waiting = book, latency, 0

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._book.orphaned += self._waiting

    def message(self, head: bytes, body: bytes) -> None:
        if head.startswith((b"GET /counts", b"GET /effects")):
            self._send(self._book.counts() if b"/counts" in head else self._book.effects())
            return
        self._book.requests += 1
        self._waiting += 1
        reply = answer(self._book, head, body)
        if self._latency:
            asyncio.get_running_loop().call_later(self._latency, self._reply, reply)
        else:
            self._reply(reply)

    def _reply(self, body: bytes) -> None:
        self._waiting -= 1
        self._send(body)

    def _send(self, body: bytes) -> None:
        if self.transport is not None:
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(
                body
            )
            self.transport.write(head + body)


async def serve(port: int, latency: float) -> None:
    """Until the process ends."""
    book = Book()
    make: Callable[[], Any] = lambda: Counterpart(book, latency)  # noqa: E731  # asyncio wants a factory
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", port, backlog=1024)
    print(f"counterpart on http://127.0.0.1:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Both vendors in one fast process.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--latency-ms", type=float, default=0)
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.latency_ms / 1000))
