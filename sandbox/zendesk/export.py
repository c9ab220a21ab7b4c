"""The incremental export of tickets: what changed since, in pages that a cursor continues."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from copy import deepcopy
from datetime import timedelta
from typing import Any

from sandbox.clock import parse
from sandbox.zendesk import errors
from sandbox.zendesk.state import Json, State

_LARGEST = 1000  # tickets to a page
_LEFT_OUT = timedelta(minutes=1)  # what changed just now comes with the next export


def changes(state: State, query: Mapping[str, str]) -> Json:
    """One page, by ``cursor`` or from ``start_time`` on. Also deleted tickets. Raises 422."""
    begin = _position(query)
    until = state.clock() - _LEFT_OUT
    ordered = sorted((_changed_at(each), each["id"], each) for each in state.tickets.values())
    since = [each for each in ordered if each[:2] > begin and each[0] <= until.timestamp()]
    size = min(_LARGEST, int(query.get("per_page") or _LARGEST))
    page = since[:size]
    tickets = [_exported(each) for _, _, each in page]
    after = page[-1][:2] if page else begin
    answer = {
        "tickets": tickets, "after_cursor": _cursor(after), "before_cursor": None, "end_of_stream": len(since) <= size,
        "after_url": f"{state.base_url}/api/v2/incremental/tickets/cursor.json?cursor={_cursor(after)}",
        "before_url": None,
    }  # fmt: skip
    if "metric_sets" in query.get("include", ""):
        answer["metric_sets"] = [_metrics(state, each) for each in tickets]
    return answer


def _exported(ticket: Json) -> Json:
    return {**deepcopy(ticket), "generated_timestamp": int(_changed_at(ticket))}


def _changed_at(ticket: Json) -> float:
    return parse(ticket["updated_at"]).timestamp()


def _metrics(state: State, ticket: Json) -> Json:
    """Of a ticket's metric set what can be known here: when it was solved last. Closing a solved one is no solve."""
    ends: dict[str, str] = {
        event["value"]: audit["created_at"]
        for audit in state.audits.get(ticket["id"], [])
        for event in audit["events"]
        if event.get("field_name") == "status"
    }
    at = ends.get("solved") or ends.get("closed")
    return {"id": ticket["id"] + 10**9, "ticket_id": ticket["id"], "solved_at": at}


def _position(query: Mapping[str, str]) -> tuple[float, int]:
    if query.get("cursor"):
        seconds, _, ticket = base64.b64decode(query["cursor"]).decode().partition("||")
        return float(seconds), int(ticket)
    try:
        return float(int(query["start_time"])), -1
    except (KeyError, ValueError):
        raise errors.invalid("start_time", "Start time: is missing or no number") from None


def _cursor(position: Any) -> str:
    return base64.b64encode(f"{position[0]}||{position[1]}".encode()).decode()
