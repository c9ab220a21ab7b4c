"""The scheduler: APScheduler ticks in memory, in every process that schedules. No leader is needed, because each
tick may run anywhere, at once, or twice."""

from __future__ import annotations

from collections.abc import Callable

from apscheduler.schedulers.background import BackgroundScheduler

from connector.runtime.jobs import retention as keeping
from connector.runtime.jobs import sweep
from connector.vendors.salesforce import change_polling
from connector.vendors.zendesk.reconcile import run as reconcile

LEARN_SECONDS = 60


class Ticker:
    """Starts and stops the ticks."""

    def __init__(
        self,
        tick: Callable[[], None],
        learn: Callable[[], None],
        keep: Callable[[], None],
        look: Callable[[], None],
        compare: Callable[[], None],
    ) -> None:
        defaults = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        self._scheduler = BackgroundScheduler(timezone="UTC", job_defaults=defaults)
        self._scheduler.add_job(tick, "interval", seconds=sweep.EVERY_SECONDS)
        self._scheduler.add_job(learn, "interval", seconds=LEARN_SECONDS)
        self._scheduler.add_job(learn)
        self._scheduler.add_job(keep, "interval", seconds=keeping.EVERY_SECONDS, jitter=keeping.JITTER_SECONDS)
        self._scheduler.add_job(
            look, "interval", seconds=change_polling.EVERY_SECONDS, jitter=change_polling.JITTER_SECONDS
        )
        self._scheduler.add_job(
            compare, "interval", seconds=reconcile.EVERY_SECONDS, jitter=reconcile.JITTER_SECONDS
        )

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=True)
