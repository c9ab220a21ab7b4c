"""Connections in people's hands: stopping one, letting it go on, and how each is doing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from connector.clock import Clock
from connector.runtime.doorbell import effects_queue
from connector.runtime.effects import claims
from connector.runtime.operations.errors import UnknownError
from connector.runtime.operations.validation import LONGEST_NAME, LONGEST_REASON, told
from connector.storage.engine.database import Database
from connector.storage.flow_control import backlog as queues
from connector.storage.flow_control import connection_state, rate_budget
from connector.storage.flow_control.rate_budget import Budget
from connector.storage.schema.tables import ENDED_BADLY, effects, is_now
from connector.storage.stores import run_queries
from connector.storage.stores.inbox import OWN
from connector.storage.stores.run_queries import ConnectionLine

log = logging.getLogger(__name__)

LOOK_BACK = 10_000
"""The last success is looked for among this many latest calls of all connections."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a connection is doing. ``kind`` is empty when it is configured no more. Counts are of outward
    calls, and end at ``run_queries.MOST_COUNTED``; ``failed`` and ``review`` are those that wait for a person.
    ``failing_since``: since then no call met a working vendor.
    ``budget`` is in requests per minute, ``budget_left`` how many may be made at this moment; both None
    without a limit."""

    name: str
    kind: str
    status: str  # active, held (told to wait), paused, open, probing, stopped; "not used yet", "no longer configured"
    reason: str
    blocked_until: datetime | None
    last_delivery_at: datetime | None
    due: int
    performing: int
    failed: int
    review: int
    oldest_due_at: datetime | None
    last_success_at: datetime | None
    budget: float | None
    budget_left: int | None
    failing_since: datetime | None


class ConnectionCommands:
    """Stops connections and lets them go on. ``kinds`` and ``budget_of`` are the configuration's."""

    def __init__(
        self,
        database: Database,
        kinds: Mapping[str, str],
        budget_of: Callable[[str], Budget | None],
        clock: Clock,
        ring: Callable[[str], None],
    ) -> None:
        self._database, self._kinds, self._budget_of = database, kinds, budget_of
        self._clock, self._ring = clock, ring

    def pause(self, name: str, by: str, reason: str) -> Health:
        """Make no more calls on this connection until a person resumes it: unlike a pause for refused
        credentials it is not probed. Calls under way end; runs and deliveries go on, their calls wait. Twice
        is once, with the later reason. Raises UnknownError, InputError."""
        by, reason = told(by, "by", LONGEST_NAME), told(reason, "reason", LONGEST_REASON)
        now = self._clock()

        def work(tx: Connection) -> Health:
            self._known(tx, name)
            self._database.lock(
                tx, [f"claim:{name}"]
            )  # after this commit nobody claims under the state before it
            connection_state.stop(self._database, tx, name, f"by {by}: {reason}", now)
            return self._of(tx, name)

        health = self._database.transact(work)
        log.info("by hand: connection %s stopped", name)
        return health

    def resume(self, name: str) -> Health:
        """Let calls be made again, whoever or whatever paused or held it; active already is no error. Raises
        UnknownError."""
        now = self._clock()

        def work(tx: Connection) -> Health:
            self._known(tx, name)
            connection_state.resume(tx, name, now)
            claims.hurry(tx, name, now)
            return self._of(tx, name)

        health = self._database.transact(work)
        log.info("by hand: connection %s resumed", name)
        self._ring(effects_queue(name))
        return health

    def health(self) -> list[Health]:
        """Every connection, those of the configuration first, in its order."""
        with self._database.read() as tx:
            return self._all(tx)

    def health_of(self, name: str) -> Health:
        """One connection. Raises UnknownError."""
        with self._database.read() as tx:
            self._known(tx, name)
            return self._of(tx, name)

    def _known(self, tx: Connection, name: str) -> None:
        if name not in self._kinds and name not in {each.name for each in self._all(tx)}:
            known = ", ".join(sorted(self._kinds)) or "none"
            raise UnknownError("connection", name[:60], f"Configured are: {known}.")

    def _of(self, tx: Connection, name: str) -> Health:
        return next(each for each in self._all(tx) if each.name == name)

    def _all(self, tx: Connection) -> list[Health]:
        lines = {line.name: line for line in run_queries.list_connections(tx) if line.name != OWN}
        calls = _Calls(tx)
        names = (*self._kinds, *sorted(lines.keys() - self._kinds.keys()))
        return [self._health(tx, name, lines.get(name), calls) for name in names]

    def _health(self, tx: Connection, name: str, line: ConnectionLine | None, calls: _Calls) -> Health:
        budget, state = self._budget_of(name), connection_state.state(tx, name)
        return Health(
            name,
            self._kinds.get(name, ""),
            self._status(name, line),
            line.reason if line else "",
            line.blocked_until if line else None,
            line.last_delivery_at if line else None,
            line.due if line else 0,
            calls.performing.get(name, 0),
            line.failed if line else 0,
            calls.review.get(name, 0),
            calls.oldest_due.get(name),
            calls.last_success.get(name),
            budget.per_minute if budget else None,
            rate_budget.left(state.budget_until if state else None, budget, self._clock()) if budget else None,
            state.failing_since if state else None,
        )

    def _status(self, name: str, line: ConnectionLine | None) -> str:
        if line is None:
            return "not used yet"
        if name not in self._kinds:
            return "no longer configured"
        held = connection_state.is_held(line.status, line.blocked_until, self._clock())
        return "held" if held else line.status


class _Calls:
    """What the stored calls tell of every connection, in a few queries."""

    def __init__(self, tx: Connection) -> None:
        c = effects.c
        self.performing = _counted(tx, is_now(c.status, "performing"))
        self.review = _counted(tx, ENDED_BADLY, c.status == "review")
        self.oldest_due: Mapping[str, datetime | None] = {
            name: queues.CALLS.oldest(tx, connection=name) for name in queues.CALLED.values(tx)
        }
        latest = select(c.connection, c.status, c.ended_at).order_by(c.id.desc()).limit(LOOK_BACK).subquery()
        done = select(latest.c.connection, func.max(latest.c.ended_at)).where(latest.c.status == "done")
        self.last_success: Mapping[str, datetime] = _pairs(tx, done.group_by(latest.c.connection))


def _counted(tx: Connection, *which: ColumnElement[bool]) -> Mapping[str, int]:
    c = effects.c
    bounded = select(c.connection).where(*which).limit(run_queries.MOST_COUNTED).subquery()
    return _pairs(tx, select(bounded.c.connection, func.count()).group_by(bounded.c.connection))


def _pairs(tx: Connection, statement: Any) -> Mapping[str, Any]:
    return dict(tuple(row) for row in tx.execute(statement))
