"""An answer may move its customer in the loyalty matrix; what is decided about the same event sees it there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from connector.feedback.base.event_hooks import IncomingEvent
from connector.feedback.customers import loyalty
from connector.storage.engine.database import Database


def move(
    database: Database, tx: Connection, batch: Sequence[IncomingEvent], now: datetime
) -> Sequence[IncomingEvent]:
    """Take the place of the answers' customers anew."""
    whose = {each.customer.id: each.customer.loyalty for each in batch if each.customer and _counts(each)}
    if not whose:
        return batch
    stand = loyalty.draw(tx, whose)
    loyalty.keep(tx, {id_: quadrant for id_, quadrant in stand.items() if quadrant != whose[id_]})
    return [_moved(each, stand.get(each.customer.id)) if each.customer else each for each in batch]


def _counts(arrival: IncomingEvent) -> bool:
    return arrival.data.get("metric") in loyalty.METRICS and arrival.data.get("score") is not None


def _moved(arrival: IncomingEvent, quadrant: str | None) -> IncomingEvent:
    if quadrant is None or arrival.customer is None or arrival.customer.loyalty == quadrant:
        return arrival
    return replace(arrival, customer=replace(arrival.customer, loyalty=quadrant))
