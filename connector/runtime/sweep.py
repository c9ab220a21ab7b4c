"""The sweep: finds work that no ring announced. Every tick may run in any number of processes at once."""

from __future__ import annotations

import logging

from sqlalchemy import Connection, select

from connector.clock import Clock
from connector.runtime import claims
from connector.runtime.bell import INTAKE, TIMERS, Bell, effects_queue
from connector.storage import accounts
from connector.storage.database import Database
from connector.storage.tables import deliveries, is_now, runs

log = logging.getLogger(__name__)

EVERY_SECONDS = 1.0


class Sweep:
    """One tick: give back expired leases, let paused connections try, ring for what is due."""

    def __init__(self, database: Database, bell: Bell, clock: Clock) -> None:
        self._database, self._bell, self._clock = database, bell, clock

    def tick(self) -> None:
        """Idempotent: twice at once does what once does."""
        try:
            self._bell.ring(*self._database.transact(self._find))
        except Exception:
            log.exception("the sweep failed; the next one comes in %s s", EVERY_SECONDS)

    def _find(self, tx: Connection) -> set[str]:
        now = self._clock()
        returned = claims.release_expired(tx, now)
        if returned:
            log.warning("leases ended and were given back, at: %s", ", ".join(sorted(returned)))
        for name in accounts.probe(tx, now):
            log.info("connection %s was paused; trying one call", name)
        queues = {effects_queue(name) for name in claims.due_connections(tx, now)}
        if tx.execute(select(deliveries.c.id).where(is_now(deliveries.c.status, "new")).limit(1)).first():
            queues.add(INTAKE)
        c = runs.c
        if any(
            tx.execute(select(c.id).where(is_now(c.status, status), c.due_at <= now).limit(1)).first()
            for status in ("waiting", "ready")
        ):
            queues.add(TIMERS)
        return queues
