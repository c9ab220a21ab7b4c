"""Salesforce: outbound messages, authenticated by a secret in the path and the organisation's id.

Values arrive as text without types. We turn "true" and "false" into booleans, and a text into a number only
when it is written exactly as Salesforce writes a double ("9.0", "1.2E7"): "208230", "0612345678" and "1.10"
stay text, because they may be an account number, a phone number and a version. Dates stay ISO 8601 text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from webhooks import answers
from webhooks.delivery import Account, Answer, Delivery, Request, Translation
from webhooks.errors import Refused, Unreadable, WebhookError
from webhooks.event_types import is_event_type
from webhooks.reading import digest, excerpt, text_or_none
from webhooks.signatures import token_matches
from webhooks.soap import ACK, Message, Notification, fault, read_message
from webhooks.times import moment
from workflows.events import EVENT_TYPES, Event, Person

XML = "text/xml; charset=utf-8"
PEOPLE = frozenset({"Contact", "Lead"})  # the sObjects that are a person themselves

_DOUBLE = re.compile(r"-?(0|[1-9][0-9]{0,15})\.(0|[0-9]{0,16}[1-9])(E-?[0-9]{1,3})?")


class Salesforce:
    """Salesforce's outbound messages."""

    def verify(self, request: Request, account: Account) -> Delivery:
        """The delivery, kept under a digest of its notifications' ids, so that a repeated batch is the same one.

        Raises ``Refused`` (401 wrong token, 403 wrong organisation), or ``Unreadable`` when the token is right
        and the body is not.
        """
        _expect_token(request.token, account)
        message = read_message(request.body)
        _expect_organization(message.organization, account)
        return Delivery(account.connection, _key(message, request.body), request.received_at, request.content_type, {},
                        request.body)

    def translate(self, delivery: Delivery, account: Account) -> Translation:
        """An event per notification that means one; a broken notification is trouble, and the others survive.

        Raises ``Unreadable`` when the whole message is broken.
        """
        verdicts = [_read(each, number, delivery, account)
                    for number, each in enumerate(read_message(delivery.body).notifications, 1)]
        events = tuple(each for each in verdicts if isinstance(each, Event))
        trouble = tuple(each.reason for each in verdicts if isinstance(each, Broken))
        ignored = dict.fromkeys(each.reason for each in verdicts if isinstance(each, Ignored))
        return Translation(events, "" if events else "; ".join(ignored), trouble)

    def answer(self, stored: bool) -> Answer:
        """One Ack covers the batch, the first time and every time after."""
        return Answer(200, ACK, XML)

    def refuse(self, error: Exception) -> Answer:
        """A SOAP Fault. What cannot be read or stored gets a 5xx: Salesforce repeats it for a day."""
        if isinstance(error, Refused):
            return Answer(error.status, fault("Client", error.reason), XML)
        if isinstance(error, WebhookError):
            return Answer(500, fault("Client", error.reason), XML)
        return Answer(503, fault("Server", "nothing can be stored now"), XML, answers.retry_headers(error))


@dataclass(frozen=True, slots=True)
class Ignored:
    """Why a notification means nothing to us."""

    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """Why a notification cannot be read."""

    reason: str


def _expect_token(given: str, account: Account) -> None:
    configured = account.options.get("webhook_token") or ()
    tokens = [configured] if isinstance(configured, str) else list(configured)
    if not any(tokens):
        raise Refused("this connection has no webhook_token", remedy="set it, and put it last in the message's URL")
    if not token_matches(given, tokens):
        raise Refused("the token in the path is missing or wrong",
                      remedy="end the outbound message's URL with the connection's webhook_token")


def _expect_organization(given: str, account: Account) -> None:
    """15 and 18 characters name the same organisation: the first 15 decide, and their case matters."""
    ours = account.options.get("organization_id")
    if ours and given[:15] != str(ours)[:15]:
        raise Refused(f"the organisation is {excerpt(given)}, not this connection's", status=403,
                      remedy="check organization_id, and which Salesforce sends here")


def _key(message: Message, body: bytes) -> str:
    if any(each.trouble for each in message.notifications):
        return digest(body)
    ids = "\n".join(sorted(each.id for each in message.notifications))
    return f"notifications:{hashlib.sha256(ids.encode()).hexdigest()}"


def _read(notification: Notification, number: int, delivery: Delivery, account: Account) -> Event | Ignored | Broken:
    if notification.trouble:
        return Broken(f"notification {number} ({excerpt(notification.id)}): {notification.trouble}")
    record = {name: _value(text) for name, text in notification.fields.items()}
    if _ours(notification.fields.get("LastModifiedById"), account.own_user):
        return Ignored("our own write")
    try:
        kind = _meaning(notification.kind, record, account)
    except Unreadable as error:
        return Broken(f"notification {number} ({excerpt(notification.id)}): {error.reason}")
    return kind if isinstance(kind, Ignored) else _event(notification, kind, record, delivery)


def _meaning(kind: str, record: Mapping[str, Any], account: Account) -> str | Ignored:
    """The event type: the connection's own choice for this sObject first, where ours has nothing better."""
    named = _named(kind, account)
    read = MEANINGS.get(kind)
    if read is not None:
        return read(record, named)
    return named or Ignored(f"nobody listens to {excerpt(kind)}; map it under events in the connection's settings")


def _named(kind: str, account: Account) -> str | None:
    events = account.options.get("events") or {}
    named = events.get(kind)
    if named is not None and not is_event_type(named):
        raise Unreadable(f"the connection's events.{kind} is {excerpt(named)}",
                         remedy='name an event type such as "order.delivered"')
    return named


def _contact(_record: Mapping[str, Any], named: str | None) -> str:
    return named or "contact.changed"


def _case(record: Mapping[str, Any], named: str | None) -> str | Ignored:
    """``IsClosed`` decides; a message that leaves it out is judged by the status of that name."""
    by_status = str(record.get("Status")).strip().lower() == "closed"
    if record.get("IsClosed", by_status) is True:
        return "case.closed"
    return named or Ignored("the case is not closed; select IsClosed and Status for the outbound message")


def _opportunity(record: Mapping[str, Any], named: str | None) -> str | Ignored:
    by_stage = str(record.get("StageName")).strip().lower() == "closed won"
    if record.get("IsWon", by_stage) is True:
        return "opportunity.won"
    return named or Ignored("the opportunity is not won; select IsWon and StageName for the outbound message")


MEANINGS: Mapping[str, Callable[[Mapping[str, Any], str | None], str | Ignored]] = {
    "Contact": _contact,
    "Case": _case,
    "Opportunity": _opportunity,
}


def _event(notification: Notification, kind: str, record: Mapping[str, Any], delivery: Delivery) -> Event:
    data = {"object": notification.kind, "record_id": record["Id"], "record": dict(record)}
    known = EVENT_TYPES.get(kind)
    if known is not None and known.subject is not None:
        data[known.subject] = record["Id"]
    return Event(notification.id, kind, _time(notification.fields, delivery.received_at), delivery.connection, data,
                 _person(notification, delivery.connection))


def _time(fields: Mapping[str, str | None], received_at: datetime) -> datetime:
    """When the record last changed: the payload is its latest state. Without that, when the message came."""
    for name in ("LastModifiedDate", "SystemModstamp"):
        try:
            return moment(fields.get(name))
        except ValueError:
            continue
    return received_at


def _person(notification: Notification, connection: str) -> Person | None:
    """A contact or lead is the person; a case or another record points at one, or carries what they supplied."""
    fields = notification.fields
    own = notification.kind in PEOPLE
    contact = text_or_none(fields.get("Id" if own else "ContactId"))
    person = Person(
        email=_first(fields, "Email", "ContactEmail", "SuppliedEmail"),
        name=_name(fields) if own else _first(fields, "SuppliedName"),
        phone=_first(fields, "MobilePhone", "Phone", "ContactMobile", "ContactPhone", "SuppliedPhone"),
        ids={connection: contact} if contact else {},
    )
    return person if person.ids or person.email or person.phone else None


def _name(fields: Mapping[str, str | None]) -> str | None:
    parts = [text_or_none(fields.get(part)) for part in ("FirstName", "LastName")]
    return " ".join(part for part in parts if part) or _first(fields, "Name")


def _first(fields: Mapping[str, str | None], *names: str) -> str | None:
    return next((text for name in names if (text := text_or_none(fields.get(name)))), None)


def _ours(modifier: str | None, own_user: str | None) -> bool:
    return bool(own_user and modifier) and str(modifier)[:15] == str(own_user)[:15]


def _value(text: str | None) -> Any:
    if text in ("true", "false"):
        return text == "true"
    return text if text is None or not _is_double(text) else float(text)


def _is_double(text: str) -> bool:
    """Whether the text is what Salesforce prints for a double: in its form, finite, and nothing lost on the way."""
    return _DOUBLE.fullmatch(text) is not None and Decimal(repr(float(text))) == Decimal(text)
