"""Work that is done by the clock in batches, a transaction each, until none is left."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from connector.clock import Clock
from connector.runtime.jobs.job import Job

log = logging.getLogger(__name__)

_MOST_BATCHES = 200
"""Of a tick; the next goes on, so that a scheduler's thread is not held for hours."""


@dataclass(frozen=True, slots=True)
class BatchJob:
    """``work`` does so many of what is due and says how many there were; ``ring`` wakes the intake, which takes what
    was told."""

    name: str
    work: Callable[[datetime, int], int]
    batch: int
    every: float
    clock: Clock
    ring: Callable[[], None]

    def tick(self) -> None:
        """All that is due. Never raises: the next tick tries again."""
        try:
            for _ in range(_MOST_BATCHES):
                count = self.work(self.clock(), self.batch)
                if count:
                    self.ring()
                if count < self.batch:
                    return
        except Exception:
            log.exception("%s could not be done; the next try comes in %s s", self.name, self.every)

    @property
    def job(self) -> Job:
        """As the scheduler takes it."""
        return Job(name=self.name, run=self.tick, every=self.every, jitter=1 if self.every >= 10 else 0)
