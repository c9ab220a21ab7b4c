"""A Zendesk ticket, as event data and as the person who asked."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from webhooks import channels
from webhooks.errors import Unreadable
from webhooks.parsing import excerpt, identity, mapping, text_or_none
from workflows.events import Person

OUR_MARK = "ringback-"
"""What the external id of every ticket that we open begins with."""


def bears_our_mark(ticket: Mapping[str, Any]) -> bool:
    """Whether we opened this ticket."""
    return (identity(ticket.get("external_id")) or "").startswith(OUR_MARK)


def ticket_reference(connection: str, ticket_id: str | None) -> str | None:
    """The ticket's name in the house, "<connection>:<id>"."""
    return None if ticket_id is None else f"{connection}:{ticket_id}"


def ticket_data(ticket: Mapping[str, Any], connection: str) -> dict[str, Any]:
    """The neutral ticket fields: every one is there, None (or []) when Zendesk says nothing.

    ``ticket`` has Zendesk's own field names, with the ticket's id as ``ticket_id``; ids may be numbers or
    text, statuses and priorities in capitals or not. Raises ``Unreadable`` without a ticket id.
    """
    ticket_id = identity(ticket.get("ticket_id"))
    if ticket_id is None:
        raise Unreadable(f"the ticket's id is {excerpt(ticket.get('ticket_id'))}",
                         remedy='send detail.id (events) or "ticket_id": "{{ticket.id}}" (triggers)')
    return {
        "ticket": ticket_reference(connection, ticket_id),
        "ticket_id": ticket_id,
        "status": _lower(ticket.get("status")),
        "priority": _lower(ticket.get("priority")),
        "tags": _tags(ticket.get("tags")),
        "group": identity(ticket.get("group_id")),
        "agent": identity(ticket.get("assignee_id")),
        "subject": text_or_none(ticket.get("subject")),
        "external_id": identity(ticket.get("external_id")),
        "channel": channels.neutral(mapping(ticket.get("via")).get("channel", ticket.get("channel"))),
        "brand": identity(ticket.get("brand_id")),
        "brand_name": _name(ticket.get("brand_name")),
        "form": identity(ticket.get("form_id")),
        "form_name": _name(ticket.get("form_name")),
        "group_name": _name(ticket.get("group_name")),
        "is_public": _yes_or_no(ticket.get("is_public")),
        "requester_is_staff": is_staff(ticket.get("requester_role")),
        "requester_id": identity(ticket.get("requester_id")),
        "organization_id": identity(ticket.get("organization_id")),
        "callback": None,  # filled in by the connector when the ticket is one of ours
    }


def requester(ticket: Mapping[str, Any], connection: str) -> Person | None:
    """The person who asked; events name only the id, a trigger may add the rest."""
    user = identity(ticket.get("requester_id"))
    person = Person(
        email=text_or_none(ticket.get("requester_email")),
        name=text_or_none(ticket.get("requester_name")),
        phone=text_or_none(ticket.get("requester_phone")),
        locale=text_or_none(ticket.get("requester_locale")),
        ids={} if user is None else {connection: user},
    )
    return person if person.ids or person.email or person.phone else None


def is_staff(role: object) -> bool | None:
    """What a placeholder as ``{{ticket.requester.role}}`` says of somebody ("Agent", "Administrator", "Light agent",
    "End-user"); None when it says nothing."""
    told = (text_or_none(role) or "").lower()
    return any(word in told for word in ("agent", "admin")) if told else None


def _yes_or_no(value: object) -> bool | None:
    return {"true": True, "false": False}.get(str(value).strip().lower())


def _name(value: object) -> str | None:
    """Only triggers tell names, escaped as HTML."""
    text = text_or_none(value)
    return html.unescape(text) if text else None


def _lower(value: object) -> str | None:
    text = text_or_none(value)
    return text.lower() if text else None


def _tags(value: object) -> list[str]:
    """Tags come as a list, as null, or from a trigger as one text with spaces between."""
    if isinstance(value, str):
        return value.split()
    return [tag for tag in value if isinstance(tag, str)] if isinstance(value, list) else []
