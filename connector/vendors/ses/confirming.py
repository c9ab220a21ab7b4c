"""Answering SNS when it asks whether we want its messages: by visiting its address, after what asks was verified.

How far we are is a position: a process that dies visits again, which changes nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, bindparam, select

from connector.storage.schema.tables import deliveries
from connector.storage.stores import cursors
from connector.vendors.base import JobParts
from integrations.errors import IntegrationError
from webhooks.errors import Refused
from webhooks.ses.signature import CONFIRMATION, expect_confirmation_address
from webhooks.ses.source import TYPE

log = logging.getLogger(__name__)

EVERY_SECONDS = 30.0
_LEASE = timedelta(minutes=1)
_MOST = 500  # deliveries that are looked at in one tick

_NEWER = (
    select(deliveries.c.id, deliveries.c.headers, deliveries.c.body, deliveries.c.status)
    .where(deliveries.c.connection == bindparam("connection"), deliveries.c.id > bindparam("place"))
    .order_by(deliveries.c.id)
    .limit(_MOST)
)


class SubscriptionConfirmer:
    """One tick looks at what came since the last. ``confirm`` visits an address."""

    def __init__(self, parts: JobParts, confirm: Callable[[str], None]) -> None:
        self._parts, self._confirm = parts, confirm

    def tick(self) -> None:
        """Never raises; what failed is tried again at the next tick."""
        for each in self._parts.connections:
            try:
                self._look(each.name)
            except (IntegrationError, Refused) as error:
                log.warning("a subscription of connection %s is not confirmed: %s", each.name, error.reason)
            except Exception:
                log.exception("subscriptions of connection %s cannot be confirmed", each.name)

    def _look(self, connection: str) -> None:
        name, database = f"sns:{connection}", self._parts.database
        place = database.transact(partial(self._take, name))
        if place is None:
            return
        with database.read() as tx:
            rows = tx.execute(_NEWER, {"connection": connection, "place": int(place)}).all()
        for row in rows:
            if row.headers.get(TYPE) == CONFIRMATION and row.status != "unreadable":
                self._answer(connection, json.loads(row.body))
        reached = str(rows[-1].id) if rows else place
        database.transact(lambda tx: cursors.move(tx, name, reached, self._parts.clock()))

    def _take(self, name: str, tx: Connection) -> str | None:
        now = self._parts.clock()
        return cursors.take(self._parts.database, tx, name, now, lease=_LEASE, every=timedelta(0), first="0")

    def _answer(self, connection: str, message: Mapping[str, Any]) -> None:
        expect_confirmation_address(message["SubscribeURL"], message["TopicArn"])
        self._confirm(message["SubscribeURL"])
        log.info("connection %s: the subscription to %s is confirmed", connection, message["TopicArn"])
