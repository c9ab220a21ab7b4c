"""How much of a vendor's daily calls is used: what was last seen in each hour, for two days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from connector.storage.engine import bulk
from connector.storage.schema.tables import api_usage

KEPT = timedelta(days=2)

_SEEN = bulk.Upsert(api_usage, keys=("connection", "hour"), newest="seen_at")
_ALL = select(api_usage).order_by(api_usage.c.connection, api_usage.c.hour)
_OLD = delete(api_usage).where(api_usage.c.connection == bindparam("name"), api_usage.c.hour < bindparam("before"))


def note(tx: Connection, connection: str, used: int, total: int, now: datetime) -> None:
    """Remember what the vendor said just now."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    row = {"connection": connection, "hour": hour, "seen_at": now, "used": used, "total": total}
    bulk.execute(tx, _SEEN, [row])
    tx.execute(_OLD, {"name": connection, "before": now - KEPT})


def seen(tx: Connection) -> dict[str, Sequence[Any]]:
    """Rows (seen_at, used, total) by connection, oldest first."""
    found: dict[str, list[Any]] = {}
    for row in tx.execute(_ALL):
        found.setdefault(row.connection, []).append(row)
    return dict(found)
