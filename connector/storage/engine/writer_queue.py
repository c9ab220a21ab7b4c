"""Who writes next: the one writer of SQLite, taken in turns by threads and by processes.

SQLite itself lets whoever is quick have the next turn, and makes the others sleep and try again: a pump that gives
the writer back and wants it again at once would keep webhook senders waiting for their commit.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connector.storage.engine import private_files

try:
    import fcntl
except ImportError:  # Windows: SQLite's own waiting must do between processes
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger(__name__)


class WriterQueue:
    """A lock that is given in the order it was asked for, among the threads of this process and then, with a
    ``file``, among the processes that use it.

    Whoever comes ``first`` (webhook senders, who wait for their answer) goes before the others in line, but never
    twice in a row while another waits.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._between = _Between(file) if file is not None else None
        self._guard = threading.Lock()
        self._taken = self._was_first = False
        self._first: deque[threading.Lock] = deque()
        self._others: deque[threading.Lock] = deque()

    @contextmanager
    def taken(self, *, first: bool = False) -> Iterator[None]:
        """Have the turn while the block runs."""
        self._enter(first)
        try:
            if self._between is None:
                yield
            else:
                with self._between.taken():
                    yield
        finally:
            self._leave()

    def _enter(self, first: bool) -> None:
        with self._guard:
            if not self._taken:
                self._taken, self._was_first = True, first
                return
            mine = threading.Lock()
            mine.acquire()
            (self._first if first else self._others).append(mine)
        mine.acquire()  # released by whoever had the turn before

    def _leave(self) -> None:
        with self._guard:
            self._was_first = bool(self._first) and not (self._was_first and self._others)
            line = self._first if self._was_first else self._others
            if line:
                line.popleft().release()
            else:
                self._taken = False


class _Between:
    """The turn among processes: two file locks, which the system releases when their holder dies.

    Whoever waits for the turn stands in the door. One process is in the door at a time, and so the next: who has
    just given the turn back finds the door taken, and cannot push past whoever waited.
    """

    def __init__(self, file: Path) -> None:
        self._paths = (Path(f"{file}-door"), Path(f"{file}-turn"))
        self._open: tuple[int, int] | None = None
        self._useless = fcntl is None

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Only ever entered by the thread that has its process's turn."""
        if self._useless or (files := self._files()) is None:
            yield
            return
        door, turn = files
        try:
            fcntl.flock(door, fcntl.LOCK_EX)
            try:
                fcntl.flock(turn, fcntl.LOCK_EX)
            finally:
                fcntl.flock(door, fcntl.LOCK_UN)
            yield
        finally:
            fcntl.flock(turn, fcntl.LOCK_UN)

    def _files(self) -> tuple[int, int] | None:
        if self._open is None:
            try:
                door, turn = map(private_files.open_lock, self._paths)
            except OSError as error:
                # Another user's file, for instance. SQLite still keeps writers apart, only less fairly.
                log.warning("cannot take turns with other processes at %s (%s)", self._paths[1], error.strerror)
                self._useless = True
                return None
            self._open = door, turn
            weakref.finalize(self, _close, door, turn).atexit = False  # not before: a thread may be inside
        return self._open


def _close(*files: int) -> None:
    for each in files:
        os.close(each)
