"""Timers: runs whose time has come. Nothing sleeps in memory; a timer is a row's ``due_at``."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, select

from connector.clock import Clock
from connector.runtime.desk import OpenDesk
from connector.storage.database import Database
from connector.storage.tables import is_now, runs
from workflows.calendars import BusinessCalendar
from workflows.engine import Moment
from workflows.runs import Status, TimePassed


class Timers:
    """Wakes runs that are due: a wait's time is over, or a queued run's turn has come."""

    def __init__(self, database: Database, open_desk: OpenDesk, calendar: BusinessCalendar, clock: Clock) -> None:
        self._database, self._open_desk, self._calendar, self._clock = database, open_desk, calendar, clock

    def take(self, limit: int = 200) -> tuple[int, frozenset[str]]:
        """Advance up to ``limit`` due runs. → how many, and the connections with new effects."""
        return self._database.transact(lambda tx: self._batch(tx, limit))

    def _batch(self, tx: Connection, limit: int) -> tuple[int, frozenset[str]]:
        moment = Moment(self._clock(), self._calendar)
        rows = _due(tx, moment, limit)
        if not rows:
            return 0, frozenset()
        desk = self._open_desk(tx, moment)
        drafts = [desk.draft(row) for row in rows]
        over = [draft for draft in drafts if draft.status is Status.WAITING]
        desk.waits.end([draft.id for draft in over], "timed_out")
        desk.resume([(draft, TimePassed(draft.state.waiting_for or "")) for draft in over if draft.state])
        desk.begin([draft for draft in drafts if draft.state is None])
        return len(rows), frozenset(desk.asked)


def _due(tx: Connection, moment: Moment, limit: int) -> list[Any]:
    """Due runs, oldest first; those another worker holds are left to it."""
    c = runs.c
    over = select(runs).where(is_now(c.status, "waiting"), c.due_at.is_not(None), c.due_at <= moment.now)
    turn = select(runs).where(is_now(c.status, "ready"), c.due_at <= moment.now)
    found = [tx.execute(_oldest(statement, limit)).all() for statement in (over, turn)]
    return [row for rows in found for row in rows]


def _oldest(statement: Select[Any], limit: int) -> Select[Any]:
    return statement.order_by(runs.c.due_at).limit(limit).with_for_update(skip_locked=True)
