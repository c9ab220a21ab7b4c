"""A ticket's metrics, worked out from its audits: how often it was opened again, and when it was solved last."""

from __future__ import annotations

from sandbox.zendesk.state import Json, State

_ACTIVE = frozenset({"new", "open", "pending", "hold"})


def metric_set(state: State, ticket_id: int) -> Json:
    """The part of Zendesk's ``metric_set`` that the stand-in keeps."""
    changes = [
        (audit["created_at"], event.get("previous_value"), event["value"])
        for audit in state.audits.get(ticket_id, [])
        for event in audit["events"]
        if event.get("field_name") == "status"
    ]
    solved = [at for at, before, value in changes if value == "solved" or (value == "closed" and before != "solved")]
    reopened = [at for at, previous, value in changes if previous == "solved" and value in _ACTIVE]
    return {"ticket_id": ticket_id, "reopens": len(reopened), "solved_at": solved[-1] if solved else None}
