"""Two threads that begin at the same moment, for races that must not be lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

PATIENCE = 60  # seconds


class Racers:
    """Runs functions side by side, each in a thread of its own, from a common start."""

    def __init__(self, lanes: int = 2) -> None:
        self._pool = ThreadPoolExecutor(lanes)
        self._start = threading.Barrier(lanes)

    def race(self, *runners: Callable[[], object]) -> None:
        """Returns when all have finished; their errors are raised here."""
        for finished in [self._pool.submit(self._run, runner) for runner in runners]:
            finished.result(PATIENCE)

    def _run(self, runner: Callable[[], object]) -> None:
        self._start.wait(PATIENCE)
        runner()

    def __enter__(self) -> Racers:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True)
