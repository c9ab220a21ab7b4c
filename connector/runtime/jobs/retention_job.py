"""Keeping: what is older than its period goes, into the archive if there is one. It runs by itself, a little at a time.

Any number of processes may do it at once: a slice that another took away is empty, and one that both archived is one
file. Rows go only after their file is on disk, and only in the version that the file holds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from connector.clock import Clock
from connector.config.retention import Retention
from connector.runtime.jobs.job import Job
from connector.storage.engine.database import Database
from connector.storage.stores import archive
from connector.storage.stores.old_rows import RetentionKind, Slice

log = logging.getLogger(__name__)

EVERY_SECONDS = 600.0

JITTER_SECONDS = 60
"""So that processes that started together do not always look at the same moment."""

SLICE = 100
"""Rows that go in one transaction; a run takes its history, calls and waits along."""

SLICES = 100
"""Of each kind in a tick; the next tick goes on."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A kind of rows: for how long they are kept (None: for ever), and how many are older, at most
    ``run_queries.MOST_COUNTED``."""

    name: str
    period: timedelta | None
    due: int


class RetentionJob:
    """Applies the periods to ``kinds``, in their order. ``removed`` hears how many rows of a kind went."""

    def __init__(
        self,
        database: Database,
        periods: Retention,
        kinds: Sequence[RetentionKind],
        clock: Clock,
        removed: Callable[[str, int], None] = lambda _kind, _count: None,
    ) -> None:
        self._database, self._periods, self._kinds = database, periods, tuple(kinds)
        self._clock, self._removed = clock, removed

    def tick(self) -> None:
        """A bounded part of what is due. Never raises: the next tick tries again."""
        for kind in self._kinds:
            try:
                self._log(kind, sum(count for _, count in zip(range(SLICES), self.apply(kind), strict=False)))
            except Exception:
                log.exception("%s could not be removed; the next try comes in %d s", kind.name, EVERY_SECONDS)

    def apply(self, kind: RetentionKind) -> Iterator[int]:
        """Remove all that is due of a kind, a slice at each step. → how many of each slice went. Raises OSError when
        the archive cannot be written, and what the database raises."""
        before, after = self._before(kind), None
        while before is not None and (chosen := self._next(kind, before, after)) is not None:
            went = self._remove(kind, chosen) if chosen.versions else 0
            self._removed(kind.name, went)
            yield went
            after = chosen.after
            if not went and after is None:
                return  # others have them in hand

    def standings(self) -> list[Standing]:
        """What is kept, and what is due to go."""
        with self._database.read() as tx:
            return [
                Standing(kind.name, self._period(kind), kind.count(tx, before) if before is not None else 0)
                for kind in self._kinds
                for before in [self._before(kind)]
            ]

    def _period(self, kind: RetentionKind) -> timedelta | None:
        period: timedelta | None = getattr(self._periods, kind.name)
        return period

    def _before(self, kind: RetentionKind) -> datetime | None:
        period = self._period(kind)
        return self._clock() - period if period is not None else None

    def _next(self, kind: RetentionKind, before: datetime, after: Any) -> Slice | None:
        """The next rows that are due, archived."""
        with self._database.read() as tx:
            chosen = kind.due(tx, before, after, SLICE)
            found = list(kind.rows(tx, chosen)) if chosen and chosen.versions and self._periods.archive else []
        if found and self._periods.archive:
            archive.write(self._periods.archive, kind.name, found)
        return chosen

    def _remove(self, kind: RetentionKind, chosen: Slice) -> int:
        return self._database.transact(partial(self._take_away, kind, chosen))

    def _take_away(self, kind: RetentionKind, chosen: Slice, tx: Any) -> int:
        return kind.remove(tx, chosen, self._clock())

    def _log(self, kind: RetentionKind, count: int) -> None:
        if count:
            log.info("%d %s were older than they are kept, and went", count, kind.name)


def job(keeper: RetentionJob) -> Job:
    return Job(name="retention", run=keeper.tick, every=EVERY_SECONDS, jitter=JITTER_SECONDS)
