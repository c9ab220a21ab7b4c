"""What a person decides themselves: kept with the wording they saw, and an opt-out told as an event. All functions work
inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from connector.ids import new_id
from connector.storage.engine import bulk
from connector.storage.engine.database import Database
from connector.storage.schema.tables import consents, customers
from connector.storage.stores.inbox import insert_deliveries, own_event

OPT_OUT_TEXT = "unsubscribe-1"
"""The version of the wording on the unsubscribe page, kept with the opt-out."""

TOLD_TO_US = "told-to-staff"
"""Instead of a wording: the person said it to somebody of the staff."""

_KEPT = bulk.Insert(consents)


def opt_out(
    database: Database, connection: Connection, customer_id: str, source: str, now: datetime,
    *, text_version: str = OPT_OUT_TEXT, by: str = "", note: str = "",
) -> bool:  # fmt: skip
    """Stop all surveys to this person: kept with text version and time, and reported as an event.

    ``source`` says how they asked for it ("one-click"), ``by`` and ``note`` who of the staff wrote it down and why.
    False: they had opted out before; nothing changes.
    """
    c = customers.c
    statement = update(customers).where(c.id == customer_id, c.opted_out_at.is_(None))
    if connection.execute(statement.values(opted_out_at=now, updated_at=now)).rowcount == 0:
        return False
    keep(connection, [decision(customer_id, "surveys", False, text_version, source, now, by=by, note=note)])
    data = {"customer": {"id": customer_id}, "channel": "email", "source": source}
    event = own_event("customer.opted_out", f"opted-out-{customer_id}-{now.isoformat()}", now, data)
    insert_deliveries(database, connection, [event])
    return True


def opt_in(connection: Connection, customer_id: str, source: str, now: datetime, *, by: str, note: str) -> bool:
    """The person wants surveys again, as they told somebody of the staff. False: they had never opted out."""
    c = customers.c
    statement = update(customers).where(c.id == customer_id, c.opted_out_at.is_not(None))
    if connection.execute(statement.values(opted_out_at=None, updated_at=now)).rowcount == 0:
        return False
    keep(connection, [decision(customer_id, "surveys", True, TOLD_TO_US, source, now, by=by, note=note)])
    return True


def decision(
    customer_id: str, kind: str, granted: bool, version: str, source: str, at: datetime,
    *, by: str = "", note: str = "",
) -> dict[str, Any]:  # fmt: skip
    """The row of what somebody decided, with the version of the wording they saw and how they said it."""
    known = {"id": new_id(), "customer_id": customer_id, "kind": kind, "granted": granted}
    return {**known, "text_version": version, "source": source, "by": by, "note": note, "at": at}


def keep(connection: Connection, decisions: Sequence[dict[str, Any]]) -> None:
    """Rows are only added: each is a decision of its moment."""
    bulk.execute(connection, _KEPT, decisions)
