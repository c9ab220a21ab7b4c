"""A sender whose signature is right and whose time is not: one of two clocks is wrong, and the doctor should say so."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta

from connector.clock import Clock
from connector.observe.stored import CLOCKS_APART
from connector.storage.engine.database import AWAY, Database
from connector.storage.stores import cursors

log = logging.getLogger(__name__)

_BETWEEN_NOTES = 15.0  # seconds, by a clock that only goes forward


class ClocksApart:
    """Keeps the newest such sender. Called on the server's event loop, so it writes in a thread of its own."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._noted_at: float | None = None

    def __call__(self, connection: str, apart: timedelta) -> None:
        now = time.monotonic()
        if self._noted_at is not None and now - self._noted_at < _BETWEEN_NOTES:
            return
        self._noted_at = now
        threading.Thread(target=self._note, args=[f"{apart.total_seconds():.0f} {connection}"], daemon=True).start()

    def _note(self, told: str) -> None:
        try:
            self._database.transact(
                lambda tx: cursors.put(self._database, tx, CLOCKS_APART, told, self._clock()), lasting=False
            )
        except AWAY as error:
            log.warning("that a sender has another time could not be noted (%s)", type(error).__name__)
