"""Records as JSON: what a Flow's HTTP callout sends, and what our own look for gaps found.

    {"organization": "00D…", "object": "Case", "record": {"Id": "500…", "IsClosed": true, …}}
    {"organization": "00D…", "records": [{"attributes": {"type": "Case"}, "Id": "500…", …}, …]}
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from webhooks.errors import Unreadable
from webhooks.parsing import excerpt, json_object, lenient_json, mapping, storable, text_or_none
from webhooks.salesforce.records import RecordNotification, looks_like_id

MOST = 2000  # records in one body

_SHAPE = 'send {"object": "Case", "record": {…}} or {"records": [{"attributes": {"type": "Case"}, …}]}'


_LIST = re.compile(r'"records"\s*:\s*\[')
_NEXT = re.compile(r"\}\s*,\s*(?=\{)")
_GAP = re.compile(r"[\s,]*")


class _NoJson:
    """Stands where a record cannot be read."""


_UNREADABLE = _NoJson()


def read_body(body: bytes) -> Mapping[str, Any]:
    """The JSON object in ``body``. Flows put it together from texts, so a record may hold a raw line break, a byte that
    is no text, or a quotation mark that ends its text too early: the others do not suffer. Raises ``Unreadable``."""
    try:
        return json_object(body)
    except Unreadable:
        text = body.decode("utf-8-sig", "replace")
        found = _mended(text)
        if found is None:
            raise
    return found


def _mended(text: str) -> Mapping[str, Any] | None:
    whole = _lenient(text)
    if whole is not None or (begin := _LIST.search(text)) is None:
        return whole
    end = text.rfind("]")
    frame = _lenient(f"{text[: begin.end()]}{text[end:]}")
    return None if frame is None else {**frame, "records": list(_one_by_one(text[:end], begin.end()))}


def _lenient(text: str) -> dict[str, Any] | None:
    try:
        value = lenient_json().decode(text)
    except (ValueError, RecursionError):
        return None
    return storable(value) if isinstance(value, dict) else None


def _one_by_one(text: str, at: int) -> Iterator[Any]:
    """The records from ``at`` on; behind one that cannot be read, the next begins where an object ends and another
    begins."""
    decoder, count = lenient_json(), 0
    while (at := _end(_GAP, text, at)) < len(text) and count <= MOST:
        count += 1
        try:
            record, at = decoder.raw_decode(text, at)
            yield storable(record)
        except (ValueError, RecursionError):
            yield _UNREADABLE
            at = _end(_NEXT, text, at, search=True)


def _end(shape: re.Pattern[str], text: str, at: int, *, search: bool = False) -> int:
    found = (shape.search if search else shape.match)(text, at)
    return found.end() if found else len(text)


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
    if record is _UNREADABLE:
        return RecordNotification("", "", {}, "it is not JSON")
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
