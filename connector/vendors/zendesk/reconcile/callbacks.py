"""Callbacks whose tickets stand otherwise than we believe: compared a hundred at a time, and put right by an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, select

from connector.feedback.callbacks.state_machine import SOLVED
from connector.runtime.effects.background_calls import BackgroundCallBudget
from connector.storage.schema.tables import OPEN_CALLBACKS, SOLVED_CALLBACKS, callbacks
from connector.vendors.zendesk.reconcile.feed import Feed
from integrations.protocols import Json
from integrations.zendesk.history import MOST_TICKETS, ZendeskHistory

BATCHES = 20
"""Of a hundred callbacks in one reading; the next goes on behind them, and begins again at the end."""

MOST_GONE = 20
"""Tickets that are asked for by themselves in one reading, because the batch did not show them."""

STILL_TURNING = timedelta(days=7)
"""A solved callback is looked at for so long: it may be opened again."""

SETTLED = timedelta(minutes=5)
"""A ticket that changed less than that ago may still be told of by its webhook."""

_HERE = (
    select(*(callbacks.c[name] for name in ("id", "ticket_id", "external_id", "status", "changed_at")))
    .where(callbacks.c.connection == bindparam("connection"), callbacks.c.id > bindparam("after"))
    .where(callbacks.c.ticket_id.is_not(None))
    .order_by(callbacks.c.id)
    .limit(MOST_TICKETS)
)
_ENDED = ("solved", "closed")
_MERGED = "closed_by_merge"  # the tag that Zendesk gives a ticket that was merged into another


def read(feed: Feed, ledger: ZendeskHistory, permits: BackgroundCallBudget, value: str, now: datetime) -> str:
    """``value`` is the id of the last callback that was looked at."""
    gone = MOST_GONE
    for _ in range(BATCHES):
        rows = _next(feed, value, now)
        if not rows:
            return ""
        permits.take()
        shown = ledger.tickets([row.ticket_id for row in rows])
        for row in rows:
            if row.ticket_id in shown:
                _compare(feed, row, shown[row.ticket_id], now)
            elif gone:
                gone -= 1
                permits.take()
                if ledger.is_gone(row.ticket_id):
                    feed.ticket("ticket.deleted", {"id": row.ticket_id, "external_id": row.external_id}, now)
        value = rows[-1].id
    return value


def _next(feed: Feed, after: str, now: datetime) -> Sequence[Any]:
    """The open ones and those that were solved lately, each by an index of its own."""
    c = callbacks.c
    recent = and_(SOLVED_CALLBACKS, c.changed_at > now - STILL_TURNING)
    with feed.database.read() as tx:
        found = [row for which in (OPEN_CALLBACKS, recent) for row in tx.execute(_HERE.where(which), {
            "connection": feed.connection, "after": after})]  # fmt: skip
    return sorted(found, key=lambda row: str(row.id))[:MOST_TICKETS]


def _compare(feed: Feed, row: Any, ticket: Json, now: datetime) -> None:
    kind, at = _implied(row.status, ticket), _changed_at(ticket)
    if kind and at is not None and row.changed_at <= at <= now - SETTLED:
        feed.ticket(kind, ticket, at)


def _implied(believed: str, ticket: Json) -> str:
    """The event that leads from what we believe to how the ticket stands; "" when nothing is missing."""
    status, merged = ticket.get("status"), _MERGED in (ticket.get("tags") or ())
    if status == "closed" and merged:
        return "ticket.merged"
    if status in _ENDED:
        return "" if believed in SOLVED else "ticket.solved"
    if status == "deleted":
        return "ticket.deleted"
    return "ticket.reopened" if believed in SOLVED else ""


def _changed_at(ticket: Mapping[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(str(ticket.get("updated_at")))
    except ValueError:
        return None
