"""Neutral ticket fields ⇄ Salesforce's Case. Pure: the same fields give the same body.

Sources: Salesforce's Object Reference, "Case" and "CaseComment".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from integrations.errors import Permanent
from integrations.protocols import Json
from integrations.salesforce.record_ids import record_id

SUBJECT_LIMIT = 255  # characters
TEXT_LIMIT = 32_000  # characters of a description
COMMENT_LIMIT = 4_000  # bytes of a comment's body

_FIELD = re.compile(r"[A-Za-z]\w{0,79}", re.ASCII)
_CUT = "\n… (cut here; Ringback keeps the whole of it)"
_PRIORITIES = ("low", "normal", "high", "urgent")
_STATUSES = ("new", "open", "pending", "hold", "solved", "closed")
_ESCALATED = "ringback_escalated"


@dataclass(frozen=True, slots=True)
class CaseNames:
    """How an org names what we write on a case; an empty field name leaves that part out.

    ``key`` is a unique external id: by it a case is opened once, and recognised as ours in messages.
    """

    object: str = "Case"  # or ContactRequest
    key: str = "Ringback_Key__c"  # text of 80, external id, unique
    tags: str = "Ringback_Tags__c"  # text of 255, with semicolons between
    due_at: str = "Ringback_Due_At__c"  # date and time
    origin: str = "Ringback"
    record_type: str = ""  # the id of a record type; the user's default without
    priorities: Mapping[str, str] = field(default_factory=lambda: {
        "low": "Low", "normal": "Medium", "high": "High", "urgent": "High"})  # fmt: skip
    statuses: Mapping[str, str] = field(default_factory=lambda: {
        "new": "New", "open": "Working", "pending": "On Hold", "hold": "On Hold", "solved": "Closed",
        "closed": "Closed"})  # fmt: skip


CASES = CaseNames()
NAMES = tuple(each.name for each in fields(CaseNames))


@dataclass(frozen=True, slots=True)
class CaseUpdate:
    """A neutral change, split by how Salesforce takes it: each part can be repeated on its own."""

    values: Json  # written over what is there
    comment: str
    public: bool
    tags: tuple[str, ...]  # added
    without: tuple[str, ...] = ()  # tags that are taken away


def render_case(ticket: Json, names: CaseNames) -> Json:
    """The body of ``POST /sobjects/Case`` from neutral fields; None leaves a field out."""
    given = _given(ticket, {**_SHARED, **_OPENING})
    rendered: dict[str, Any] = {"Origin": names.origin}
    for name, value in given.items():
        rendered |= _OPENING.get(name, _SHARED.get(name, _nothing))(value, names)
    if "tags" in given:
        rendered |= _tags(_listed(given["tags"]), names)
    if names.record_type:
        rendered["RecordTypeId"] = record_id("record_type", names.record_type)
    return {name: value for name, value in rendered.items() if name}


def render_update(changes: Json, names: CaseNames) -> CaseUpdate:
    """Neutral changes of an existing case."""
    known = {**_SHARED, "status": _status, **dict.fromkeys(("comment", "public", "tags", "remove_tags"), _nothing)}
    given = _given(changes, known)
    values: dict[str, Any] = {}
    for name, value in given.items():
        values |= known[name](value, names)
    added = _listed(given.get("tags", ()))
    if _ESCALATED in added:
        values["IsEscalated"] = True
    kept = {name: value for name, value in values.items() if name}
    without = _listed(given.get("remove_tags", ()))
    return CaseUpdate(kept, str(given.get("comment") or ""), given.get("public") is True, added, without)


def with_tags(before: str | None, added: tuple[str, ...], names: CaseNames, without: tuple[str, ...] = ()) -> Json:
    """The tags field after some were added, and others taken away; each once, in order."""
    known = [tag.strip() for tag in (before or "").split(";") if tag.strip()]
    return {names.tags: ";".join(tag for tag in dict.fromkeys([*known, *added]) if tag not in without)}


def commented(text: str, key: str) -> str:
    """A comment's body. Salesforce lets no field of ours hang on a comment, so its last line is our mark."""
    mark = f"\n{mark_of(key)}"
    room = COMMENT_LIMIT - len(mark.encode())
    return cut(text, room, lambda part: len(part.encode())) + mark


def mark_of(key: str) -> str:
    """What tells a comment that was written under this key from all others."""
    return f"(Ringback {hashlib.sha256(key.encode()).hexdigest()[:12]})"


def cut(text: str, room: int, size: Callable[[str], int]) -> str:
    """The text, or as much of it as fits with a word about the rest."""
    if size(text) <= room:
        return text
    part = text[: room - size(_CUT)]
    while size(part) > room - size(_CUT):
        part = part[: -max(1, (size(part) - room) // 4)]
    return part + _CUT


def _given(values: Json, known: Mapping[str, Any]) -> Json:
    for name in values:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"
            raise _wrong(name, "is no field of a ticket", remedy)
    return {name: value for name, value in values.items() if value is not None}


def _wrong(name: str, trouble: str, remedy: str) -> Permanent:
    return Permanent(f"ticket field {name} {trouble}; {remedy}", code="invalid_ticket")


def _requester(value: Any, names: CaseNames) -> Json:
    """By the contact's id; else what the person supplied, with which Salesforce's own rules find a contact."""
    if not isinstance(value, Mapping):
        raise _wrong("requester", "is no mapping", "give id, or email and name")
    if value.get("id"):
        return {"ContactId": record_id("requester.id", value["id"])}
    supplied = {"SuppliedEmail": value.get("email"), "SuppliedName": value.get("name")}
    return {name: str(text)[:80] for name, text in supplied.items() if text}


def _owner(value: Any, names: CaseNames) -> Json:
    """A user (005…) or a queue (00G…); Salesforce knows one owner."""
    return {"OwnerId": record_id("group or assignee", value)}


def _choice(name: str, target: str, table: str, allowed: tuple[str, ...]) -> Callable[[Any, CaseNames], Json]:
    def render(value: Any, names: CaseNames) -> Json:
        if value not in allowed:
            raise _wrong(name, f"is not one of {', '.join(allowed)}", "correct it in the workflow")
        return {target: getattr(names, table).get(value, value)}

    return render


def _custom_fields(value: Any, names: CaseNames) -> Json:
    if not isinstance(value, Mapping):
        raise _wrong("custom_fields", "is no mapping", "write API names with their values")
    for name in value:
        if not _FIELD.fullmatch(str(name)):
            raise _wrong("custom_fields", f"holds {str(name)[:40]!r}, which is no API name", "write it as Reason__c")
    return dict(value)


def _nothing(value: Any, names: CaseNames) -> Json:
    """For fields that are read elsewhere, or that a case has not (its type is the org's own)."""
    return {}


def _tags(tags: tuple[str, ...], names: CaseNames) -> Json:
    return {names.tags: ";".join(tags)} if names.tags and tags else {}


def _listed(value: Any) -> tuple[str, ...]:
    texts = value.split() if isinstance(value, str) else value
    return tuple(dict.fromkeys(str(each).replace(";", "_") for each in texts))


_status = _choice("status", "Status", "statuses", _STATUSES)

_SHARED: Mapping[str, Callable[[Any, CaseNames], Json]] = MappingProxyType({
    "priority": _choice("priority", "Priority", "priorities", _PRIORITIES),
    "group": _owner,
    "group_id": _owner,
    "assignee": _owner,
    "assignee_id": _owner,
    "custom_fields": _custom_fields,
    "type": _nothing,
    "due_at": lambda value, names: {names.due_at: str(value)},
})  # fmt: skip

_OPENING: Mapping[str, Callable[[Any, CaseNames], Json]] = MappingProxyType({
    "subject": lambda value, _: {"Subject": _shortened(str(value))},
    "body": lambda value, _: {"Description": cut(str(value), TEXT_LIMIT, len)},
    "requester": _requester,
    "tags": _nothing,
    "external_id": lambda value, names: {names.key: str(value)},
    "mark": _nothing,
})  # fmt: skip


def _shortened(text: str) -> str:
    return text if len(text) <= SUBJECT_LIMIT else text[: SUBJECT_LIMIT - 1] + "…"
