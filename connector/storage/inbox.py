"""The inbox: deliveries, stored before they are answered and kept after they are understood."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from connector.storage.database import Database
from connector.storage.group_commit import GroupCommit
from connector.storage.tables import deliveries, is_now
from webhooks.delivery import Delivery

OWN = "ringback"
"""The connection under which our own pages and features report events: they enter by the same door."""


class Inbox:
    """Keeps deliveries, many to a commit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._group: GroupCommit[dict[str, Any], bool] = GroupCommit(self._commit)

    def keep(self, delivery: Delivery, unreadable: str = "") -> bool:
        """Store it durably. False: it was there already. Raises what the database raises."""
        return self._group.submit(_row(delivery, unreadable))

    def _commit(self, rows: Sequence[dict[str, Any]]) -> list[bool]:
        return self._database.transact(lambda connection: insert_deliveries(self._database, connection, rows))


def insert_deliveries(database: Database, connection: Connection, rows: Sequence[dict[str, Any]]) -> list[bool]:
    """Insert those that are new; says of each row whether it was. A key that is twice in ``rows`` is new once."""
    statement = database.insert_new(deliveries).returning(deliveries.c.connection, deliveries.c.key)
    fresh = {(row.connection, row.key) for row in connection.execute(statement, list(rows))}
    new: list[bool] = []
    for row in rows:
        new.append((row["connection"], row["key"]) in fresh)
        fresh.discard((row["connection"], row["key"]))
    return new


def own_event(type_: str, id_: str, at: datetime, data: Mapping[str, Any]) -> dict[str, Any]:
    """The inbox row of an event of our own, in the inbound format; insert it in the transaction that caused it."""
    body = json.dumps({"type": type_, "id": id_, "time": at.isoformat(), "data": data}).encode()
    return _row(Delivery(OWN, id_, at, "application/json", {}, body), "")


def take_new(connection: Connection, limit: int, *, only: int | None = None) -> Sequence[Any]:
    """The oldest deliveries nobody works on, or ``only`` the one of this id; locked until the transaction ends."""
    statement = select(deliveries).where(is_now(deliveries.c.status, "new")).order_by(deliveries.c.id).limit(limit)
    if only is not None:
        statement = statement.where(deliveries.c.id == only)
    return connection.execute(statement.with_for_update(skip_locked=True)).all()


def new_ids(connection: Connection, limit: int) -> Sequence[int]:
    """The ids of the oldest deliveries that are not understood yet."""
    statement = select(deliveries.c.id).where(is_now(deliveries.c.status, "new"))
    return connection.execute(statement.order_by(deliveries.c.id).limit(limit)).scalars().all()


def settle(connection: Connection, results: Sequence[tuple[int, str, str]], at: datetime) -> None:
    """Say what became of deliveries: (id, status, reason) each."""
    if results:
        statement = update(deliveries).where(deliveries.c.id == bindparam("row"))
        connection.execute(
            statement.values(status=bindparam("new_status"), reason=bindparam("why"), processed_at=at),
            [{"row": id_, "new_status": status, "why": reason} for id_, status, reason in results],
        )


def _row(delivery: Delivery, unreadable: str) -> dict[str, Any]:
    return {
        "connection": delivery.connection,
        "key": delivery.key,
        "received_at": delivery.received_at,
        "content_type": delivery.content_type,
        "headers": dict(delivery.headers),
        "body": delivery.body,
        "status": "unreadable" if unreadable else "new",
        "reason": unreadable,
    }
