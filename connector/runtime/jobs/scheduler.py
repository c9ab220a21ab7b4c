"""The scheduler: APScheduler ticks in memory, in every process that schedules. No leader is needed, because each
tick may run anywhere, at once, or twice.

It plans by the machine's clock and waits by one that only goes forward: when the two part, the machine's clock was set,
and what was planned moves with it. Left alone, an hour back would be an hour without a tick, and a year forward a list
of every second that was missed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import STATE_STOPPED

from connector.runtime.jobs.job import Job

log = logging.getLogger(__name__)

_LOOK = 1.0
"""Seconds after which the clock is looked at, at the latest."""

_STEP = timedelta(seconds=0.5)
"""A clock that parts by less is being slewed, or we were slow between two looks."""


class _Steady(BackgroundScheduler):  # type: ignore[misc]  # it has no types
    """A scheduler whose plan survives steps of the clock."""

    def _main_loop(self) -> None:
        apart = _apart()
        while self.state != STATE_STOPPED:
            apart = self._follow(apart)
            planned = self._process_jobs()
            self._event.wait(_LOOK if planned is None else min(planned, _LOOK))
            self._event.clear()

    def _follow(self, before: timedelta) -> timedelta:
        """Move the plan by as much as the clock was set since ``before``."""
        apart = _apart()
        if abs(apart - before) <= _STEP:
            return before
        log.warning("the machine's clock was set by %.0f s; what is planned moves with it", _seconds(apart - before))
        for job in self.get_jobs():
            if job.next_run_time is not None:
                job.modify(next_run_time=job.next_run_time + (apart - before))
        return apart


class Ticker:
    """Starts and stops the ticks of its jobs."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        defaults = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        self._scheduler = _Steady(timezone="UTC", job_defaults=defaults)
        for job in jobs:
            self._add(job)

    def _add(self, job: Job) -> None:
        self._scheduler.add_job(
            job.run, "interval", id=job.name, name=job.name, seconds=job.every, jitter=job.jitter or None
        )
        if job.at_start:
            self._scheduler.add_job(job.run, name=f"{job.name}, at the start")

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=True)


def _apart() -> timedelta:
    """How far the machine's clock is from the one that only goes forward; it changes when somebody sets it."""
    return datetime.now(UTC) - datetime.fromtimestamp(0, UTC) - timedelta(seconds=time.monotonic())


def _seconds(span: timedelta) -> float:
    return span.total_seconds()
