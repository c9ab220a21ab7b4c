"""What a person decides themselves: kept with the wording they saw, and an opt-out told as an event. All functions work
inside the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, update

from connector.ids import new_id
from connector.storage.engine.database import Database
from connector.storage.schema.tables import consents, customers
from connector.storage.stores.inbox import insert_deliveries, own_event

OPT_OUT_TEXT = "unsubscribe-1"
"""The version of the wording on the unsubscribe page, kept with the opt-out."""


def opt_out(
    database: Database, connection: Connection, customer_id: str, source: str, now: datetime,
    *, text_version: str = OPT_OUT_TEXT,
) -> bool:  # fmt: skip
    """Stop all surveys to this person: kept with text version and time, and reported as an event.

    ``source`` says how they asked for it ("one-click"). False: they had opted out before; nothing changes.
    """
    c = customers.c
    statement = update(customers).where(c.id == customer_id, c.opted_out_at.is_(None))
    if connection.execute(statement.values(opted_out_at=now, updated_at=now)).rowcount == 0:
        return False
    keep(connection, customer_id, "surveys", False, text_version, source, now)
    data = {"customer": {"id": customer_id}, "channel": "email", "source": source}
    event = own_event("customer.opted_out", f"opted-out-{customer_id}-{now.isoformat()}", now, data)
    insert_deliveries(database, connection, [event])
    return True


def keep(
    connection: Connection, customer_id: str, kind: str, granted: bool, version: str, source: str, at: datetime
) -> None:
    """What somebody decided, with the version of the wording they saw."""
    row = {"id": new_id(), "customer_id": customer_id, "kind": kind, "granted": granted}
    connection.execute(insert(consents).values(**row, text_version=version, source=source, at=at))
