"""The one way in: verify the raw bytes, keep them, answer. What they mean is found out later.

``Receiver`` knows no framework. Flask's view is below; ``asgi`` is the same for an event loop, where a thousand senders
wait for their commit without a thread each.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from webhooks import replies
from webhooks.delivery import Account, Delivery, Reply, Request, Source
from webhooks.errors import Refused, StoreDown, Unreadable
from webhooks.parsing import digest

log = logging.getLogger(__name__)

Accounts = Callable[[str], Account | None]
Keep = Callable[[Delivery, str], bool]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
MAX_BYTES = 1_000_000
"""The largest body."""

WRONG_METHOD = replies.problem(405, "only POST is understood here", "send the webhook as POST", {"Allow": "POST"})
UNKNOWN = replies.problem(404, "there is no such connection", "check the last part of the URL")


@dataclass(frozen=True, slots=True)
class Verified:
    """A delivery to keep, and why it cannot be read, if it cannot."""

    delivery: Delivery
    trouble: Unreadable | None = None

    @property
    def reason(self) -> str:
        return self.trouble.reason if self.trouble else ""


class Receiver:
    """What every way in needs. ``accounts`` finds a connection by its name, or None; ``clock`` tells the time (aware,
    UTC); ``max_bytes`` caps the body, however it is sent (an account says where it may be larger)."""

    def __init__(self, accounts: Accounts, clock: Callable[[], datetime], max_bytes: int = MAX_BYTES) -> None:
        self._accounts, self._clock, self._max_bytes = accounts, clock, max_bytes

    def sender(self, connection: str, content_type: str) -> Sender | None:
        """Who sends such a body under this name; None: nobody may."""
        account = self._accounts(connection)
        if account is None or account.source is None:
            return None
        source = account.source.of(content_type)
        return Sender(account, source, self._clock, max(self._max_bytes, account.max_bytes))


@dataclass(frozen=True, slots=True)
class Sender:
    """One connection's account, how its requests are read and answered, and how many bytes their bodies may have."""

    account: Account
    source: Source
    clock: Callable[[], datetime]
    max_bytes: int

    def verify(self, headers: dict[str, str], body: bytes, token: str) -> Verified:
        """What is to be kept of a request; header names are lower case. Raises ``Refused``."""
        arrived = Request(body, headers, self.clock(), token)
        try:
            return Verified(self.source.verify(arrived, self.account))
        except Unreadable as error:
            return Verified(_unreadable(arrived, self.account, error), error)

    def answer(self, kept: Verified, new: bool) -> Reply:
        """The answer to a request that was kept, or was there already."""
        return self.refuse(kept.trouble, kept.delivery.body) if kept.trouble else self.source.answer(new)

    def too_large(self) -> Refused:
        return Refused(f"the body is larger than {self.max_bytes} bytes", status=413, remedy="send less at once")

    def refuse(self, error: Exception, body: bytes) -> Reply:
        """The answer to one that was not, in the sender's own format."""
        name = self.account.connection
        log.warning("refused a delivery: connection=%s bytes=%d reason=%s", name, len(body), error)
        return self.source.refuse(error)


@contextmanager
def keeping() -> Iterator[None]:
    """Whatever goes wrong with the store, the sender must come back: Zendesk does not after a plain 500."""
    try:
        yield
    except StoreDown:
        raise
    except Exception as error:
        # Only the kind of error: a database's own words quote the row, and with it the customer.
        raise StoreDown(f"the inbox failed with {type(error).__name__}") from error


def blueprint(
    accounts: Accounts, keep: Keep, clock: Callable[[], datetime], max_bytes: int = MAX_BYTES
) -> Blueprint:
    """``POST /webhooks/<connection>`` and ``/webhooks/<connection>/<token>``.

    ``keep`` stores a delivery durably before it returns, with the reason if it cannot be read ("" if it can); it says
    whether the delivery was new, and may raise ``StoreDown``. For the rest see ``Receiver``.
    Exempt the blueprint from CSRF protection: its requests are authenticated by signature or token.
    """
    view = _View(Receiver(accounts, clock, max_bytes), keep)
    routes = Blueprint("webhooks", __name__)
    for rule in ("/webhooks/<connection>", "/webhooks/<connection>/<token>"):
        routes.add_url_rule(rule, view_func=view.receive, endpoint=f"receive{rule.count('<')}", methods=METHODS,
                            provide_automatic_options=False)
    return routes


class _View:
    """Flask's view."""

    def __init__(self, receiver: Receiver, keep: Keep) -> None:
        self._receiver, self._keep = receiver, keep

    def receive(self, connection: str, token: str = "") -> Response:
        if request.method != "POST":
            return _response(WRONG_METHOD)
        sender = self._receiver.sender(connection, request.content_type or "")
        if sender is None:
            log.info("refused a delivery: no connection of that name; path of %d characters", len(request.path))
            return _response(UNKNOWN)
        return _response(self._answer(sender, token))

    def _answer(self, sender: Sender, token: str) -> Reply:
        body = b""
        try:
            body = _body(sender)
            kept = sender.verify({name.lower(): value for name, value in request.headers}, body, token)
            with keeping():
                new = self._keep(kept.delivery, kept.reason)
        except (Refused, StoreDown) as error:
            return sender.refuse(error, body)
        return sender.answer(kept, new)


def _body(sender: Sender) -> bytes:
    """The raw bytes. The cap holds for what is read, so a missing or lying length does not pass it.

    Werkzeug cuts a stream without a length at its limit and says nothing: one byte more shows that it did.
    """
    request.max_content_length = sender.max_bytes + 1
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge as error:
        raise sender.too_large() from error
    except ClientDisconnected as error:
        raise Refused("the body is shorter than its Content-Length", status=400, remedy="send it whole") from error
    if len(body) > sender.max_bytes:
        raise sender.too_large()
    return body


def _unreadable(arrived: Request, account: Account, error: Unreadable) -> Delivery:
    key = error.key or digest(arrived.body)
    return Delivery(account.connection, key, arrived.received_at, arrived.content_type, {}, arrived.body)


def _response(answer: Reply) -> Response:
    return Response(answer.body, answer.status, {**answer.headers, "Content-Type": answer.content_type})
