"""Zendesk's trigger webhooks: the admin writes the body, and says in ``type`` which neutral event it is.

The body we recommend (placeholders are Zendesk's; leave out what is not wanted, add what conditions need)::

    {"type": "ticket.solved", "ticket_id": "{{ticket.id}}", "status": "solved",
     "time": "{{ticket.updated_at_with_timestamp}}", "subject": "{{ticket.title}}", "tags": "{{ticket.tags}}",
     "group_id": "{{ticket.group.id}}", "assignee_id": "{{ticket.assignee.id}}",
     "external_id": "{{ticket.external_id}}", "requester_id": "{{ticket.requester.id}}",
     "requester_email": "{{ticket.requester.email}}", "requester_name": "{{ticket.requester.name}}",
     "requester_locale": "{{ticket.requester.locale}}", "requester_role": "{{ticket.requester.role}}",
     "organization_id": "{{ticket.organization.id}}",
     "priority": "{{ticket.priority}}", "channel": "{{ticket.via}}", "brand_id": "{{ticket.brand.id}}",
     "brand_name": "{{ticket.brand.name | escape}}", "form_name": "{{ticket.ticket_form | escape}}",
     "group_name": "{{ticket.group.name | escape}}", "actor_id": "{{current_user.id}}"}

Only ``type`` and ``ticket_id`` are required. ``csat.rated`` takes ``rating`` and ``comment``,
``ticket.commented`` takes ``public`` ("{{ticket.latest_comment.is_public}}"), ``comment``, and ``by_staff`` or
``actor_role`` ("{{current_user.role}}"), ``ticket.merged`` takes ``into_ticket_id``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from webhooks.delivery import Account, Delivery, Translation
from webhooks.errors import Unreadable
from webhooks.parsing import excerpt, identity, text_or_none
from webhooks.timestamps import moment
from webhooks.zendesk.tickets import bears_our_mark, is_staff, requester, ticket_data, ticket_reference
from workflows.events import EVENT_TYPES, Event

_OURS = ("ticket.first_contact",)  # what we conclude ourselves
_OF_TICKETS = [name for name, kind in EVENT_TYPES.items() if kind.subject == "ticket"]
TYPES = frozenset(name for name in _OF_TICKETS if not name.startswith("callback.") and name not in _OURS)
PERSONAL = frozenset({"requester_email", "requester_name", "requester_phone", "requester_locale"})


def translate(body: Mapping[str, Any], delivery: Delivery, account: Account) -> Translation:
    """The event that the trigger names. Its id is the invocation's: every attempt of a firing is the same fact.

    Raises ``Unreadable`` when the ticket's id or the time cannot be read.
    """
    kind = body.get("type")
    if not isinstance(kind, str) or kind not in TYPES:
        return Translation(ignored=f"the trigger's type is {excerpt(kind)}; write one of {', '.join(sorted(TYPES))}")
    if _is_ours(kind, body, account):
        return Translation(ignored="our own write")
    data = {**_extra(body), **ticket_data(body, account.connection), **_fields(kind, body, account.connection)}
    time = _time(body.get("time"), delivery.received_at)
    person = requester(body, account.connection)
    return Translation((Event(delivery.key, kind, time, account.connection, data, person),))


def _is_ours(kind: str, body: Mapping[str, Any], account: Account) -> bool:
    """By whom we act as; and while that is not known, a ticket that is born with our mark."""
    by_us = account.own_user is not None and identity(body.get("actor_id")) == account.own_user
    return by_us or (kind == "ticket.created" and bears_our_mark(body))


def _extra(body: Mapping[str, Any]) -> dict[str, Any]:
    """Whatever else the admin sends, under its own name; the person's details go to the person."""
    return {"detail": {}, "change": {}} | {name: body[name] for name in body if name not in PERSONAL | {"type"}}


def _fields(kind: str, body: Mapping[str, Any], connection: str) -> dict[str, Any]:
    comment = text_or_none(body.get("comment")) or ""
    if kind == "csat.rated":
        return {"rating": _rating(body.get("rating")), "comment": comment}
    if kind == "ticket.commented":
        return {"public": _is_true(body.get("public")), "comment": comment, "by_staff": _is_by_staff(body)}
    if kind == "ticket.assigned":
        return {"by_person": (identity(body.get("actor_id")) or "").isdigit()}
    if kind == "ticket.merged":
        return {"into": ticket_reference(connection, identity(body.get("into_ticket_id")))}
    return {}


def _is_by_staff(body: Mapping[str, Any]) -> bool:
    """As the trigger says; else by the role of whoever wrote, or because it is the ticket's own agent."""
    role, actor = body.get("actor_role"), identity(body.get("actor_id"))
    has_it = actor is not None and actor == identity(body.get("assignee_id"))
    return _is_true(body.get("by_staff")) or is_staff(role) is True or has_it


def _is_true(value: object) -> bool:
    return str(value).strip().lower() == "true"


def _rating(value: object) -> str:
    rating = text_or_none(value)
    if rating is None:
        raise Unreadable(f"rating is {excerpt(value)}", remedy='send "{{satisfaction.current_rating}}"')
    return rating.lower()


def _time(value: object, received_at: datetime) -> datetime:
    if value is None or value == "":
        return received_at
    try:
        return moment(value)
    except ValueError as error:
        raise Unreadable(f"time is {excerpt(value)}",
                         remedy='send "{{ticket.updated_at_with_timestamp}}", or leave it out') from error
