"""Opt-outs that reach us as events: from the CRM's consent fields, or from another survey platform."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from connector.feedback.base.event_hooks import IncomingEvent
from connector.feedback.consent import consents
from connector.storage.engine.database import Database


def record(
    database: Database, tx: Connection, batch: Sequence[IncomingEvent], now: datetime
) -> Sequence[IncomingEvent]:
    """Remember who wants no surveys. An opt-out is never undone by an event: only the person can."""
    ids = {each.customer.id for each in batch if each.customer and each.type == "customer.opted_out"}
    if ids:
        consents.opt_out(tx, ids, now)
    consents.learn_from(tx, batch, now)
    return batch

