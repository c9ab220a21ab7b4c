"""Runs that cannot be advanced at all: an error of ours, not of their workflow. They are set aside, visible, and
hold up no others."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, insert, update

from connector.runtime.runs.run_update import as_stored
from connector.storage.schema.tables import effects, history, runs, waits
from workflows.runs import Note, Status
from workflows.sentences import say

log = logging.getLogger(__name__)


def mark_dead(tx: Connection, run_ids: Iterable[str], error: Exception, now: datetime) -> None:
    """Make runs dead: nothing more happens in them until someone looks at the log and replays them."""
    ids = list(run_ids)
    if not ids:
        return
    reason = f"could not be advanced: an error of ours ({type(error).__name__}); the log says where"
    log.error("could not be advanced, dead now", extra={"runs": ",".join(ids)}, exc_info=error)
    dead = {"status": Status.DEAD.value, "reason": reason, "slot": None, "due_at": None}
    over = {"epoch": runs.c.epoch + 1, "updated_at": now, "ended_at": now}
    tx.execute(update(runs).where(runs.c.id.in_(ids)).values(dead | over))
    note = as_stored(Note("", "failed", say("run.not_advanced", error=type(error).__name__)))
    tx.execute(insert(history), [{"run_id": id_, "at": now, "notes": [note]} for id_ in ids])
    open_waits = update(waits).where(waits.c.run_id.in_(ids), waits.c.status == "open")
    tx.execute(open_waits.values(status="cancelled", closed_at=now))
    pending = update(effects).where(effects.c.run_id.in_(ids), effects.c.status == "due")
    tx.execute(pending.values(status="cancelled", ended_at=now))
