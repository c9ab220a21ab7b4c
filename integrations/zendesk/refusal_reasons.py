"""Why Zendesk refused a ticket, told with the value that it refused and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from integrations.errors import Permanent

_REMEDIES: Mapping[str, tuple[str, str]] = {
    "group": ("group_id", "the group was deleted, or is not this account's; name another in the workflow"),
    "assignee": ("assignee_id", "the agent left, was suspended, or is not in that group; name another in the workflow"),
    "requester": ("requester_id", "the customer's user is suspended or deleted in Zendesk; unsuspend them there"),
    "custom_fields": ("custom_fields", "a field does not take its value; compare it with its settings in Zendesk"),
    "priority": ("priority", "use low, normal, high or urgent"),
    "type": ("type", "use problem, incident, question or task"),
}
"""What Zendesk calls a part of the ticket → our field of it, and the remedy."""


@contextmanager
def explained(ticket: Mapping[str, Any]) -> Iterator[None]:
    """Tell a refusal of this ticket (422) with the field, the id that stood in it, and the remedy. The reason holds no
    text that a person wrote."""
    try:
        yield
    except Permanent as error:
        told = [_sentence(name, ticket) for name in error.fields if name.removesuffix("_id") in _REMEDIES]
        if error.status != 422 or not told:
            raise
        raise _again(error, told) from error


def _again(error: Permanent, told: list[str]) -> Permanent:
    better = Permanent(f"{error.reason}: {'; '.join(told)}, then retry this step", code=error.code, status=error.status)
    better.fields, better.words = error.fields, error.words
    return better


def _sentence(name: str, ticket: Mapping[str, Any]) -> str:
    field, remedy = _REMEDIES[name.removesuffix("_id")]
    value = ticket.get(field)
    shown = f" {value}" if isinstance(value, int) or field in ("priority", "type") else ""
    return f"{name}{shown} was refused: {remedy}"
