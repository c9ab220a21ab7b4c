"""What waits, lane by lane, in the words of the indexes: deliveries by sender, calls and runs by workflow."""

from __future__ import annotations

from sqlalchemy import bindparam

from connector.storage.engine.index_skip_scan import IndexSkipScan
from connector.storage.flow_control.fair_queue import FairQueue
from connector.storage.schema.tables import deliveries, effects, is_now, runs

IS_NEW = is_now(deliveries.c.status, "new")
IS_DUE = is_now(effects.c.status, "due")
IS_PERFORMING = is_now(effects.c.status, "performing")
IS_TIMER = (is_now(runs.c.status, "waiting"), runs.c.due_at.is_not(None))
IS_READY = (is_now(runs.c.status, "ready"),)

SENDERS = IndexSkipScan(deliveries.c.connection, IS_NEW)
"""Connections with new deliveries."""

EVERY_SENDER = IndexSkipScan(deliveries.c.connection)

CALLED = IndexSkipScan(effects.c.connection, IS_DUE)
"""Connections with calls that are due now or later."""

CALLS = FairQueue(effects.c.workflow, effects.c.due_at, IS_DUE, effects.c.connection == bindparam("connection"))
"""The calls that are due on a ``connection``, now or later."""

TIMERS = FairQueue(runs.c.workflow, runs.c.due_at, *IS_TIMER)
"""Runs that wait until a time, come or not."""

READY = FairQueue(runs.c.workflow, runs.c.due_at, *IS_READY)
"""Runs whose turn has come."""
