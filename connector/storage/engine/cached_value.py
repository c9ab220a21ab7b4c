"""What changes seldom and is asked often: read from the database now and then, and kept while that does not answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from connector.clock import Clock
from connector.storage.engine.database import Database

T = TypeVar("T")

log = logging.getLogger(__name__)

_SOON = timedelta(seconds=1)


class CachedValue(Generic[T]):
    """A value that ``find`` reads, read again when it is older than ``fresh``. ``what`` names it in the log. While
    ``is_whole`` says that something is missing in it, which another process may write any moment, a second is old.

    Threads may share it. Whoever answers webhooks asks on every request, and must come as far as answering 503
    without a database: so a failed reading leaves what was known.
    """

    def __init__(
        self,
        database: Database,
        find: Callable[[Connection], T],
        empty: T,
        *,
        what: str,
        fresh: timedelta,
        clock: Clock,
        is_whole: Callable[[T], bool] = lambda _: True,
    ) -> None:
        self._database, self._find, self._what, self._fresh, self._clock = database, find, what, fresh, clock
        self._is_whole = is_whole
        self._guard = threading.Lock()
        self._known = empty
        self._read_at: datetime | None = None

    def __call__(self) -> T:
        with self._guard:
            now = self._clock()
            if self._read_at is None or abs(now - self._read_at) > self._age():
                self._read(now)
            return self._known

    def forget(self) -> None:
        """The next call reads."""
        with self._guard:
            self._read_at = None

    def _age(self) -> timedelta:
        return self._fresh if self._is_whole(self._known) else min(self._fresh, _SOON)

    def _read(self, now: datetime) -> None:
        try:
            with self._database.read() as tx:
                self._known = self._find(tx)
        except SQLAlchemyError as error:
            log.warning("%s cannot be read (%s)", self._what, type(error).__name__)
            return
        self._read_at = now
