"""The agent's sidebar as a feature: it owns nothing, and tells on the timeline what no feature's table tells better."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, and_, select

from connector.feedback.base.feature import Feature
from connector.feedback.base.timeline_source import TimelineSource, logged_in
from connector.feedback.responses.store import ANSWERED
from connector.storage.schema.tables import events
from connector.storage.stores.inbox import OWN

_TOLD = (
    "ticket_id", "subject", "status", "into", "rating", "comment", "case", "opportunity", "campaign", "source",
    "outcome", "root_cause", "note", "answered_at",
)  # fmt: skip

_SILENT = (
    "survey.sent", "survey.opened", "survey.started", "survey.score_given", "survey.answered", "survey.changed",
    "survey.doubted", "survey.reminded", "survey.expired", "survey.bounced",
    "survey.requested", "ticket.assigned", "ticket.commented", "ticket.requester_changed", "callback.changed",
    "contact.changed", "contact.merged", "contact.deleted", "customer.anniversary", "mail.bounced", "mail.complained",
    "mail.answered",
)  # fmt: skip
"""Events that are no moments of their own: a table tells them better, or nobody wants to read them."""


def _event(row: Row[Any]) -> dict[str, Any]:
    """What happened elsewhere: ``type`` is the event's, the rest what a person wants to know of it."""
    data = row.data  # of senders who may put anything under these names
    known = {name: data[name] for name in _TOLD if isinstance(data.get(name), str | int) and data[name] != ""}
    by, context = (data.get(name) if isinstance(data.get(name), dict) else {} for name in ("by", "context"))
    said = {"logged_by": by["name"]} if by.get("name") else {}
    return {"type": row.type, "connection": row.connection, **known, **said, **logged_in(context)}


def _moments() -> ColumnElement[bool]:
    """Events that are moments. Answers with a score and our own opt-outs stand in tables that tell them whole."""
    c = events.c
    scored = and_(c.type.in_(ANSWERED), c.data["score"].as_string().is_not(None))
    own_opt_out = and_(c.type == "customer.opted_out", c.connection == OWN)
    return and_(c.type.not_in(_SILENT), ~scored, ~own_opt_out)


FEATURE: Feature[object] = Feature(
    name="agent",
    timeline=(
        TimelineSource(
            "event", select(events).where(_moments()), events.c.customer_id, events.c.time, events.c.id, _event
        ),
    ),
)
