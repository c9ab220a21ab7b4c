"""Timers: runs whose time has come. Nothing sleeps in memory; a timer is a row's ``due_at``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, select
from sqlalchemy.exc import OperationalError

from connector.clock import Clock
from connector.runtime.runs.advance import OpenAdvancer
from connector.runtime.runs.dead_letter import mark_dead
from connector.storage.engine.database import Database
from connector.storage.flow_control import backlog as queues
from connector.storage.flow_control import fair_queue
from connector.storage.schema.tables import runs
from workflows.calendars import BusinessCalendar
from workflows.engine import Moment
from workflows.runs import Status, TimePassed

log = logging.getLogger(__name__)


class Timers:
    """Wakes runs that are due: a wait's time is over, or a queued run's turn has come."""

    def __init__(self, database: Database, open_desk: OpenAdvancer, calendar: BusinessCalendar, clock: Clock) -> None:
        self._database, self._open_desk, self._calendar, self._clock = database, open_desk, calendar, clock

    def take(self, limit: int) -> tuple[int, frozenset[str]]:
        """Advance up to ``limit`` due runs. → how many, and the queues with new work.

        A batch that fails is taken again one by one, and a run that fails alone is buried.
        """
        try:
            return self._database.transact(lambda tx: self._batch(tx, limit), lasting=False)  # else: due again
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
        mark_dead(tx, [row.id for row in rows], error, self._clock())
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
    """Due runs, the workflows by turns and in each the oldest first, or ``only`` the one of this id; those another
    worker holds are left to it."""
    found: list[Any] = []
    for each, this, oldest in _KINDS:
        if only is not None:
            found += tx.execute(this, {"id": only, "now": moment.now}).all()
        elif len(found) < limit:
            found += _by_turns(tx, oldest, each.names(tx), moment.now, limit - len(found))
    return found


def _by_turns(tx: Connection, due: fair_queue.Oldest, workflows: Sequence[str], now: datetime, limit: int) -> list[Any]:
    def oldest(workflow: str, count: int, taken: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
        return due.rows(tx, count, taken, workflow=workflow, now=now)

    return fair_queue.share_out(workflows, limit, oldest)


def _due_now(*kind: ColumnElement[bool]) -> tuple[Select[Any], fair_queue.Oldest]:
    """One by name, and the oldest of a workflow."""
    c = runs.c
    due = select(runs).where(*kind, c.due_at <= bindparam("now")).with_for_update(skip_locked=True)
    oldest = due.where(c.workflow == bindparam("workflow")).order_by(c.due_at)
    return due.where(c.id == bindparam("id")), fair_queue.Oldest(oldest, c.id)


_KINDS = (
    (queues.TIMERS, *_due_now(*queues.IS_TIMER)),
    (queues.READY, *_due_now(*queues.IS_READY)),
)
