"""What hostile messages cost us: time and memory until each is refused, at the door of a real server.

    python -m benchmarks.hostile

Entity bombs, external entities, deep nesting and 50 MB bodies are sent as outbound messages with the right token, which
is the worst case: without it the body is not even read.
"""

from __future__ import annotations

import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from connector.cli.serve.sockets import WebServer, bind
from webhooks.asgi import AsgiApp, Receive, Scope, Send
from webhooks.delivery import Account, Delivery
from webhooks.receiver import Receiver

ACCOUNT = Account("salesforce", "salesforce", options={"webhook_token": "secret"})
TARGET = "/webhooks/salesforce/secret"

_BOMB = (b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
         + b"".join(b'<!ENTITY b%d "%s">' % (n, b"&a;" * 10) for n in range(9)) + b"]><b>&b8;</b>")  # fmt: skip
_STEAL = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY s SYSTEM "file:///etc/hostname">]><x>&s;</x>'

_ENVELOPE = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'

MESSAGES = {
    "entity bomb": _BOMB,
    "external entity": _STEAL,
    "deep nesting, 4 MB": b"<x>" * 1_300_000,
    "wide, 4 MB": b"<x>" + b"<y/>" * 990_000 + b"</x>",
    "wide in an envelope": _ENVELOPE + b"<y/>" * 990_000,
    "50 MB, announced": b"x" * 50_000_000,
}


def main() -> None:
    """Print a line for each message."""
    with _server() as port:
        _send(port, b"<x/>")  # what is loaded at the first request is not the message's cost
        for name, body in MESSAGES.items():
            status, milliseconds, most = _measured(port, body)
            print(f"{name:22} answered {status}  in {milliseconds:7.1f} ms, {most / 1e6:6.1f} MB at most")


def _measured(port: int, body: bytes) -> tuple[int, float, int]:
    tracemalloc.start()
    status = _send(port, body)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    begun = time.perf_counter()
    _send(port, body)
    return status, (time.perf_counter() - begun) * 1000, most


def _send(port: int, body: bytes) -> int:
    """→ the status. The server may hang up while we still send: it has answered then."""
    head = f"POST {TARGET} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as line:
        try:
            line.sendall(head.encode())
            line.sendall(body)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return int(line.recv(200).split(b" ")[1])


@contextmanager
def _server() -> Iterator[int]:
    receiver = Receiver({"salesforce": ACCOUNT}.get, lambda: datetime.now(UTC))
    begun, listening = threading.Event(), bind("127.0.0.1", 0)
    server = WebServer(AsgiApp(receiver, _keep, lambda _connection, _status, _error: None, _no_pages), begun.set)
    serving = threading.Thread(target=server.run, args=([listening],))
    serving.start()
    begun.wait()
    yield listening.getsockname()[1]
    server.leave()
    serving.join()


async def _keep(_delivery: Delivery, _reason: str) -> bool:
    return True


async def _no_pages(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise AssertionError("there are only webhooks here")


if __name__ == "__main__":
    main()
