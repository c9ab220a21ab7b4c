"""Pumps: what a ring makes a worker do. Each works until its queue is empty."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from connector.clock import Clock
from connector.feedback.base.actions import Handler
from connector.runtime.doorbell import INTAKE, TIMERS, Doorbell, connection_of
from connector.runtime.effects.claims import ClaimPolicy
from connector.runtime.effects.outcomes import Outcomes
from connector.runtime.effects.performer import Performer
from connector.runtime.intake.deliveries import Intake
from connector.runtime.runs.timers import Timers
from connector.storage.engine.database import Database

FULL = 100
"""Rows of one batch."""

PACE_SECONDS = 0.04
"""From the beginning of a batch to that of the next. A batch costs much by itself and little more by the row: under
load, what arrives in this time shares one; without load nothing waits."""


class OneAtATime:
    """Runs work in one thread; whoever comes meanwhile makes it run once more, at its pace, and goes away."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._working, self._again = threading.Lock(), threading.Event()

    def nudge(self) -> bool:
        """Make whoever is at work look once more. False: nobody is."""
        self._again.set()
        return self._working.locked()  # held: the flag is looked at after the release, so it is seen

    def run(self) -> None:
        self._again.set()
        while self._again.is_set() and self._working.acquire(blocking=False):
            began = time.monotonic()
            try:
                self._again.clear()
                self._work()
                if self._again.is_set():
                    time.sleep(max(0.0, began + PACE_SECONDS - time.monotonic()))
            finally:
                self._working.release()


class Pumps:
    """The queues of one process: intake, timers, and one per connection, made when first rung."""

    def __init__(
        self,
        *,
        database: Database,
        intake: Intake,
        timers: Timers,
        outcomes: Outcomes,
        handlers: Mapping[str, Handler],
        bell: Doorbell,
        claimant: Callable[[str], ClaimPolicy],
        clock: Clock,
    ) -> None:
        self._database, self._outcomes, self._handlers = database, outcomes, handlers
        self._bell, self._claimant, self._clock = bell, claimant, clock
        self._guard = threading.Lock()
        self._performers: dict[str, Performer] = {}
        self._own = {
            INTAKE: OneAtATime(lambda: self._drain(lambda: _taken(intake))),
            TIMERS: OneAtATime(lambda: self._drain(lambda: timers.take(FULL))),
        }

    def pump(self, queue: str) -> None:
        """Work until the queue is empty; returns at once if this process is at it already."""
        if queue in self._own:
            self._own[queue].run()
        else:
            self._performer(connection_of(queue)).run()

    def nudge(self, queue: str) -> bool:
        """Make the pump look once more if it is at work in this process. False: it is not."""
        at_work = self._own.get(queue) or self._performers.get(connection_of(queue))
        return at_work is not None and at_work.nudge()

    def close(self) -> None:
        for performer in self._performers.values():
            performer.close()

    def _drain(self, take: Callable[[], tuple[int, frozenset[str]]]) -> None:
        """A batch that is not full was all there was; what came meanwhile rings."""
        count = FULL
        while count >= FULL:
            count, asked = take()
            self._bell.ring(*asked)

    def _performer(self, connection: str) -> Performer:
        with self._guard:
            if connection not in self._performers:
                self._performers[connection] = Performer(
                    self._claimant(connection),
                    self._database,
                    self._handlers,
                    self._outcomes,
                    self._clock,
                    lambda queues: self._bell.ring(*queues),
                )
            return self._performers[connection]


def _taken(intake: Intake) -> tuple[int, frozenset[str]]:
    taken = intake.take(FULL)
    return taken.count, taken.asked
