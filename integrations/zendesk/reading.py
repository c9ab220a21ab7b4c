"""What Zendesk's JSON of a ticket says, in neutral words. Pure.

Source: Zendesk's Support API, "Tickets". A ticket that was merged into another is closed and has a tag that says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.protocols import Json

MERGED = "closed_by_merge"


def ticket(found: Mapping[str, Any]) -> Json:
    """How a ticket stands: ``custom_fields`` maps field ids (as text) to values, empty ones left out."""
    tags = [str(tag) for tag in found.get("tags") or ()]
    metrics = found.get("metric_set") or {}
    return {
        "ticket_id": str(found["id"]),
        "subject": str(found.get("raw_subject") or found.get("subject") or ""),
        "requester_id": str(found.get("requester_id") or ""),
        "status": str(found.get("status") or ""),
        "tags": tags,
        "reopens": metrics.get("reopens"),
        "solved_at": metrics.get("solved_at"),
        "merged": MERGED in tags,
        "custom_fields": {str(each["id"]): each["value"] for each in _fields(found) if each["value"] not in (None, "")},
    }


def kept(found: Mapping[str, Any], sent: Mapping[str, Any]) -> Json:
    """What the answer to a new ticket tells beside its id: the requester, and which of the custom fields that were
    sent Zendesk dropped without a word, because there are none with these ids."""
    requester = found.get("requester_id")
    there = {str(each["id"]) for each in _fields(found)} if "custom_fields" in found else None
    asked = [str(each["id"]) for each in sent.get("custom_fields") or ()]
    ignored = [id_ for id_ in asked if there is not None and id_ not in there]
    return {"requester_id": None if requester is None else str(requester), "ignored": ignored}


def _fields(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [each for each in found.get("custom_fields") or () if isinstance(each, Mapping) and "value" in each]
