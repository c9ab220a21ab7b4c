"""Solves that nobody told us of, from Zendesk's incremental export: for when the webhook itself was off, or its log is
too old to tell."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from connector.runtime.effects.background_calls import BackgroundCallBudget
from connector.storage.schema.tables import events
from connector.vendors.zendesk.reconcile.feed import Feed
from integrations.protocols import Json
from integrations.zendesk.history import Changes, ZendeskHistory
from webhooks.zendesk.tickets import ticket_reference

PAGES = 5
"""Pages of up to 1,000 tickets in one reading; Zendesk allows ten requests a minute."""

SETTLED = timedelta(minutes=5)
"""A ticket that was solved less than that ago may still be told of by its webhook."""

_SOLVED = ("solved", "closed")
_MERGED = "closed_by_merge"  # the tag that Zendesk gives a ticket that was merged into another
_BEGIN = timedelta(minutes=2)  # the export leaves out the last minute


def read(feed: Feed, ledger: ZendeskHistory, permits: BackgroundCallBudget, value: str, now: datetime) -> str:
    """``value`` holds the export's cursor and when we began: what was solved before that is none of our business."""
    place: dict[str, str] = json.loads(value) if value else {"cursor": "", "began": now.isoformat()}
    began, cursor = datetime.fromisoformat(place["began"]), place["cursor"]
    for _ in range(PAGES):
        permits.take()
        changes = ledger.changes(cursor or None, now - _BEGIN)
        if not _tell(feed, changes, began, now - SETTLED):
            break  # the same page again, once those have settled
        cursor = changes.cursor or cursor
        if not changes.more:
            break
    return json.dumps({"cursor": cursor, "began": place["began"]})


def _tell(feed: Feed, changes: Changes, began: datetime, until: datetime) -> bool:
    """→ whether the page is done with: a solve after ``until`` may still be told by its webhook."""
    solved = [each for each in changes.tickets if _is_solved(each, changes.solved_at, began)]
    known = _known_solves(feed, [str(each["id"]) for each in solved])
    missed = [(each, changes.solved_at[str(each["id"])]) for each in solved if str(each["id"]) not in known]
    for ticket, at in missed:
        if at <= until:
            feed.ticket("ticket.solved", ticket, at)
    return all(at <= until for _, at in missed)


def _is_solved(ticket: Json, solved_at: Mapping[str, datetime], began: datetime) -> bool:
    at = solved_at.get(str(ticket["id"]))
    own = ticket.get("status") in _SOLVED and _MERGED not in (ticket.get("tags") or ())
    return own and at is not None and at >= began


def _known_solves(feed: Feed, ids: Sequence[str]) -> set[str]:
    """Of which tickets any solve is known. A second one matters for callbacks only, and those are compared one by one
    (``callbacks``)."""
    subjects = {ticket_reference(feed.connection, each): each for each in ids}
    if not subjects:
        return set()
    c = events.c
    with feed.database.read() as tx:
        found = tx.execute(select(c.subject).where(c.type == "ticket.solved", c.subject.in_(subjects)).distinct())
        return {subjects[subject] for subject in found.scalars()}
