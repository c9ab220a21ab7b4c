"""What an agent asked for with one click: an event of ours, and later what became of it.

The click's key is the event's id, so a click that is sent twice is one event. From there on it is an event like any
other: it enters by the inbox, and workflows decide what follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from connector.storage.engine.database import Database
from connector.storage.schema.tables import deliveries, events, invitations, runs, suppressions
from connector.storage.stores.inbox import OWN, insert_deliveries, own_event

_STOPPED = ("failed", "dead", "cancelled", "needs_review", "done_with_failure", "dismissed")


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """What became of a click. ``state``: waiting (under way), sent, withheld (a survey was not sent, ``reason`` says
    why), done, stopped (nothing took it up, or what did came to grief)."""

    state: str
    reason: str = ""


def record(
    database: Database, tx: Connection, event_type: str, key: str, data: Mapping[str, Any], now: datetime
) -> bool:
    """Put the click's event into the inbox. False: it was there already, and nothing changes."""
    [new] = insert_deliveries(database, tx, [own_event(event_type, _id(key), now, data)])
    return new


def became(tx: Connection, key: str) -> RequestOutcome | None:
    """What became of the click with this key; None: there was none."""
    d, e = deliveries.c, events.c
    if tx.execute(select(d.id).where(d.connection == OWN, d.key == _id(key))).first() is None:
        return None
    event = tx.execute(select(events).where(e.connection == OWN, e.external_id == _id(key))).one_or_none()
    if event is None:
        return RequestOutcome("waiting")
    begun = tx.execute(select(runs.c.id, runs.c.status, runs.c.reason).where(runs.c.event_seq == event.seq)).all()
    if event.type != "survey.requested":
        return RequestOutcome("done")
    if not begun:
        return RequestOutcome("stopped", _why_nothing_began(event.decisions))
    return _of_survey(tx, event.customer_id, begun)


def _of_survey(tx: Connection, customer_id: str | None, begun: Any) -> RequestOutcome:
    ids = [run.id for run in begun]
    i, s = invitations.c, suppressions.c
    invited = tx.execute(select(i.status, i.reason).where(i.customer_id == customer_id, i.run_id.in_(ids))).first()
    if invited is not None and invited.status != "prepared":
        return RequestOutcome("withheld", invited.reason) if invited.status == "withheld" else RequestOutcome("sent")
    held = tx.execute(select(s.reason).where(s.customer_id == customer_id, s.run_id.in_(ids))).first()
    if held is not None:
        return RequestOutcome("withheld", held.reason)
    stopped = next((run for run in begun if run.status in _STOPPED), None)
    if stopped is not None:
        return RequestOutcome("stopped", stopped.reason)
    return RequestOutcome("waiting" if any(run.status != "succeeded" for run in begun) else "done")


def _why_nothing_began(decisions: Any) -> str:
    said = [f"{each['workflow']}: {each['why']}" for each in decisions]
    return "; ".join(said) or "no workflow listens to survey.requested"


def _id(key: str) -> str:
    return f"click-{key}"
