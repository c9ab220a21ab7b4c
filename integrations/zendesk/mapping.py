"""Neutral values ⇄ Zendesk's JSON. Pure: the same fields give the same body.

Sources: Zendesk's Support API, "Tickets", "Ticket comments", "Setting metadata", "Users".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from integrations.errors import Permanent
from integrations.protocols import Json, Score, VendorUser
from integrations.scores import FieldMap, ScoreFields, written
from integrations.zendesk.texts import TEXT_LIMIT, defused, rich

PAGE_LIMIT = TEXT_LIMIT - 500  # bytes; room for a line that says which page it is
STAFF = frozenset({"agent", "admin"})
"""Roles of users who work there; light agents and contributors are agents as well (Zendesk, "Users", ``role_type``)."""
MARK = "ringback"  # the name of our mark in a ticket audit's custom metadata

DEFAULT_FIELDS: FieldMap = MappingProxyType(
    {
        "nps": ScoreFields(
            score="ringback_score",
            band="ringback_band",
            answered_at="ringback_answered_at",
            comment="ringback_comment",
            loop_status="ringback_loop_status",
        )
    }
)

LOYALTY_FIELD = "ringback_loyalty"
"""The user field that says where the customer stands in the loyalty matrix."""

_PRIORITIES = ("low", "normal", "high", "urgent")
_TYPES = ("problem", "incident", "question", "task")
_STATUSES = ("new", "open", "pending", "hold", "solved", "closed")
_NO_TAG = re.compile(r"[\s,]+")


@dataclass(frozen=True, slots=True)
class Update:
    """A neutral change, split by how Zendesk takes it: each part can be repeated on its own."""

    fields: Json  # written over what is there
    comment: Json  # comment and mark; empty without a comment
    tags: tuple[str, ...]  # added
    without: tuple[str, ...] = ()  # tags that are taken away


def tag(text: str) -> str:
    """A tag as Zendesk keeps it: lower case, without spaces and commas."""
    return _NO_TAG.sub("_", text.strip()).lower()


def render_ticket(ticket: Json) -> Json:
    """The body of ``POST /api/v2/tickets`` from neutral fields (see ``_FIELDS``); None leaves a field out.

    The text becomes the first, internal comment. A text over 64 kB is refused, not cut: a template can
    shorten it where the author chooses, and the answer itself stays whole in the house.
    """
    given = _given(ticket, _FIELDS)
    rendered: dict[str, Any] = {}
    for name, value in given.items():
        rendered |= _FIELDS[name](value)
    rendered["comment"] = _comment(_first_comment(given), public=False)
    return {"ticket": _as_task(rendered)}


def render_update(changes: Json, key: str) -> Update:
    """Neutral changes, with ``key`` as the mark of the comment. Internal unless ``public`` is true."""
    given = _given(changes, {**_CHANGES, **dict.fromkeys(("comment", "public", "tags", "remove_tags"), _nothing)})
    fields: dict[str, Any] = {}
    for name, value in given.items():
        fields |= _CHANGES.get(name, _nothing)(value)
    comment: Json = {}
    if given.get("comment"):
        text = _comment(str(given["comment"]), public=given.get("public") is True)
        comment = {"comment": text, "metadata": {MARK: key}}
    return Update(_as_task(fields), comment, _tags(given.get("tags", ())), _tags(given.get("remove_tags", ())))


def render_score(score: Score, fields: FieldMap) -> Json:
    """The body of ``PUT /api/v2/users/{id}``: nothing but the score's own fields."""
    values = {
        name: defused(value) if isinstance(value, str) else value
        for name, value in written(score, fields).items()
    }
    return {"user": {"user_fields": values}}


def marked(audit: Mapping[str, Any], key: str) -> bool:
    """Whether a ticket audit carries our mark with this key."""
    metadata = audit.get("metadata")
    custom = metadata.get("custom") if isinstance(metadata, Mapping) else None
    return isinstance(custom, Mapping) and custom.get(MARK) == key


def vendor_user(user: Mapping[str, Any]) -> VendorUser:
    return VendorUser(
        id=str(user["id"]),
        email=user.get("email"),
        name=user.get("name"),
        phone=user.get("phone"),
        locale=user.get("locale"),
        time_zone=user.get("iana_time_zone"),  # ``time_zone`` is Zendesk's own name of it, as "Copenhagen"
        suspended=user.get("suspended") is True,
        staff=user.get("role") in STAFF,
        alias=user.get("alias") or None,
        photo=(user.get("photo") or {}).get("content_url"),
    )


def numeric_id(name: str, value: Any) -> int:
    """Zendesk's ids are whole numbers. Raises Permanent: an id is never pasted into a path unread."""
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise _wrong(name, "is no Zendesk id", "give the number from the record's address in Zendesk")
    return int(text)


def _first_comment(given: Json) -> str:
    """Body, else subject; with the phone number to call, if the text does not have it yet.

    Zendesk takes only name and e-mail of a requester it does not know, so a number would be lost.
    """
    text = str(given.get("body") or given.get("subject") or "")
    requester = given.get("requester")
    phone = str(requester.get("phone") or "") if isinstance(requester, Mapping) else ""
    return text if not phone or phone in text else f"{text}\n☎ {phone}"


def _comment(text: str, *, public: bool) -> Json:
    if not text.strip():
        raise _wrong("body", "is empty", "Zendesk opens no ticket without a text: give body or subject")
    body = rich(text)
    if len(body.encode()) > TEXT_LIMIT:
        raise _wrong("body", "is over 64 kB, which Zendesk would cut", "shorten it in the template (truncate)")
    return {"html_body": body, "public": public}


def _as_task(fields: Json) -> Json:
    """Zendesk keeps a due date on tasks only, and drops it without a word elsewhere."""
    return {**fields, "type": "task"} if "due_at" in fields else fields


def _requester(value: Any) -> Json:
    """By id, or by e-mail, with which Zendesk finds the user or makes one; else the ticket is our own user's."""
    if not isinstance(value, Mapping):
        raise _wrong("requester", "is no mapping", "give id, or email and name")
    if value.get("id"):
        return {"requester_id": numeric_id("requester.id", value["id"])}
    email = str(value.get("email") or "").strip()
    if not email:
        return {}
    # Zendesk makes no new user without a name.
    name = str(value.get("name") or "").strip() or email.partition("@")[0]
    return {"requester": {"email": email, "name": defused(name)}}


def _custom_fields(value: Any) -> Json:
    if not isinstance(value, Mapping):
        raise _wrong("custom_fields", "is no mapping", "write field ids with their values")
    pairs = sorted((numeric_id("custom_fields", key), each) for key, each in value.items())
    return {"custom_fields": [{"id": key, "value": _deep_defused(each)} for key, each in pairs]}


def _deep_defused(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_deep_defused(each) for each in value]
    return defused(value) if isinstance(value, str) else value


def _tags(value: Any) -> tuple[str, ...]:
    """Each once, in the given order; one string is a list of tags with spaces, as people type them."""
    texts = value.split() if isinstance(value, str) else value
    return tuple(dict.fromkeys(filter(None, (tag(str(text)) for text in texts))))


def _choice(name: str, allowed: tuple[str, ...]) -> Callable[[Any], Json]:
    def render(value: Any) -> Json:
        if value not in allowed:
            raise _wrong(name, f"is not one of {', '.join(allowed)}", "correct it in the workflow")
        return {name: value}

    return render


def _reference(name: str) -> Callable[[Any], Json]:
    return lambda value: {name: numeric_id(name, value)}


def _text(name: str) -> Callable[[Any], Json]:
    return lambda value: {name: defused(str(value))}


def _nothing(value: Any) -> Json:
    """For fields that are read elsewhere."""
    return {}


_SHARED: Mapping[str, Callable[[Any], Json]] = {
    "priority": _choice("priority", _PRIORITIES),
    "group": _reference("group_id"),
    "group_id": _reference("group_id"),
    "assignee": _reference("assignee_id"),
    "assignee_id": _reference("assignee_id"),
    "custom_fields": _custom_fields,
    "type": _choice("type", _TYPES),
    "due_at": _text("due_at"),
}

_CHANGES: Mapping[str, Callable[[Any], Json]] = {**_SHARED, "status": _choice("status", _STATUSES)}

_FIELDS: Mapping[str, Callable[[Any], Json]] = {
    **_SHARED,
    "subject": _text("subject"),
    "body": _nothing,
    "requester": _requester,
    "tags": lambda value: {"tags": list(_tags(value))},
    "external_id": lambda value: {"external_id": str(value)},
    "mark": lambda value: {"metadata": {MARK: str(value)}},
    "follow_up": _reference("via_followup_source_id"),
}
"""The neutral fields of a ticket."""


def _given(values: Json, known: Mapping[str, Any]) -> Json:
    for name in values:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"
            raise _wrong(name, "is no field of a ticket", remedy)
    return {name: value for name, value in values.items() if value is not None}


def _wrong(name: str, trouble: str, remedy: str) -> Permanent:
    return Permanent(f"ticket field {name} {trouble}; {remedy}", code="invalid_ticket")
