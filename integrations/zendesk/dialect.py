"""How Zendesk refuses and what it says of its limits. Pure.

Sources: Zendesk's API reference ("Response format", "Rate limits") and answers recorded from real accounts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from integrations.error_mapping import Complaint, Dialect, Limit
from integrations.errors import AuthFailed, IntegrationError, RateLimited, Transient

_CLOSED = "closed prevents ticket update"
_PART = re.compile(r"(total|remaining|resets)=(\d+)")
_ENDPOINT = re.compile(r"zendesk-rate-?limit-(.+)", re.IGNORECASE)

_OF_SETTINGS = frozenset(
    {"group", "group_id", "priority", "type", "status", "due_at", "brand", "brand_id", "ticket_form_id", "tags", "base",
     "custom_fields"}
)  # fmt: skip
"""Fields of a ticket that hold nothing of its people."""


def complaint(body: Any) -> Complaint:
    """Read ``{"error": code | {"title"}, "details": {field: …}}`` or ``{"errors": [{"code"}]}``."""
    if not isinstance(body, Mapping):
        return Complaint()
    details = body.get("details")
    fields = tuple(map(str, details)) if isinstance(details, Mapping) else ()
    return Complaint("closed" if _is_closed(details) else _code(body), fields, words=_words(details))


def _words(details: Any) -> str:
    """What Zendesk says of the fields that workflows fill: "Group: 12 is invalid". Of others it may quote a person."""
    lists = [told for name, told in details.items() if name in _OF_SETTINGS] if isinstance(details, Mapping) else []
    entries = (entry for each in lists if isinstance(each, list) for entry in each if isinstance(entry, Mapping))
    return "; ".join(dict.fromkeys(str(entry["description"]) for entry in entries if entry.get("description")))


def _code(body: Mapping[str, Any]) -> str:
    error, errors = body.get("error"), body.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], Mapping):
        return str(errors[0].get("code", ""))
    return str(error.get("title", "")) if isinstance(error, Mapping) else str(error or "")


def _is_closed(details: Any) -> bool:
    """Only the text tells this 422 from other invalid records."""
    status = details.get("status") if isinstance(details, Mapping) else None
    entries = status if isinstance(status, list) else []
    return any(isinstance(entry, Mapping) and _CLOSED in str(entry.get("description")) for entry in entries)


def limits(headers: Mapping[str, str]) -> tuple[Limit, ...]:
    """The account's requests per minute ("account") and single endpoints' limits ("tickets-update")."""
    return tuple(_account(headers)) + tuple(_endpoints(headers))


def _account(headers: Mapping[str, str]) -> Iterator[Limit]:
    total = _number(headers, "x-rate-limit", "ratelimit-limit", "rate-limit")
    remaining = _number(headers, "x-rate-limit-remaining", "ratelimit-remaining", "rate-limit-remaining")
    resets = _number(headers, "ratelimit-reset", "rate-limit-reset")
    if total is not None and remaining is not None:
        yield Limit("account", total, remaining, None if resets is None else float(resets))


def _endpoints(headers: Mapping[str, str]) -> Iterator[Limit]:
    for name, text in headers.items():
        if found := _ENDPOINT.fullmatch(name):
            parts = {key: int(value) for key, value in _PART.findall(text)}
            if {"total", "remaining"} <= parts.keys():
                resets = float(parts["resets"]) if "resets" in parts else None
                yield Limit(found[1].lower(), parts["total"], parts["remaining"], resets)


def _number(headers: Mapping[str, str], *names: str) -> int | None:
    texts = (headers.get(name, "") for name in names)
    return next((int(text) for text in texts if text.isascii() and text.isdigit()), None)


KINDS: Mapping[str, type[IntegrationError]] = {
    # A token without the scope, or an account that is switched off: no other request will fare better.
    **dict.fromkeys(("insufficient_scope", "invalid_token", "AccountSuspended"), AuthFailed),
    # Two writes met, which passes, whatever the status says.
    **dict.fromkeys(("UpdateConflict", "DatabaseConflict"), Transient),
    "TooManyJobs": RateLimited,  # the queue of jobs is full
}

DIALECT = Dialect(
    vendor="Zendesk",
    complaint=complaint,
    kinds=KINDS,
    limits=limits,
    rolls_back=False,  # Zendesk promises nothing about a 500: the ticket may have been saved before it
)
