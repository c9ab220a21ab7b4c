"""What may be written on a ticket, and how Zendesk reads it: one small reader per field."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sandbox.clock import parse, zulu
from sandbox.zendesk import errors, people
from sandbox.zendesk.state import CUSTOM_STATUS, Json, State, is_staff

PRIORITIES = ("urgent", "high", "normal", "low")
TYPES = ("problem", "incident", "question", "task")
STATUSES = ("new", "open", "pending", "hold", "solved", "closed")

Reader = Callable[[State, Any], Any]


def _one_of(field: str, allowed: tuple[str, ...]) -> Reader:
    def read(_state: State, value: Any) -> Any:
        if value not in (None, "", *allowed):
            raise errors.invalid(field, f"{field.capitalize()}: {value} is not one of {', '.join(allowed)}")
        return value or None

    return read


def _text(_state: State, value: Any) -> Any:
    return None if value is None else str(value)


def _due(_state: State, value: Any) -> Any:
    try:
        return None if value in (None, "") else zulu(parse(str(value)))
    except ValueError:
        raise errors.invalid("due_at", f"Due at: {value} is not a valid date") from None


def _group(state: State, value: Any) -> Any:
    if value is not None and (value not in state.groups or state.groups[value]["deleted"]):
        raise errors.invalid("group", f"Group: {value} is invalid")
    return value


def _assignee(state: State, value: Any) -> Any:
    if value is not None and not is_staff(state.users.get(value, {"role": ""})):
        raise errors.invalid("assignee", f"Assignee: {value} is not an agent")
    return value


def _requester(state: State, value: Any) -> Any:
    if value not in state.users:
        raise errors.invalid("requester", f"Requester: {value} is invalid")
    return people.not_suspended(state.users[value])["id"]


def _anything(_state: State, value: Any) -> Any:
    return value


READERS: dict[str, Reader] = {
    "subject": _text,
    "priority": _one_of("priority", PRIORITIES),
    "type": _one_of("type", TYPES),
    "status": _one_of("status", STATUSES),
    "external_id": _text,
    "due_at": _due,
    "group_id": _group,
    "assignee_id": _assignee,
    "requester_id": _requester,
    "organization_id": _anything,
    "brand_id": _anything,
    "ticket_form_id": _anything,
    "problem_id": _anything,
    "tags": lambda _state, value: tags(value),
}
_ELSEWHERE = frozenset(
    {
        "comment",
        "description",
        "custom_fields",
        "fields",
        "requester",
        "submitter_id",
        "assignee_email",
        "metadata",
        "safe_update",
        "updated_stamp",
        "via_followup_source_id",
        "email_ccs",
        "followers",
        "collaborators",
        "via",
    }
)


def tags(value: Any) -> list[str]:
    """Tags from a list or from words of a text: lower case, each once, sorted as Zendesk shows them."""
    words = value.split() if isinstance(value, str) else [str(tag) for tag in value or []]
    return sorted({re.sub(r"[\s,]+", "_", word.strip().lower()) for word in words if word.strip()})


def read(state: State, given: Json) -> Json:
    """The plain fields of a ticket, checked. Raises 422."""
    wanted = {field: reader(state, given[field]) for field, reader in READERS.items() if field in given}
    if given.get("assignee_email"):
        wanted["assignee_id"] = _agent_with(state, given["assignee_email"])
    if "requester" in given:
        wanted["requester_id"] = people.not_suspended(people.requester(state, given["requester"]))["id"]
    return wanted


def _agent_with(state: State, email: str) -> int:
    found = people.find(state, email=email)
    if found is None or not is_staff(found):
        raise errors.invalid("assignee", "Assignee: no agent has this e-mail address")
    return int(found["id"])


def settle(state: State, actor: Json, ticket: Json, wanted: Json) -> Json:
    """Let Zendesk's own rules complete what was asked."""
    result = {**ticket, **wanted}
    if result["status"] == "solved" and result["assignee_id"] is None and is_staff(actor):
        wanted["assignee_id"] = result["assignee_id"] = actor["id"]
    if result["assignee_id"] is not None and result["group_id"] is None:
        wanted["group_id"] = state.users[result["assignee_id"]]["default_group_id"]
    if result["assignee_id"] is not None and result["status"] in ("new", None):
        wanted["status"] = "open"
    if result["type"] != "task" and result["due_at"] is not None:
        wanted["due_at"] = (
            None  # only a task has a due date; asked of any other type it is dropped without a word
        )
    if wanted.get("status", 0) is None:
        del wanted["status"]
    return wanted


def derived(ticket: Json) -> Json:
    """The keys that follow from others."""
    return {"raw_subject": ticket["subject"], "custom_status_id": CUSTOM_STATUS[ticket["status"]]}


def custom_values(state: State, given: Json) -> dict[int, Any]:
    """``custom_fields`` as id → value; ids that do not exist are ignored, as Zendesk does."""
    listed = given.get("custom_fields") or given.get("fields") or []
    pairs = (
        listed.items()
        if isinstance(listed, dict)
        else ((item.get("id"), item.get("value")) for item in listed)
    )
    return {int(key): value for key, value in pairs if str(key).isdigit() and int(key) in state.ticket_fields}


def unpermitted(given: Json) -> list[str]:
    """Keys of a ticket that Zendesk ignores, for its warning header."""
    return sorted(f"ticket.{key}" for key in set(given) - set(READERS) - _ELSEWHERE)
