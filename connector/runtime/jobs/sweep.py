"""The sweep: finds work that no ring announced. Every tick may run in any number of processes at once."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import Connection

from connector.clock import Clock
from connector.runtime.doorbell import INTAKE, TIMERS, Doorbell, effects_queue
from connector.runtime.effects import claims
from connector.runtime.jobs.job import Job
from connector.storage.engine.database import Database
from connector.storage.flow_control import backlog as queues
from connector.storage.flow_control import clock_steps, connection_state

log = logging.getLogger(__name__)

EVERY_SECONDS = 1.0

_STEP = timedelta(seconds=2)
"""A clock that goes back by less is being slewed, and what that holds up waits no longer."""


class Sweep:
    """One tick: give back expired leases, let paused and open connections try, ring for what is due."""

    def __init__(self, database: Database, bell: Doorbell, clock: Clock) -> None:
        self._database, self._bell, self._clock = database, bell, clock
        self._latest: datetime | None = None

    def tick(self) -> None:
        """Idempotent: twice at once does what once does."""
        try:
            self._follow_the_clock()
            self._bell.ring(*self._database.transact(self._find))
            self._database.tidy()
        except Exception:
            log.exception("the sweep failed; the next one comes in %s s", EVERY_SECONDS)

    def _follow_the_clock(self) -> None:
        """A clock that goes back has been set: what was written before has its moments in a future that is far."""
        now = self._clock()
        latest = self._latest or self._database.transact(clock_steps.last_written) or now
        if now < latest - _STEP:
            log.warning("the clock was set back by %.0f s", (latest - now).total_seconds())
            self._database.transact(lambda tx: clock_steps.set_right(tx, now, claims.LEASE))
        self._latest = now

    def _find(self, tx: Connection) -> set[str]:
        now = self._clock()
        returned = claims.release_expired(tx, now)
        if returned:
            log.warning("leases ended and were given back, at: %s", ", ".join(sorted(returned)))
        for name in connection_state.probe(tx, now):
            log.info("connection %s is tried with one call", name)
        rung = {effects_queue(name) for name in claims.due_connections(tx, now)}
        if next(queues.SENDERS.values(tx), None):
            rung.add(INTAKE)
        firsts = [queues.TIMERS.oldest(tx), queues.READY.oldest(tx)]
        if any(first is not None and first <= now for first in firsts):
            rung.add(TIMERS)
        return rung


def job(sweep: Sweep) -> Job:
    return Job(name="sweep", run=sweep.tick, every=EVERY_SECONDS)
