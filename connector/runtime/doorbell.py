"""The doorbell: "there is work in this queue", at most once per 20 ms and queue. It may be lost; the sweep finds
what it would have announced."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from enum import Enum

log = logging.getLogger(__name__)

INTAKE, TIMERS = "intake", "timers"
EVERY_SECONDS = 0.02

_EFFECTS = "effects:"
_AWAY = (
    "the broker, or another process of ours, does not answer (%s); work is found by the sweep meanwhile, more slowly"
)


def effects_queue(connection: str) -> str:
    """The queue of a connection's outward calls."""
    return f"{_EFFECTS}{connection}"


def connection_of(queue: str) -> str:
    """The connection of such a queue."""
    return queue.removeprefix(_EFFECTS)


class Share(Enum):
    """What a process works on. Who calls vendors waits for them in many threads, and who advances runs computes: in one
    process they keep each other waiting for Python's lock."""

    ALL = "all"
    ADVANCING = "advancing"
    CALLING = "calling"
    NOTHING = "nothing"

    def has(self, queue: str) -> bool:
        """Whether the queue is worked on here."""
        calling = queue.startswith(_EFFECTS)
        return self is Share.ALL or self is (Share.CALLING if calling else Share.ADVANCING)


def route(
    here: Callable[[str], None] | None, away: Callable[[str], None] | None, share: Share
) -> Callable[[str], None]:
    """Where a ring goes: to our own workers (``here``), or to another process. One of the two is there."""

    def send(queue: str) -> None:
        chosen = here if away is None or share.has(queue) else away
        assert chosen is not None  # noqa: S101 - without a share everything goes away
        chosen(queue)

    return send


class Doorbell:
    """Collects rings and passes each queue's on once per interval, from a thread of its own."""

    def __init__(self, send: Callable[[str], None]) -> None:
        self._send = send
        self._guard, self._rung, self._closed = threading.Lock(), threading.Event(), threading.Event()
        self._queues: set[str] = set()
        self._nudge: Callable[[str], bool] = lambda _queue: False
        self._failing = False
        self._thread = threading.Thread(target=self._pass_on, name="doorbell", daemon=True)
        self._thread.start()

    def ring(self, *queues: str) -> None:
        """Announce work; call it after the commit that made it. Never raises, never waits."""
        if queues:
            with self._guard:
                self._queues.update(queues)
            self._rung.set()

    def prefer(self, nudge: Callable[[str], bool]) -> None:
        """Where one process does everything, a pump that is at work already needs no message: ``nudge`` makes it
        look once more, and says whether it is."""
        self._nudge = nudge

    def close(self) -> None:
        self._closed.set()
        self._rung.set()
        self._thread.join(timeout=5)

    def _pass_on(self) -> None:
        while not self._closed.is_set():
            self._rung.wait()
            self._rung.clear()
            with self._guard:
                queues, self._queues = self._queues, set()
            for queue in sorted(queues):
                if not self._nudge(queue):
                    self._send_one(queue)
            self._closed.wait(EVERY_SECONDS)

    def _send_one(self, queue: str) -> None:
        """Whoever is away costs time, not truth: said once, and the sweep goes on finding the work."""
        try:
            self._send(queue)
            self._failing = False
        except Exception as error:
            if not self._failing:
                name = type(error).__name__
                log.warning(_AWAY, name)
            self._failing = True
