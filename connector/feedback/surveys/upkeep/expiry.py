"""Invitations that ran out unanswered: closed, and told as ``survey.expired``, once each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from connector.storage.engine import bulk
from connector.storage.engine.database import Database
from connector.storage.schema.tables import OPEN_INVITATIONS, invitations
from connector.storage.stores.inbox import insert_deliveries, own_event

EXPIRED = "survey.expired"

_c = invitations.c
_RUN_OUT = (
    select(_c.id, _c.survey, _c.channel, _c.customer_id, _c.status, _c.context, _c.expires_at)
    .where(OPEN_INVITATIONS, _c.expires_at <= bindparam("now"))
    .where(_c.answered_at.is_(None), _c.settles_at.is_(None))  # what was given and waits to count is an answer
    .order_by(_c.expires_at)
    .limit(bindparam("most"))
)
_CLAIM = _RUN_OUT.with_for_update(skip_locked=True)
_CLOSED = bulk.Update(invitations, where=("id",), new=("status",))


@dataclass(frozen=True, slots=True)
class Expiry:
    """Looks first without a lock: most ticks find nothing."""

    database: Database

    def due(self, now: datetime, most: int) -> int:
        """Close those that ran out, ``most`` of them in one transaction. → how many there were."""
        with self.database.read() as tx:
            if tx.execute(_RUN_OUT, {"now": now, "most": 1}).first() is None:
                return 0
        return self.database.transact(lambda tx: self._close(tx, now, most), lasting=False)

    def _close(self, tx: Connection, now: datetime, most: int) -> int:
        """The event's moment is that of the last day of the link, whenever we came to look."""
        found = tx.execute(_CLAIM, {"now": now, "most": most}).all()
        events = [own_event(EXPIRED, f"expired-{row.id}", row.expires_at, _told(row)) for row in found]
        if events:
            insert_deliveries(self.database, tx, events)
        bulk.execute(tx, _CLOSED, [{"id": row.id, "status": "expired"} for row in found])
        return len(found)


def _told(row: Any) -> dict[str, Any]:
    """``started``: a first answer was given, and none that counts followed."""
    told = {"invitation": row.id, "survey": row.survey, "channel": row.channel, "started": row.status == "started"}
    return told | {"context": dict(row.context), "customer": {"id": row.customer_id}}
