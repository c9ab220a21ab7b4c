"""Up to where something was read at a vendor's, so that reading goes on there after any pause; and whose turn it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from connector.storage.database import Database
from connector.storage.tables import cursors


@dataclass(frozen=True, slots=True)
class Cursor:
    """``value`` is in the vendor's own words, "" before the first reading; ``at`` is when somebody last began."""

    value: str
    at: datetime


def take_turn(
    database: Database, tx: Connection, connection: str, kind: str, every: timedelta, now: datetime
) -> Cursor | None:
    """Begin a reading, unless one began less than ``every`` ago: of many processes that ask at once, one may. → up to
    where the last one came."""
    c = cursors.c
    first = database.insert_new(cursors).values(connection=connection, kind=kind, value="", at=now)
    if tx.execute(first.returning(c.kind)).first():
        return Cursor("", now)
    here = update(cursors).where(c.connection == connection, c.kind == kind, c.at <= now - every)
    row = tx.execute(here.values(at=now).returning(c.value)).one_or_none()
    return Cursor(row.value, now) if row else None


def move(tx: Connection, connection: str, kind: str, value: str) -> None:
    """Everything before ``value`` was read."""
    c = cursors.c
    tx.execute(update(cursors).where(c.connection == connection, c.kind == kind).values(value=value))


def read(tx: Connection, connection: str) -> dict[str, Cursor]:
    """All cursors of a connection, by kind."""
    rows = tx.execute(select(cursors).where(cursors.c.connection == connection))
    return {row.kind: Cursor(row.value, row.at) for row in rows}
