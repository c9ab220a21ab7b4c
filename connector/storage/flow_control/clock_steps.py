"""What was written while the clock was ahead, made right when it is set back.

A moment that has not come yet holds work up until it comes: a call that was asked for "now", in an hour; a limit that
was counted then; a lease. All of it is idempotent, so every process that notices may do it. Waits that began in the
wrong hour keep their end: they are late by the step, and never early.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, case, or_, select, update

from connector.storage.flow_control import connection_state
from connector.storage.flow_control.backlog import IS_DUE, IS_PERFORMING, IS_READY
from connector.storage.schema.tables import connections, deliveries, effects, runs

_LAST = select(deliveries.c.received_at).order_by(deliveries.c.id.desc()).limit(1)

SOONEST = timedelta(minutes=1)
"""What was to be tried again at an unknown moment is tried after this long."""


def last_written(tx: Connection) -> datetime | None:
    """When the newest delivery came, by the clock as it was then: a process that starts knows no clock but this."""
    return tx.execute(_LAST).scalar()


def set_right(tx: Connection, now: datetime, lease: timedelta) -> None:
    """The clock was set back to ``now``. ``lease`` is the longest that a call may be in somebody's hands."""
    _connections(tx, now)
    _calls(tx, now, lease)
    tx.execute(update(runs).where(*IS_READY, runs.c.due_at > now).values(due_at=now))


def _connections(tx: Connection, now: datetime) -> None:
    """What is used up of limits is forgotten: at the worst one burst too many, which a vendor refuses."""
    c, soon = connections.c, now + SOONEST
    tx.execute(update(connections).where(c.budget_until > now).values(budget_until=None))
    tx.execute(update(connections).where(c.spent.is_not(None)).values(spent=None))
    held = and_(c.status == connection_state.ACTIVE, c.blocked_until > now)
    tx.execute(update(connections).where(held).values(blocked_until=None))
    tx.execute(update(connections).where(c.blocked_until > soon).values(blocked_until=soon))
    tx.execute(update(connections).where(c.failing_since > now).values(failing_since=now))


def _calls(tx: Connection, now: datetime, lease: timedelta) -> None:
    c, soon = effects.c, now + SOONEST
    tx.execute(update(effects).where(IS_PERFORMING, c.lease_until > now + lease).values(lease_until=now + lease))
    asked_then = and_(c.created_at > now, c.first_tried_at.is_(None), c.due_at <= c.created_at)
    tried = and_(c.first_tried_at.is_not(None), c.due_at > soon)
    new = case((asked_then, now), else_=soon)
    tx.execute(update(effects).where(IS_DUE, c.due_at > now, or_(asked_then, tried)).values(due_at=new))
