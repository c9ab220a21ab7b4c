"""What a stand-in sends by itself: one background thread, a queue ordered by due time, a log."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable

Job = Callable[[], float | None]
"""One attempt. It returns the seconds until the next one, or None when there is none."""


class Outbox:
    """Runs jobs one by one, in order of their due time.

    ``pace`` shortens the vendors' pauses: a pause of 30 s lasts 30 × pace seconds. A demo that waited two hours for
    a third attempt would convince nobody.
    """

    def __init__(self, pace: float = 1.0) -> None:
        self.pace = pace
        self._due: list[tuple[float, int, Job]] = []
        self._order = itertools.count()
        self._busy = False
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="sandbox:outbox", daemon=True)
        self._thread.start()

    def put(self, job: Job, pause: float = 0.0) -> None:
        """Do ``job`` after ``pause`` vendor seconds."""
        due = time.monotonic() + pause * self.pace
        with self._changed:
            heapq.heappush(self._due, (due, next(self._order), job))
            self._changed.notify_all()

    def settle(self, timeout: float = 60.0) -> bool:
        """Wait until nothing is queued or being sent; False when ``timeout`` real seconds were not enough."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._due and not self._busy, timeout)

    def close(self) -> None:
        """Stop after the attempt in hand; what is queued is dropped."""
        with self._changed:
            self._closing = True
            self._due.clear()
            self._changed.notify_all()
        self._thread.join()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            pause = job()
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                if pause is not None and not self._closing:
                    self.put(job, pause)

    def _next(self) -> Job | None:
        with self._changed:
            while not self._closing:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    self._busy = True
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)
        return None
