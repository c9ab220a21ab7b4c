"""The scheduler: APScheduler ticks in memory, in every process that schedules. No leader is needed, because each
tick may run anywhere, at once, or twice."""

from __future__ import annotations

from collections.abc import Iterable

from apscheduler.schedulers.background import BackgroundScheduler

from connector.runtime.jobs.job import Job


class Ticker:
    """Starts and stops the ticks of its jobs."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        defaults = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        self._scheduler = BackgroundScheduler(timezone="UTC", job_defaults=defaults)
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
