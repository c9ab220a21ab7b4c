"""Zendesk: verify and keep its webhooks, and say what they mean.

Two kinds arrive, and a webhook sends only one of them. An *event subscription* has a fixed envelope, read
here by one function per event (``MEANINGS``). A *trigger or automation* sends what the admin wrote, read by
``zendesk_trigger``. Source: Zendesk's webhook and event reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from webhooks import replies
from webhooks.delivery import Account, Delivery, Reply, Request, Source, Translation
from webhooks.errors import Unreadable
from webhooks.parsing import (
    declares_json,
    digest,
    excerpt,
    identity,
    json_object,
    mapping,
    sane_key,
    text_or_none,
)
from webhooks.timestamps import moment
from webhooks.zendesk import statuses, users
from webhooks.zendesk import triggers as zendesk_trigger
from webhooks.zendesk.signature import verify_zendesk
from webhooks.zendesk.tickets import bears_our_mark, requester, ticket_data, ticket_reference
from workflows.events import Event

PREFIX = "zen:event-type:"
VERSION = "zendesk_event_version"  # a field of every envelope
_TYPE = re.compile(r"zen:event-type[:/](.+)", re.DOTALL)
INVOCATION = "x-zendesk-webhook-invocation-id"
KEPT_HEADERS = (INVOCATION, "x-zendesk-webhook-id", "x-zendesk-account-id", "user-agent")
MERGED_TAG = "closed_by_merge"  # Zendesk's own, on the ticket that was merged into another


class ZendeskSource:
    """Zendesk's webhooks of both kinds."""

    def of(self, content_type: str) -> Source:
        return self

    def verify(self, request: Request, account: Account) -> Delivery:
        """The delivery, kept under its invocation id (the same for every attempt), else a digest of the body.

        Raises ``Refused`` when the signature is wrong or old, ``Unreadable`` (415) for XML and forms.
        """
        verify_zendesk(request.headers, request.body, account.secrets, request.received_at)
        key = sane_key(request.headers.get(INVOCATION, "")) or digest(request.body)
        if not declares_json(request.content_type):
            raise Unreadable("the body is declared as something else than JSON", status=415, key=key,
                             remedy="choose the request format JSON in Zendesk's webhook")
        kept = {name: request.headers[name] for name in KEPT_HEADERS if name in request.headers}
        return Delivery(account.connection, key, request.received_at, request.content_type, kept, request.body)

    def translate(self, delivery: Delivery, account: Account) -> Translation:
        """The event it tells, or why it tells none. Raises ``Unreadable`` with the field that is wrong."""
        payload = json_object(delivery.body)
        kind = _event_kind(payload)
        if kind is not None:
            return _subscription(_envelope(kind, payload), account)
        return zendesk_trigger.translate(payload, delivery, account)

    def answer(self, stored: bool) -> Reply:
        return replies.accepted(stored)

    def refuse(self, error: Exception) -> Reply:
        return replies.refusal(error)


@dataclass(frozen=True, slots=True)
class Envelope:
    """An event as Zendesk sends it. ``kind`` is its type without the prefix ("ticket.status_changed")."""

    kind: str
    id: str
    time: datetime
    detail: Mapping[str, Any]
    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Meaning:
    """The neutral type, and the fields that it has beside those of every ticket."""

    type: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    user: users.Told | None = None  # of a user's event, which is about no ticket


@dataclass(frozen=True, slots=True)
class Ignored:
    """Why an event means nothing to us."""

    reason: str


def _event_kind(payload: Mapping[str, Any]) -> str | None:
    """The event's type without its prefix; None for what a trigger sends. Zendesk's reference ("User events") writes
    some of its types with a slash, "zen:event-type/user.merged", where the others have a colon. What else bears the
    marks of an envelope is an event that we do not know, and no mistake in a trigger."""
    told = payload.get("type")
    if isinstance(told, str) and (known := _TYPE.fullmatch(told.strip())):
        return known[1]
    is_event = VERSION in payload or (isinstance(told, str) and told.startswith("zen:"))
    return str(told) if is_event else None


def _envelope(kind: str, payload: Mapping[str, Any]) -> Envelope:
    event_id = sane_key(str(payload.get("id") or ""))
    if not event_id:
        raise Unreadable("id is missing", remedy="Zendesk gives every event one; send the envelope whole")
    return Envelope(kind, event_id, _time(payload.get("time")),
                    mapping(payload.get("detail")), mapping(payload.get("event")))


def _time(value: object) -> datetime:
    try:
        return moment(value)
    except ValueError as error:
        raise Unreadable(f"time is {excerpt(value)}", remedy="send ISO 8601 with a time zone") from error


def _subscription(envelope: Envelope, account: Account) -> Translation:
    read = MEANINGS.get(envelope.kind)
    if read is None:
        return Translation(ignored=f"nobody listens to Zendesk's {excerpt(envelope.kind)}; unsubscribe from it")
    if _is_ours(envelope, account):
        return Translation(ignored="our own write")
    meaning = read(envelope, account.connection)
    if isinstance(meaning, Ignored):
        return Translation(ignored=meaning.reason)
    return Translation((_event(envelope, meaning, account),))


def _event(envelope: Envelope, meaning: Meaning, account: Account) -> Event:
    if meaning.user is not None:
        told = {"detail": {}, "change": dict(envelope.event), **meaning.user.fields}  # an address stays with the person
        return Event(envelope.id, meaning.type, envelope.time, account.connection, told, meaning.user.person)
    ticket = {**envelope.detail, "ticket_id": envelope.detail.get("id")}
    data = {**ticket_data(ticket, account.connection), "detail": dict(envelope.detail),
            "change": dict(envelope.event), **meaning.fields}
    return Event(envelope.id, meaning.type, envelope.time, account.connection, data,
                 requester(ticket, account.connection))


def _is_ours(envelope: Envelope, account: Account) -> bool:
    """By whom we act as; and while that is not known, a ticket that is born with our mark."""
    if account.own_user and _actor(envelope) == account.own_user:
        return True
    return envelope.kind == "ticket.created" and bears_our_mark(envelope.detail)


def _actor(envelope: Envelope) -> str | None:
    """Who did it; a comment's envelope names its author instead."""
    author = mapping(mapping(envelope.event.get("comment")).get("author"))
    return identity(envelope.detail.get("actor_id")) or identity(author.get("id"))


def _status_changed(envelope: Envelope, _: str) -> Meaning | Ignored:
    current, previous = _status(envelope, "current"), _status(envelope, "previous")
    status = {"status": current.lower()}
    if current == "CLOSED" and MERGED_TAG in (envelope.detail.get("tags") or ()):
        return Meaning("ticket.merged", {**status, "into": None})
    meant = statuses.meaning(previous, current)
    if meant is None:
        return Ignored(f"the status went from {excerpt(previous)} to {excerpt(current)}, which starts and ends nothing")
    return Meaning(meant, status)


def _status(envelope: Envelope, name: str) -> str:
    value = envelope.event.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Unreadable(f"event.{name} is {excerpt(value)}", remedy="a status change names both statuses")
    return value.strip().upper()


def _created(_envelope: Envelope, _: str) -> Meaning:
    return Meaning("ticket.created")


def _assigned(envelope: Envelope, _: str) -> Meaning:
    """``by_person``: not by Zendesk's own routing and triggers, whose actor is no user (-1)."""
    actor = _actor(envelope)
    return Meaning("ticket.assigned", {"by_person": actor is not None and actor.isdigit()})


def _deleted(_envelope: Envelope, _: str) -> Meaning:
    return Meaning("ticket.deleted", {"status": "deleted"})


def _spam(_envelope: Envelope, _: str) -> Meaning:
    """Zendesk deletes such a ticket, and suspends its requester."""
    return Meaning("ticket.spam", {"status": "deleted"})


def _restored(envelope: Envelope, _: str) -> Meaning:
    return Meaning("ticket.restored")


def _given_away(_envelope: Envelope, _: str) -> Meaning:
    return Meaning("ticket.requester_changed")


def _commented(envelope: Envelope, _: str) -> Meaning:
    comment = mapping(envelope.event.get("comment"))
    public = comment.get("is_public", comment.get("public"))
    text, author = comment.get("body"), mapping(comment.get("author"))
    said = {"public": public is True, "comment": text if isinstance(text, str) else ""}
    return Meaning("ticket.commented", {**said, "by_staff": author.get("is_staff") is True})


def _merged(envelope: Envelope, connection: str) -> Meaning:
    """``into`` is None when the event does not say which ticket took this one in."""
    event = envelope.event
    target = event.get("target_ticket_id") or mapping(event.get("target_ticket")).get("id")
    return Meaning("ticket.merged", {"into": ticket_reference(connection, identity(target))})


def _rated(envelope: Envelope, _: str) -> Meaning:
    """The legacy rating and the newer survey response name the same thing differently."""
    score = envelope.event.get("satisfaction_score", envelope.event)
    fields = mapping(score)
    rating = score if isinstance(score, str) else fields.get("score") or fields.get("rating_category")
    comment = text_or_none(fields.get("comment")) or ""
    if not isinstance(rating, str) or not rating.strip():
        raise Unreadable(f"event.satisfaction_score.score is {excerpt(rating)}",
                         remedy="a received rating holds its score")
    return Meaning("csat.rated", {"rating": rating.strip().lower(), "comment": comment})


def _of_user(read: Callable[[Mapping[str, Any], Mapping[str, Any], str], users.Told | None]) -> _Reader:
    def reader(envelope: Envelope, connection: str) -> Meaning | Ignored:
        told = read(envelope.detail, envelope.event, connection)
        return Ignored("the user was merged into themselves") if told is None else Meaning(told.type, user=told)

    return reader


_Reader = Callable[[Envelope, str], Meaning | Ignored]

MEANINGS: Mapping[str, _Reader] = {
    "ticket.created": _created,
    "ticket.status_changed": _status_changed,
    "ticket.agent_assignment_changed": _assigned,
    "ticket.group_assignment_changed": _assigned,
    "ticket.comment_added": _commented,
    "ticket.merged": _merged,
    "ticket.soft_deleted": _deleted,
    "ticket.permanently_deleted": _deleted,
    "ticket.marked_as_spam": _spam,
    "ticket.undeleted": _restored,
    "ticket.requester_changed": _given_away,
    "ticket.csat_received": _rated,
    "user.merged": _of_user(users.merged),
    "user.deleted": _of_user(users.deleted),
    "user.active_changed": _of_user(users.active_changed),
}
