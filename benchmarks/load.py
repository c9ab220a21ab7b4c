"""The sender: signed survey answers over many connections, each waiting for its reply before the next."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from benchmarks.wire import Messages

SECRET = b"the secret of the benchmark"
CONNECTION = "survey-platform"
_COMMENTS = ("The line was busy all day.", "Kind and quick, thank you.", "It works again, for now.")
_PATIENCE = 30.0  # seconds that a reply may take
_PAUSE = 0.1  # seconds before what was not accepted is sent again
_TIERS = ("starter", "business", "enterprise")


def answer(number: int) -> dict[str, Any]:
    """The answer of this number: about 48 % are of detractors who may be called."""
    return {
        "response_id": f"answer-{number:07}",
        "survey": "after-support",
        "metric": "nps",
        "score": number * 5 % 11,
        "comment": _COMMENTS[number % 3],
        "contact_consent": number % 4 != 3,
        "answered_at": "2026-11-22T09:30:00Z",
        "customer": {
            "email": f"customer{number}@example.com",
            "name": f"Customer {number}",
            "phone": "+31207654321",
            "salesforce_contact_id": f"003bench{number:07}",
        },
        "context": {"ticket_id": str(700000 + number), "account_tier": _TIERS[number % 3]},
    }


def wants_call(number: int) -> bool:
    """Whether this answer must open a ticket."""
    given = answer(number)
    return bool(given["score"] <= 6 and given["contact_consent"])


def request(host: str, number: int) -> bytes:
    """The whole signed request (Standard Webhooks)."""
    data = answer(number)
    id_, stamp = data["response_id"], str(int(time.time()))
    body = json.dumps(
        {"type": "survey.answered", "id": id_, "time": data["answered_at"], "data": data}
    ).encode()
    mac = hmac.new(SECRET, f"{id_}.{stamp}.".encode() + body, hashlib.sha256).digest()
    head = (
        f"POST /webhooks/{CONNECTION} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nwebhook-id: {id_}\r\nwebhook-timestamp: {stamp}\r\n"
        f"webhook-signature: v1,{base64.b64encode(mac).decode()}\r\n\r\n"
    )
    return head.encode() + body


@dataclass
class Sent:
    """What the sender saw: moments in Unix seconds, latencies in seconds, by answer."""

    began: float = 0.0
    ended: float = 0.0
    at: dict[int, float] = field(default_factory=dict)
    accepted: dict[int, float] = field(default_factory=dict)
    refused: list[int] = field(default_factory=list)


class _Line(Messages):
    """One connection."""

    def __init__(self) -> None:
        super().__init__()
        self._reply: asyncio.Future[int] | None = None

    async def ask(self, whole: bytes) -> int:
        """Send a request; → the status of its answer."""
        assert self.transport is not None  # noqa: S101  # it was just connected, and a lost one ends the measurement
        self._reply = asyncio.get_running_loop().create_future()
        self.transport.write(whole)
        return await self._reply

    def message(self, head: bytes, body: bytes) -> None:
        if self._reply is not None:
            self._reply.set_result(int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(ConnectionError("the product closed the connection"))


async def send(port: int, count: int, connections: int) -> Sent:
    """Send ``count`` answers over ``connections`` connections."""
    sent, numbers = Sent(began=time.time()), iter(range(count))
    await asyncio.gather(*(_one(port, numbers, sent) for _ in range(connections)))
    sent.ended = time.time()
    return sent


async def _one(port: int, numbers: Iterator[int], sent: Sent) -> None:
    _, line = await asyncio.get_running_loop().create_connection(_Line, "127.0.0.1", port)
    for number in numbers:
        sent.at[number] = time.time()
        status = await line.ask(request(f"127.0.0.1:{port}", number))
        if 200 <= status < 300:
            sent.accepted[number] = time.time() - sent.at[number]
        else:
            sent.refused.append(status)
    if line.transport is not None:
        line.transport.close()


async def keep_to(rate: float, port: int, count: int) -> Sent:
    """Send ``count`` answers at ``rate`` a second, whether or not those before have been accepted; latencies count
    from the moment an answer was due."""
    sent, free = Sent(began=time.time()), list[_Line]()
    await asyncio.gather(*(_on_time(port, number, number / rate, sent, free) for number in range(count)))
    sent.ended = time.time()
    for line in free:
        if line.transport is not None:
            line.transport.close()
    return sent


async def _on_time(port: int, number: int, due: float, sent: Sent, free: list[_Line]) -> None:
    sent.at[number] = sent.began + due
    await asyncio.sleep(max(0.0, sent.at[number] - time.time()))
    if not free:
        free.append((await asyncio.get_running_loop().create_connection(_Line, "127.0.0.1", port))[1])
    line = free.pop()
    status = await line.ask(request(f"127.0.0.1:{port}", number))
    if 200 <= status < 300:
        sent.accepted[number] = time.time() - sent.at[number]
    else:
        sent.refused.append(status)
    free.append(line)


async def send_all(port: int, count: int, connections: int) -> Sent:
    """Send ``count`` answers, each again and again until it is accepted."""
    sent, numbers = Sent(began=time.time()), iter(range(count))
    await asyncio.gather(*(_all_of(port, numbers, sent) for _ in range(connections)))
    sent.ended = time.time()
    return sent


async def _all_of(port: int, numbers: Iterator[int], sent: Sent) -> None:
    line = None
    for number in numbers:
        sent.at[number] = time.time()
        while number not in sent.accepted:
            line = await _try(port, number, sent, line)
    if line is not None and line.transport is not None:
        line.transport.close()


async def insist(port: int, connections: int, rate: float, is_over: Callable[[], bool]) -> Sent:
    """Send about ``rate`` answers a second until it is over, each again and again until it is accepted."""
    sent, numbers = Sent(began=time.time()), itertools.count()
    every = connections / rate
    await asyncio.gather(*(_insisting(port, numbers, sent, every, is_over) for _ in range(connections)))
    sent.ended = time.time()
    return sent


async def _insisting(
    port: int, numbers: Iterator[int], sent: Sent, every: float, is_over: Callable[[], bool]
) -> None:
    line = None
    while not is_over():
        number = next(numbers)
        sent.at[number] = time.time()
        while number not in sent.accepted:
            line = await _try(port, number, sent, line)
        await asyncio.sleep(max(0.0, sent.at[number] + every - time.time()))
    if line is not None and line.transport is not None:
        line.transport.close()


async def _try(port: int, number: int, sent: Sent, line: _Line | None) -> _Line | None:
    """One try. → the connection for the next one, if it still stands."""
    with suppress(OSError, TimeoutError):  # it is being killed, or not yet there
        if line is None or line.transport is None:
            _, line = await asyncio.get_running_loop().create_connection(_Line, "127.0.0.1", port)
        status = await asyncio.wait_for(line.ask(request(f"127.0.0.1:{port}", number)), _PATIENCE)
        if 200 <= status < 300:
            sent.accepted[number] = time.time() - sent.at[number]
            return line
        sent.refused.append(status)
    await asyncio.sleep(_PAUSE)
    return None
