"""The inbox: deliveries, stored before they are answered and kept after they are understood."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Select, bindparam, func, select, update

from connector.storage.engine import bulk
from connector.storage.engine.database import Database
from connector.storage.engine.group_commit import GroupCommit
from connector.storage.flow_control import backlog as queues
from connector.storage.flow_control import fair_queue
from connector.storage.schema.tables import deliveries
from webhooks.delivery import Delivery


def _of_sender(statement: Select[Any]) -> fair_queue.Oldest:
    c = deliveries.c
    of_sender = statement.where(queues.IS_NEW, c.connection == bindparam("connection"))
    return fair_queue.Oldest(of_sender.order_by(c.id), c.id)


_FREE = select(deliveries).where(queues.IS_NEW).with_for_update(skip_locked=True)
_THIS, _OLDEST = _FREE.where(deliveries.c.id == bindparam("id")), _of_sender(_FREE)
_IDS: BindParameter[int] = bindparam("ids", expanding=True)
_STILL_NEW = select(deliveries.c.id).where(queues.IS_NEW, deliveries.c.id.in_(_IDS)).order_by(deliveries.c.id)
_OLDEST_IDS = _of_sender(select(deliveries.c.id))
_SETTLED = bulk.Update(deliveries, where=("id",), new=("status", "reason", "processed_at"))

OWN = "ringback"
"""The connection under which our own pages and features report events: they enter by the same door."""


class Inbox:
    """Keeps deliveries, many to a commit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._group: GroupCommit[dict[str, Any], bool] = GroupCommit(self._commit)

    def keep(self, delivery: Delivery, unreadable: str = "") -> bool:
        """Store it durably. False: it was there already. Raises what the database raises."""
        return self.enter(delivery, unreadable).result()

    def enter(self, delivery: Delivery, unreadable: str = "") -> Future[bool]:
        """``keep``, without waiting for it."""
        return self._group.enter(_row(delivery, unreadable))

    def close(self) -> None:
        self._group.close()

    def _commit(self, together: Callable[[], list[dict[str, Any]]]) -> list[bool]:
        return self._database.transact(lambda tx: insert_deliveries(self._database, tx, together()), first=True)


def insert_deliveries(database: Database, connection: Connection, rows: Sequence[dict[str, Any]]) -> list[bool]:
    """Insert those that are new; says of each row whether it was. A key that is twice in ``rows`` is new once."""
    statement = database.insert_new(deliveries).returning(deliveries.c.connection, deliveries.c.key)
    fresh = {(row.connection, row.key) for row in connection.execute(statement, list(rows))}
    new: list[bool] = []
    for row in rows:
        new.append((row["connection"], row["key"]) in fresh)
        fresh.discard((row["connection"], row["key"]))
    return new


def known_keys(connection: Connection, sender: str, keys: Collection[str]) -> set[str]:
    """Those of the keys under which a delivery of this sender is kept."""
    c = deliveries.c
    found = select(c.key).where(c.connection == sender, c.key.in_(list(keys)))
    return set(connection.execute(found).scalars()) if keys else set()


def own_event(type_: str, id_: str, at: datetime, data: Mapping[str, Any]) -> dict[str, Any]:
    """The inbox row of an event of our own, in the inbound format; insert it in the transaction that caused it."""
    body = json.dumps({"type": type_, "id": id_, "time": at.isoformat(), "data": data}).encode()
    return _row(Delivery(OWN, id_, at, "application/json", {}, body), "")


def delivery_row(delivery: Delivery) -> dict[str, Any]:
    """The inbox row of what we fetched ourselves; insert it in the transaction that remembers how far we came."""
    return _row(delivery, "")


def take_new(connection: Connection, limit: int, *, only: int | None = None) -> Sequence[Any]:
    """The oldest deliveries nobody works on, the connections by turns, or ``only`` the one of this id; locked until the
    transaction ends. In the order of arrival."""
    if only is not None:
        return connection.execute(_THIS, {"id": only}).all()
    return _by_turns(connection, _OLDEST, limit)


def still_new(connection: Connection, ids: Sequence[int]) -> Sequence[int]:
    """Those of the deliveries that nobody has taken meanwhile; for SQLite, which locks no rows."""
    return connection.execute(_STILL_NEW, {"ids": ids}).scalars().all()


def new_ids(connection: Connection, limit: int) -> Sequence[int]:
    """The ids of the oldest deliveries that are not understood yet, the connections by turns."""
    return [row.id for row in _by_turns(connection, _OLDEST_IDS, limit)]


def _by_turns(connection: Connection, new: fair_queue.Oldest, limit: int) -> list[Row[Any]]:
    def oldest(name: str, count: int, taken: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
        return new.rows(connection, count, taken, connection=name)

    taken = fair_queue.share_out(list(queues.SENDERS.values(connection)), limit, oldest)
    return sorted(taken, key=lambda row: row.id)


def begin(connection: Connection, id_: int) -> int | None:
    """Note that a delivery is about to be understood, lest its end be ours. → how often that was noted before; None:
    it is new no more."""
    c = deliveries.c
    noted = update(deliveries).where(c.id == id_, queues.IS_NEW).values(begun=c.begun + 1).returning(c.begun)
    begun = connection.execute(noted).scalar()
    return None if begun is None else begun - 1


def newest(connection: Connection) -> int:
    """The id of the newest delivery; 0 without any."""
    return connection.execute(select(func.max(deliveries.c.id))).scalar() or 0


def settle(connection: Connection, results: Sequence[tuple[int, str, str]], at: datetime) -> None:
    """Say what became of deliveries: (id, status, reason) each."""
    rows = [{"id": id_, "status": status, "reason": reason, "processed_at": at} for id_, status, reason in results]
    bulk.execute(connection, _SETTLED, rows)


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
