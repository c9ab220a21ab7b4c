"""Positions: how far something that goes on for long has come, so that it goes on from there after a crash."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select, update

from connector.storage.engine.database import Database
from connector.storage.schema.tables import positions


def take(
    database: Database, tx: Connection, name: str, now: datetime, *, lease: timedelta, every: timedelta, first: str
) -> str | None:
    """Take a position to move it on, for as long as ``lease``: → where it stands, or None while another has it or it
    moved less than ``every`` ago. A new one stands at ``first``."""
    row = {"name": name, "at": first, "moved_at": now - every, "taken_until": None}
    tx.execute(database.insert_new(positions), [row])
    c = positions.c
    free = or_(c.taken_until.is_(None), c.taken_until <= now)
    statement = update(positions).where(c.name == name, free, c.moved_at <= now - every)
    return tx.execute(statement.values(taken_until=now + lease).returning(c.at)).scalar_one_or_none()


def move(tx: Connection, name: str, at: str, now: datetime) -> None:
    """It stands at ``at`` now, and is free again."""
    tx.execute(update(positions).where(positions.c.name == name).values(at=at, moved_at=now, taken_until=None))


def where(tx: Connection, name: str) -> str | None:
    """Where it stands; None if it never began."""
    return tx.execute(select(positions.c.at).where(positions.c.name == name)).scalar_one_or_none()


def put(database: Database, tx: Connection, name: str, at: str, now: datetime) -> None:
    """It stands at ``at`` now, wherever it stood and whoever moves it."""
    row = {"name": name, "at": at, "moved_at": now, "taken_until": None}
    tx.execute(database.insert_new(positions), [row])
    tx.execute(update(positions).where(positions.c.name == name).values(at=at, moved_at=now))


def since(tx: Connection, name: str) -> tuple[str, datetime] | None:
    """Where it stands, and since when; None if it never began."""
    row = tx.execute(select(positions.c.at, positions.c.moved_at).where(positions.c.name == name)).one_or_none()
    return (row.at, row.moved_at) if row else None


def hold(tx: Connection, name: str, at: str, until: datetime) -> None:
    """It stands at ``at`` now, and whoever moves it has it until then."""
    tx.execute(update(positions).where(positions.c.name == name).values(at=at, taken_until=until))
