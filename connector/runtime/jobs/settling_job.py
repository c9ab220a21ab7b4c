"""Settling: answers whose window is over begin to count."""

from __future__ import annotations

import logging
from collections.abc import Callable

from connector.clock import Clock
from connector.feedback.surveys.answering.settling import Settling
from connector.runtime.jobs.job import Job

log = logging.getLogger(__name__)

EVERY_SECONDS = 2.0

BATCH = 200
"""Answers that count in one transaction."""


class SettlingJob:
    """``ring`` wakes the intake, which takes what was told."""

    def __init__(self, settling: Settling, clock: Clock, ring: Callable[[], None]) -> None:
        self._settling, self._clock, self._ring = settling, clock, ring

    def tick(self) -> None:
        """All that is due, a batch a transaction. Never raises: the next tick tries again."""
        try:
            while count := self._settling.due(self._clock, BATCH):
                self._ring()
                if count < BATCH:
                    return
        except Exception:
            log.exception("answers could not be counted; the next try comes in %s s", EVERY_SECONDS)


def job(settling: SettlingJob) -> Job:
    return Job(name="settling", run=settling.tick, every=EVERY_SECONDS)
