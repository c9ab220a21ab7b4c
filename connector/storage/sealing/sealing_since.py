"""With which secret key the house was last started, and since when: until then nothing may be resealed with it, or
processes that run would not open it; and mail that left before may still come back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, or_, update

from connector.storage.engine.database import Database
from connector.storage.schema.tables import positions
from connector.storage.stores import cursors

POSITION = "secret key"


def started(database: Database, tx: Connection, mark: str, now: datetime) -> None:
    """A process seals with this key from now on."""
    c, row = positions.c, {"name": POSITION, "at": mark, "moved_at": now, "taken_until": None}
    tx.execute(database.insert_new(positions), [row])
    other = or_(c.at != mark, c.at.is_(None))
    tx.execute(update(positions).where(c.name == POSITION, other).values(at=mark, moved_at=now))


def in_use(tx: Connection) -> str | None:
    """The mark of the key with which a process was started last; None: nothing was ever started."""
    return cursors.where(tx, POSITION)
