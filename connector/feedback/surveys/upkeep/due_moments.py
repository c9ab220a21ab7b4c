"""When waiting mails may leave, worked out again for whoever we know more of since: another zone, another moment.

Only mails that nobody moved since are moved: one that waits for its server to come back keeps its own moment, and looks
at the clock when it leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, select, update

from connector.feedback.customers import identity as customers
from connector.feedback.surveys.asking.departures import Departure, Departures
from connector.feedback.surveys.catalog import SurveyCatalog
from connector.storage.engine.database import Database
from connector.storage.schema import tables as t
from connector.storage.schema.tables import is_now

_i, _e = t.invitations.c, t.effects.c
_OF_THE_CHANGED = (
    select(_i.id, _i.survey, _i.definition_id, _i.customer_id, _i.wanted_at, _i.due_at, _e.id.label("effect"))
    .join(t.customers, t.customers.c.id == _i.customer_id)
    .join(t.effects, and_(_e.run_id == _i.run_id, is_now(_e.status, "due"), _e.due_at == _i.due_at))
    .where(is_now(_i.status, "prepared"), _i.wanted_at.is_not(None), t.customers.c.updated_at > _i.planned_at)
    .order_by(_i.id)
    .limit(bindparam("most"))
)
_CLAIM = _OF_THE_CHANGED.with_for_update(skip_locked=True, of=(t.invitations, t.effects))
_MOVED = update(t.effects).where(_e.id == bindparam("effect"), is_now(_e.status, "due")).values(due_at=bindparam("at"))
_PLANNED = (
    update(t.invitations)
    .where(_i.id == bindparam("invitation"))
    .values(due_at=bindparam("at"), held=bindparam("told"), planned_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class DueMoments:
    """Looks first without a lock: most ticks find nothing."""

    database: Database
    surveys: SurveyCatalog
    departures: Departures

    def due(self, now: datetime, most: int) -> int:
        """Plan anew, ``most`` in one transaction. → how many there were."""
        with self.database.read() as tx:
            if tx.execute(_OF_THE_CHANGED, {"most": 1}).first() is None:
                return 0
        return self.database.transact(lambda tx: self._plan(tx, now, most), lasting=False)

    def _plan(self, tx: Connection, now: datetime, most: int) -> int:
        found = tx.execute(_CLAIM, {"most": most}).all()
        people = customers.load(tx, {row.customer_id for row in found})
        rows = []
        for row in found:
            survey = self.surveys.get(row.survey, row.definition_id)
            departure = self.departures.of(people[row.customer_id], survey, row.wanted_at)
            rows.append(_row(row.id, row.effect, departure, now))
        if rows:
            tx.execute(_MOVED, [{name: row[name] for name in ("effect", "at")} for row in rows])
            tx.execute(_PLANNED, [{name: row[name] for name in ("invitation", "at", "told", "now")} for row in rows])
        return len(rows)


def _row(invitation: str, effect: str, departure: Departure, now: datetime) -> dict[str, object]:
    return {"invitation": invitation, "effect": effect, "at": departure.at, "told": departure.held, "now": now}
