"""Timers: runs whose time has come. Nothing sleeps in memory; a timer is a row's ``due_at``."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, select
from sqlalchemy.exc import OperationalError

from connector.clock import Clock
from connector.runtime.burial import bury
from connector.runtime.desk import OpenDesk
from connector.storage.database import Database
from connector.storage.tables import is_now, runs
from workflows.calendars import BusinessCalendar
from workflows.engine import Moment
from workflows.runs import Status, TimePassed

log = logging.getLogger(__name__)


class Timers:
    """Wakes runs that are due: a wait's time is over, or a queued run's turn has come."""

    def __init__(self, database: Database, open_desk: OpenDesk, calendar: BusinessCalendar, clock: Clock) -> None:
        self._database, self._open_desk, self._calendar, self._clock = database, open_desk, calendar, clock

    def take(self, limit: int = 200) -> tuple[int, frozenset[str]]:
        """Advance up to ``limit`` due runs. → how many, and the queues with new work.

        A batch that fails is taken again one by one, and a run that fails alone is buried.
        """
        try:
            return self._database.transact(lambda tx: self._batch(tx, limit))
        except OperationalError:
            raise  # the database, not a run
        except Exception:
            log.exception("a batch of due runs failed; taking them one by one")
        with self._database.read() as tx:
            ids = [row.id for row in _due(tx, self._now(), limit)]
        taken = [self._alone(run_id) for run_id in ids]
        return sum(count for count, _ in taken), frozenset().union(*(asked for _, asked in taken))

    def _now(self) -> Moment:
        return Moment(self._clock(), self._calendar)

    def _alone(self, run_id: str) -> tuple[int, frozenset[str]]:
        """One run by name: another worker may have taken the oldest one meanwhile."""
        try:
            return self._database.transact(lambda tx: self._batch(tx, 1, only=run_id))
        except OperationalError:
            raise
        except Exception as error:
            return self._database.transact(partial(self._bury, run_id, error))

    def _bury(self, run_id: str, error: Exception, tx: Connection) -> tuple[int, frozenset[str]]:
        rows = _due(tx, self._now(), 1, only=run_id)
        bury(tx, [row.id for row in rows], error, self._clock())
        return len(rows), frozenset()

    def _batch(self, tx: Connection, limit: int, *, only: str | None = None) -> tuple[int, frozenset[str]]:
        moment = self._now()
        rows = _due(tx, moment, limit, only=only)
        if not rows:
            return 0, frozenset()
        desk = self._open_desk(tx, moment)
        drafts = [desk.draft(row) for row in rows]
        over = [draft for draft in drafts if draft.status is Status.WAITING]
        desk.waits.end([draft.id for draft in over], "timed_out")
        desk.resume([(draft, TimePassed(draft.state.waiting_for or "")) for draft in over if draft.state])
        desk.begin([draft for draft in drafts if draft.state is None])
        return len(rows), frozenset(desk.asked)


def _due(tx: Connection, moment: Moment, limit: int, *, only: str | None = None) -> list[Any]:
    """Due runs, oldest first, or ``only`` the one of this id; those another worker holds are left to it."""
    c = runs.c
    over = select(runs).where(is_now(c.status, "waiting"), c.due_at.is_not(None), c.due_at <= moment.now)
    turn = select(runs).where(is_now(c.status, "ready"), c.due_at <= moment.now)
    wanted = (over, turn) if only is None else (over.where(c.id == only), turn.where(c.id == only))
    found = [tx.execute(_oldest(statement, limit)).all() for statement in wanted]
    return [row for rows in found for row in rows][:limit]


def _oldest(statement: Select[Any], limit: int) -> Select[Any]:
    return statement.order_by(runs.c.due_at).limit(limit).with_for_update(skip_locked=True)
