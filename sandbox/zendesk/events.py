"""Event envelopes, version 2022-11-06: ids as strings, enums in upper case, times to the nanosecond."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.zendesk.state import ACCOUNT_ID, Json, State, is_staff

VERSION = "2022-11-06"
_CHANNELS = {  # REST and events name the same channel differently
    "api": "web_service", "email": "mail", "web": "web_form", "voice": "phone_call_inbound",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened to a ticket; ``kind`` is the end of the event type."""

    kind: str
    event: Mapping[str, Any] = field(default_factory=dict)


def envelope(state: State, actor: Json, ticket: Json, happening: Happening) -> Json:
    """What a subscriber gets."""
    return {
        "account_id": ACCOUNT_ID,
        "detail": detail(actor, ticket),
        "event": dict(happening.event),
        "id": str(uuid.uuid4()),
        "subject": f"zen:ticket:{ticket['id']}",
        "time": nanoseconds(state.clock()),
        "type": f"zen:event-type:ticket.{happening.kind}",
        "zendesk_event_version": VERSION,
    }


def user_envelope(state: State, user: Json, kind: str, event: Json) -> Json:
    """What a subscriber gets about a user. The reference shows their envelopes in an older version."""
    told = {name: user[name] for name in ("created_at", "email", "role", "updated_at")}
    ids = {name: str(user[name] or 0) for name in ("id", "default_group_id", "organization_id")}
    return {
        "account_id": ACCOUNT_ID,
        "detail": {**told, **ids, "external_id": user["external_id"] or ""},
        "event": event,
        "id": str(uuid.uuid4()),
        "subject": f"zen:user:{user['id']}",
        "time": nanoseconds(state.clock()),
        "type": f"zen:event-type:user.{kind}",
        "zendesk_event_version": "2022-06-20",
    }


def detail(actor: Json, ticket: Json) -> Json:
    """The ticket as events describe it."""
    return {
        "actor_id": _id(actor["id"]),
        "assignee_id": _id(ticket["assignee_id"]),
        "brand_id": _id(ticket["brand_id"]),
        "created_at": ticket["created_at"],
        "custom_status": _id(ticket["custom_status_id"]),
        "description": ticket["description"],
        "external_id": ticket["external_id"],
        "form_id": _id(ticket["ticket_form_id"]),
        "group_id": _id(ticket["group_id"]),
        "id": _id(ticket["id"]),
        "is_public": ticket["is_public"],
        "organization_id": _id(ticket["organization_id"]),
        "priority": _enum(ticket["priority"]),
        "requester_id": _id(ticket["requester_id"]),
        "status": _enum(ticket["status"]),
        "subject": ticket["subject"],
        "submitter_id": _id(ticket["submitter_id"]),
        "tags": list(ticket["tags"]) or None,
        "type": _enum(ticket["type"]),
        "updated_at": ticket["updated_at"],
        "via": {"channel": _CHANNELS.get(ticket["via"]["channel"], ticket["via"]["channel"])},
    }


def changed(name: str, previous: Any, current: Any) -> list[Happening]:
    """The events of one changed field; none for a field that nobody can subscribe to."""
    if name == "tags":
        before, after = set(previous or ()), set(current)
        moved = {"tags_added": sorted(after - before), "tags_removed": sorted(before - after)}
        return [Happening("tags_changed", moved)]
    if name not in _KINDS:
        return []
    kind, write = _KINDS[name]
    return [Happening(kind, {"current": write(current), "previous": write(previous)})]


def custom_field(definition: Json, previous: Any, current: Any) -> Happening:
    """A custom field's new value."""
    about = {
        "id": _id(definition["id"]),
        "title": definition["title"],
        "type": definition["type"],
        "is_active": True,
    }
    return Happening("custom_field_changed", {"current": current, "previous": previous, "field": about})


def merged(target_id: int) -> Happening:
    return Happening("merged", {"target_ticket_id": _id(target_id)})


def of_comments(state: State, audit: Json) -> list[Happening]:
    """The comments of one audit."""
    return [_comment_added(state, event) for event in audit["events"] if event["type"] == "Comment"]


def _comment_added(state: State, comment: Json) -> Happening:
    author = state.users[comment["author_id"]]
    by = {"id": _id(author["id"]), "is_staff": is_staff(author), "name": author["name"]}
    told = {"id": _id(comment["id"]), "body": comment["body"], "is_public": comment["public"], "author": by}
    return Happening("comment_added", {"comment": told})


def placeholders(state: State, ticket: Json, author: Json) -> Json:
    """The names that Liquid in triggers and in agents' comments may use."""
    told = state.comments.get(ticket["id"], [])
    assignee = state.users.get(ticket["assignee_id"])
    shown = {
        **{key: ticket[key] for key in ("id", "external_id", "status", "priority", "description", "due_at")},
        "title": ticket["subject"],
        "ticket_type": ticket["type"],
        "tags": " ".join(ticket["tags"]),
        "url": f"{state.base_url}/agent/tickets/{ticket['id']}",
        "requester": _person(state.users[ticket["requester_id"]]),
        "assignee": _person(assignee) if assignee else {},
        "updated_at_with_timestamp": ticket["updated_at"],
        "via": _VIA.get(ticket["via"]["channel"], ticket["via"]["channel"].capitalize()),
        "brand": {"name": state.brand},
        "ticket_form": state.ticket_forms.get(ticket["ticket_form_id"], {}).get("name", ""),
        "group": {"name": state.groups[ticket["group_id"]]["name"]} if ticket["group_id"] else {},
        "organization": _organization(state, ticket),
        "latest_comment": _Comment(told[-1]["body"], told[-1]["public"]) if told else "",
    }
    for name in ("status", "priority", "ticket_type"):
        shown[name] = (shown[name] or "").capitalize()
    return {"ticket": shown, "current_user": _person(author)}


_VIA = {
    "email": "Mail", "web": "Web form", "api": "Web service (API)", "voice": "Phone call (incoming)",
    "native_messaging": "Messaging", "side_conversation": "Side conversation",
}  # fmt: skip
"""What people read where ``via`` says what programs read."""


class _Comment(dict[str, Any]):
    """Alone it is the text, and it knows more by name."""

    def __init__(self, body: str, is_public: bool) -> None:
        super().__init__(value=body, is_public=is_public)

    def __str__(self) -> str:
        return str(self["value"])


def _organization(state: State, ticket: Json) -> Json:
    found = state.organizations.get(ticket["organization_id"])
    return {key: found[key] for key in ("id", "name", "external_id")} if found else {}


def _person(user: Json) -> Json:
    return {
        **{key: user[key] for key in ("id", "name", "email", "phone", "locale")},
        "first_name": user["name"].split()[0],
        "role": {"admin": "Admin", "agent": "Agent"}.get(user["role"], "End user"),
    }


def nanoseconds(moment: datetime) -> str:
    """As "2025-01-08T10:12:07.672717000Z": Python counts microseconds, so the last three digits are zero."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"


def _id(value: Any) -> str | None:
    return None if value is None else str(value)


def _enum(value: Any) -> str | None:
    return None if value is None else str(value).upper()


_KINDS = {
    "status": ("status_changed", _enum),
    "priority": ("priority_changed", _enum),
    "type": ("type_changed", _enum),
    "assignee_id": ("agent_assignment_changed", _id),
    "group_id": ("group_assignment_changed", _id),
    "requester_id": ("requester_changed", _id),
    "subject": ("subject_changed", _id),
    "external_id": ("external_id_changed", _id),
}
