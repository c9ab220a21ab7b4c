"""What became of runs that people let go on: watched until their calls have ended, or patience has."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, exists, select

from connector.observe.backlog import STOPPED
from connector.storage.engine.database import Database
from connector.storage.schema.tables import effects, runs
from workflows.runs import Status

_STEP = 0.1  # seconds between two looks
_OPEN = exists().where(effects.c.run_id == runs.c.id, effects.c.status.in_(("due", "performing")))


@dataclass(frozen=True, slots=True)
class RunFate:
    """How a run stands now. ``calls``: it still waits for a call of ours."""

    run: str
    status: Status
    step: str
    reason: str
    calls: bool

    @property
    def failed(self) -> bool:
        return self.status in STOPPED

    def __str__(self) -> str:
        if self.failed:
            why = f": {self.reason}" if self.reason else ""
            return f"Run {self.run}: it is {self.status.value} again, at {self.step or 'its end'}{why}"
        if self.calls:
            return f"Run {self.run}: its call has not ended yet. `ringback runs show {self.run}` tells how it goes."
        return f"Run {self.run}: it is {self.status.value} now."


def follow(
    database: Database, ids: Sequence[str], patience: float, pause: Callable[[float], None] = time.sleep
) -> list[RunFate]:
    """How the runs stand when none of them waits for a call any more, or ``patience`` (seconds) is over."""
    for _ in range(int(patience / _STEP)):
        with database.read() as tx:
            found = _fates(tx, ids)
        if not any(each.calls and not each.failed for each in found):
            return found
        pause(_STEP)
    with database.read() as tx:
        return _fates(tx, ids)


def _fates(tx: Connection, ids: Sequence[str]) -> list[RunFate]:
    c = runs.c
    found = tx.execute(select(c.id, c.status, c.step, c.reason, _OPEN.label("calls")).where(c.id.in_(ids)))
    return [RunFate(row.id, Status(row.status), row.step, row.reason, row.calls) for row in found]
