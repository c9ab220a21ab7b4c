"""Mailgun's webhooks: verified, kept, and read (Mailgun, "Securing webhooks" and "Webhook payloads")."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from webhooks import replies
from webhooks.delivery import Account, Delivery, Reply, Request, Source, Translation
from webhooks.errors import Refused, Unreadable
from webhooks.mail import events, forgeries, status
from webhooks.mail.findings import Answer, Bounce, Cause, Complaint, Finding, NothingToDo, Trail
from webhooks.parsing import json_object, mapping, sane_key
from webhooks.signatures import expect_match, usable

OLDEST = timedelta(hours=12)
"""Mailgun repeats for eight hours; older is a replay. Within, a token counts once: it is the delivery's key."""
_AHEAD = timedelta(minutes=5)
_NEVER_AGAIN = 406  # "not acceptable": Mailgun then stops repeating

_KNOWN_BAD = frozenset({"bounce", "suppress-bounce"})  # reasons by which Mailgun itself calls the address bad


class MailgunSource(events.TellsOfMail):
    """Whoever signs with the connection's webhook signing key."""

    def of(self, content_type: str) -> Source:
        return self

    def verify(self, request: Request, account: Account) -> Delivery:
        """The delivery, kept under its token. Raises ``Unreadable``, kept as an example when it is not signed."""
        signature = mapping(json_object(request.body).get("signature"))
        try:
            token = _verified(signature, account.secrets, request.received_at)
        except Refused as refused:
            raise forgeries.example(request, refused) from refused
        return Delivery(account.connection, token, request.received_at, request.content_type, {}, request.body)

    def translate(self, delivery: Delivery, account: Account) -> Translation:
        """The bounce, the complaint or the way out that it tells. Raises ``Unreadable``."""
        forgeries.expect_genuine(delivery)
        told = mapping(json_object(delivery.body).get("event-data"))
        if not told.get("event"):
            raise Unreadable("event-data has no event", remedy="send Mailgun's webhooks as they are")
        mark = str(told.get("id") or delivery.key)
        return events.translation([_finding(told)], account.connection, delivery.received_at, mark, proved=True)

    def answer(self, stored: bool) -> Reply:
        return replies.accepted(stored)

    def refuse(self, error: Exception) -> Reply:
        """What is signed and cannot be read would fail again; a wrong signature may be our wrong secret, and is sent
        again while somebody mends it."""
        reply = replies.refusal(error)
        if isinstance(error, Unreadable) and error.status == Unreadable.status:
            return Reply(_NEVER_AGAIN, reply.body, reply.content_type, reply.headers)
        return reply


def _verified(signature: Mapping[str, Any], secrets: Sequence[str], now: datetime) -> str:
    """The token. Raises ``Refused``."""
    stamp, token = str(signature.get("timestamp") or ""), sane_key(str(signature.get("token") or ""))
    given = [str(signature.get(name) or "") for name in ("signature", "parent-signature")]
    if not token or not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 11):
        raise Refused("signature has no token or no timestamp", remedy="send Mailgun's webhooks as they are")
    right = [hmac.digest(key.encode(), f"{stamp}{token}".encode(), "sha256").hex() for key in usable(secrets)]
    expect_match(given, right, "signature")
    age = now - datetime.fromtimestamp(int(stamp), UTC)
    if age > OLDEST or age < -_AHEAD:
        raise Refused("timestamp is too far from our time", remedy="check our clock; an old webhook is not repeated")
    return token


def _finding(told: Mapping[str, Any]) -> Finding:
    event, recipient = str(told["event"]), str(told.get("recipient") or "")[:320]
    trail = _trail(told)
    if event == "complained":
        return Complaint(trail, recipient, "abuse")
    if event == "unsubscribed":
        return Answer(trail, "", "", wants_out=True)
    if event != "failed":
        return NothingToDo(f"Mailgun tells of {event[:40]!r}, from which nothing follows")
    if told.get("severity") != "permanent":
        return NothingToDo("the mail is late; Mailgun goes on trying, and tells when it gives up")
    return _bounce(told, recipient, trail)


def _bounce(told: Mapping[str, Any], recipient: str, trail: Trail) -> Bounce:
    delivery = mapping(told.get("delivery-status"))
    said = " ".join(str(delivery.get(name) or "") for name in ("code", "message", "description")).strip()
    code = str(delivery.get("enhanced-code") or "") or status.code_in(said)
    hard, cause = status.judge(code, said)
    if told.get("reason") in _KNOWN_BAD and cause is Cause.UNKNOWN:
        hard, cause = True, Cause.NO_ADDRESS
    return Bounce(trail, recipient, hard, cause, code, said[:500])


def _trail(told: Mapping[str, Any]) -> Trail:
    headers = mapping(mapping(told.get("message")).get("headers"))
    sender = str(mapping(told.get("envelope")).get("sender") or "")
    id_ = str(headers.get("message-id") or "").strip("<> ")
    return Trail((sender,) if sender else (), (id_,) if id_ else ())
