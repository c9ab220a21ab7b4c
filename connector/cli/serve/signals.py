"""SIGTERM and SIGINT: the end in good order."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType

log = logging.getLogger("ringback")

LOOK_SECONDS = 1.0
"""How often whoever waits for a signal comes up: one that the system gives to another thread does not wake it."""


def on_stop(stop: Callable[[], object]) -> None:
    """Call ``stop`` when a signal asks us to end."""

    def handle(number: int, _frame: FrameType | None) -> None:
        log.info("stopping (%s)", signal.Signals(number).name)
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)


def wait_for_signal() -> None:
    """Until we are asked to end."""
    stopped = threading.Event()
    on_stop(stopped.set)
    while not stopped.wait(LOOK_SECONDS):
        pass
