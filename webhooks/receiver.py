"""The one view: verify the raw bytes, keep them, answer. What they mean is found out later."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Response, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from webhooks import answers
from webhooks.delivery import Account, Answer, Delivery, Request, Source
from webhooks.errors import Refused, StoreDown, Unreadable
from webhooks.reading import digest
from webhooks.sources import MOST_BYTES, source_of

log = logging.getLogger(__name__)

Accounts = Callable[[str], Account | None]
Keep = Callable[[Delivery, str], bool]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

WRONG_METHOD = answers.problem(405, "only POST is understood here", "send the webhook as POST", {"Allow": "POST"})
UNKNOWN = answers.problem(404, "there is no such connection", "check the last part of the URL")


def blueprint(accounts: Accounts, keep: Keep, clock: Callable[[], datetime], max_bytes: int = 1_000_000) -> Blueprint:
    """``POST /webhooks/<connection>`` and ``/webhooks/<connection>/<token>``.

    ``accounts`` finds a connection by its name, or None. ``keep`` stores a delivery durably before it returns,
    with the reason if it cannot be read ("" if it can); it says whether the delivery was new, and may raise
    ``StoreDown``. ``clock`` tells the time (aware, UTC). ``max_bytes`` caps the body, however it is sent
    (``MOST_BYTES`` says where it may be larger).
    Exempt the blueprint from CSRF protection: its requests are authenticated by signature or token.
    """
    view = Receiver(accounts, keep, clock, max_bytes)
    routes = Blueprint("webhooks", __name__)
    for rule in ("/webhooks/<connection>", "/webhooks/<connection>/<token>"):
        routes.add_url_rule(rule, view_func=view.receive, endpoint=f"receive{rule.count('<')}", methods=METHODS,
                            provide_automatic_options=False)
    return routes


class Receiver:
    """What the view needs, handed in."""

    def __init__(self, accounts: Accounts, keep: Keep, clock: Callable[[], datetime], max_bytes: int) -> None:
        self._accounts, self._keep, self._clock, self._max_bytes = accounts, keep, clock, max_bytes

    def receive(self, connection: str, token: str = "") -> Response:
        """The view."""
        if request.method != "POST":
            return _response(WRONG_METHOD)
        account = self._accounts(connection)
        source = source_of(account.kind, request.content_type or "") if account else None
        if account is None or source is None:
            log.info("refused a delivery: no connection of that name; path of %d characters", len(request.path))
            return _response(UNKNOWN)
        return _response(self._answer(source, account, token))

    def _answer(self, source: Source, account: Account, token: str) -> Answer:
        body = b""
        try:
            body = self._body(max(self._max_bytes, MOST_BYTES.get(account.kind, 0)))
            return self._keep_and_answer(source, account, self._request(body, token))
        except (Refused, Unreadable, StoreDown) as error:
            log.warning("refused a delivery: connection=%s bytes=%d reason=%s", account.connection, len(body), error)
            return source.refuse(error)

    def _keep_and_answer(self, source: Source, account: Account, arrived: Request) -> Answer:
        try:
            delivery = source.verify(arrived, account)
        except Unreadable as error:
            self._store(_unreadable(arrived, account, error), error.reason)
            raise
        return source.answer(self._store(delivery, ""))

    def _store(self, delivery: Delivery, reason: str) -> bool:
        """Whatever goes wrong with the store, the sender must come back: Zendesk does not after a plain 500."""
        try:
            return self._keep(delivery, reason)
        except StoreDown:
            raise
        except Exception as error:
            # Only the kind of error: a database's own words quote the row, and with it the customer.
            raise StoreDown(f"the inbox failed with {type(error).__name__}") from error

    def _body(self, most: int) -> bytes:
        """The raw bytes. The cap holds for what is read, so a missing or lying length does not pass it.

        Werkzeug cuts a stream without a length at its limit and says nothing: one byte more shows that it did.
        """
        request.max_content_length = most + 1
        try:
            body = request.get_data(cache=False)
        except RequestEntityTooLarge as error:
            raise _too_large(most) from error
        except ClientDisconnected as error:
            raise Refused("the body is shorter than its Content-Length", status=400, remedy="send it whole") from error
        if len(body) > most:
            raise _too_large(most)
        return body

    def _request(self, body: bytes, token: str) -> Request:
        headers = {name.lower(): value for name, value in request.headers}
        return Request(body, headers, self._clock(), token)


def _too_large(most: int) -> Refused:
    return Refused(f"the body is larger than {most} bytes", status=413, remedy="send less at once")


def _unreadable(arrived: Request, account: Account, error: Unreadable) -> Delivery:
    key = error.key or digest(arrived.body)
    return Delivery(account.connection, key, arrived.received_at, arrived.content_type, {}, arrived.body)


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, {**answer.headers, "Content-Type": answer.content_type})
