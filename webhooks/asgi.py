"""The way in on an event loop (ASGI): webhooks are received here, every other request goes on to the pages.

A sender waits for its commit without holding a thread, which makes accepting four times as cheap as a thread each.
A request is read whole, within a size and a time, before anybody sees it: who sends slowly on purpose holds nobody up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from webhooks.delivery import Delivery, Reply
from webhooks.errors import Refused, StoreDown
from webhooks.receiver import Receiver, Sender, Verified, keeping

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
KeepSoon = Callable[[Delivery, str], Awaitable[bool]]

PAGE_BYTES = 2_000_000
"""The largest body of any other request."""

QUICK_BYTES = 50_000
"""A larger body is verified in a thread: to find out that 4 MB of XML mean nothing takes a second."""

BODY_SECONDS = 60.0
"""How long a body may take to arrive."""

_TOO_LARGE = Reply(413, b"send less at once\n", "text/plain")
_TOO_SLOW = Reply(408, b"send it faster\n", "text/plain")


class _TooLarge(Exception):  # noqa: N818 (a verdict)
    """The body is larger than allowed."""


class _Gone(Exception):  # noqa: N818 (a verdict)
    """The sender hung up."""


class AsgiApp:
    """An ASGI app. ``keep`` stores a delivery durably (see ``receiver.blueprint``); ``refused`` hears of each
    webhook request that is answered with an error: its connection, the status and the error; ``pages`` is all else."""

    def __init__(
        self, receiver: Receiver, keep: KeepSoon, refused: Callable[[str, int, Exception | None], object], pages: App
    ) -> None:
        self._receiver, self._keep, self._refused, self._pages = receiver, keep, refused, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        sender, token = self._sender(scope)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _whole(scope, receive, sender.max_bytes if sender else PAGE_BYTES)
        except _Gone:
            return
        except (_TooLarge, TimeoutError) as error:
            await _send(send, self._cut_off(sender, error), last=True)
            return
        if sender is None:
            await self._pages(_unmistakable(scope), _told(body, receive), send)
        else:
            await _send(send, await self._answer(sender, token, scope, body))

    def _cut_off(self, sender: Sender | None, error: Exception) -> Reply:
        if isinstance(error, TimeoutError):
            return _TOO_SLOW
        return self._refuse(sender, sender.too_large(), b"") if sender else _TOO_LARGE

    def _sender(self, scope: Scope) -> tuple[Sender | None, str]:
        """Who sends a webhook, and the token in its path. What else comes under that path is the pages' to refuse."""
        _, _, rest = scope["path"].partition("/webhooks/")
        if not rest or scope["method"] != "POST" or not scope["path"].startswith("/webhooks/"):
            return None, ""
        connection, _, token = rest.partition("/")
        if "/" in token or rest.endswith("/"):
            return None, ""
        return self._receiver.sender(connection, _header(scope, b"content-type").decode("latin-1")), token

    async def _answer(self, sender: Sender, token: str, scope: Scope, body: bytes) -> Reply:
        try:
            kept = await _verified(sender, _headers(scope), body, token)
            with keeping():
                new = await self._keep(kept.delivery, kept.reason)
        except (Refused, StoreDown) as error:
            return self._refuse(sender, error, body)
        answer = sender.answer(kept, new)
        if answer.status >= 400:
            self._refused(sender.account.connection, answer.status, kept.trouble)
        return answer

    def _refuse(self, sender: Sender, error: Exception, body: bytes) -> Reply:
        answer = sender.refuse(error, body)
        self._refused(sender.account.connection, answer.status, error)
        return answer


async def _verified(sender: Sender, headers: dict[str, str], body: bytes, token: str) -> Verified:
    if len(body) <= QUICK_BYTES:
        return sender.verify(headers, body, token)
    return await asyncio.to_thread(sender.verify, headers, body, token)


async def _whole(scope: Scope, receive: Receive, most: int) -> bytes:
    """The body; what is read counts, even if a smaller length was announced."""
    announced = _header(scope, b"content-length")
    if announced.isdigit() and int(announced) > most:
        raise _TooLarge
    message = await receive()
    body = bytes(message.get("body", b""))
    while message.get("more_body"):
        if len(body) > most:
            raise _TooLarge
        message = await receive()
        body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise _Gone
    if len(body) > most:
        raise _TooLarge
    return body


def _told(body: bytes, receive: Receive) -> Receive:
    """What was read, told again; then whatever comes."""
    told = False

    async def again() -> MutableMapping[str, Any]:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _unmistakable(scope: Scope) -> Scope:
    """Without headers that have an underscore in their name: WSGI cannot tell them from those with a hyphen, and a
    stranger's ``X_Forwarded_For`` would pass a proxy that writes its own ``X-Forwarded-For``."""
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if b"_" not in name]}


def _header(scope: Scope, wanted: bytes) -> bytes:
    return next((bytes(value) for name, value in scope["headers"] if name == wanted), b"")


def _headers(scope: Scope) -> dict[str, str]:
    """Of a header that came twice, both values, as WSGI tells it."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


async def _send(send: Send, answer: Reply, *, last: bool = False) -> None:
    """``last``: the connection ends with it, as the rest of the request was not read."""
    told = {"Content-Type": answer.content_type, "Content-Length": str(len(answer.body)), **answer.headers}
    told |= {"Connection": "close"} if last else {}
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in told.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
