"""What waits, lane by lane, in the words of the indexes: deliveries by sender, calls and runs by workflow."""

from __future__ import annotations

from sqlalchemy import bindparam

from connector.storage.engine.index_skip_scan import Distinct
from connector.storage.flow_control.fair_queue import Lanes
from connector.storage.schema.tables import deliveries, effects, is_now, runs

IS_NEW = is_now(deliveries.c.status, "new")
IS_DUE = is_now(effects.c.status, "due")
IS_PERFORMING = is_now(effects.c.status, "performing")
IS_TIMER = (is_now(runs.c.status, "waiting"), runs.c.due_at.is_not(None))
IS_READY = (is_now(runs.c.status, "ready"),)

SENDERS = Distinct(deliveries.c.connection, IS_NEW)
"""Connections with new deliveries."""

EVERY_SENDER = Distinct(deliveries.c.connection)

CALLED = Distinct(effects.c.connection, IS_DUE)
"""Connections with calls that are due now or later."""

CALLS = Lanes(effects.c.workflow, effects.c.due_at, IS_DUE, effects.c.connection == bindparam("connection"))
"""The calls that are due on a ``connection``, now or later."""

TIMERS = Lanes(runs.c.workflow, runs.c.due_at, *IS_TIMER)
"""Runs that wait until a time, come or not."""

READY = Lanes(runs.c.workflow, runs.c.due_at, *IS_READY)
"""Runs whose turn has come."""
