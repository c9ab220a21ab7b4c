"""Records as JSON: what a Flow's HTTP callout sends, and what our own look for gaps found.

    {"organization": "00D…", "object": "Case", "record": {"Id": "500…", "IsClosed": true, …}}
    {"organization": "00D…", "records": [{"attributes": {"type": "Case"}, "Id": "500…", …}, …]}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from webhooks.errors import Unreadable
from webhooks.parsing import excerpt, mapping, text_or_none
from webhooks.salesforce.records import RecordNotification, looks_like_id

MOST = 2000  # records in one body

_SHAPE = 'send {"object": "Case", "record": {…}} or {"records": [{"attributes": {"type": "Case"}, …}]}'


def read_records(body: Mapping[str, Any]) -> tuple[RecordNotification, ...]:
    """The records in ``body``. Raises ``Unreadable``; one broken record does not break the rest."""
    found = body.get("records") if "records" in body else [body.get("record")]
    if not isinstance(found, list) or not 1 <= len(found) <= MOST:
        said = f"{len(found)} of them" if isinstance(found, list) else excerpt(found)
        raise Unreadable(f"records is {said}", remedy=f"send a list of 1 to {MOST} records")
    if found == [None]:
        raise Unreadable("the body holds no record", remedy=_SHAPE)
    return tuple(_telling(each, text_or_none(body.get("object"))) for each in found)


def organization_of(body: Mapping[str, Any]) -> str:
    return text_or_none(body.get("organization")) or ""


def _telling(record: Any, kind: str | None) -> RecordNotification:
    if not isinstance(record, dict):
        return RecordNotification("", "", {}, f"it is {excerpt(record)}, not an object")
    named = text_or_none(mapping(record.get("attributes")).get("type")) or kind or ""
    fields = {name: value for name, value in record.items() if name != "attributes"}
    return RecordNotification(_name(fields), named, fields, _trouble(named, fields))


def _trouble(kind: str, fields: Mapping[str, Any]) -> str:
    if not kind:
        return "it does not say of which object it is"
    return "" if looks_like_id(fields.get("Id")) else "it has no Id, or one that is no Salesforce id"


def _name(fields: Mapping[str, Any]) -> str:
    """The same state told twice is one telling."""
    state: Sequence[Any] = sorted(fields.items(), key=lambda item: str(item[0]))
    return f"record:{hashlib.sha256(json.dumps(state, default=str).encode()).hexdigest()}"
