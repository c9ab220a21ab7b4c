"""One `serve` on one SQLite file: the second does not start, and names the first.

A file beside the database is locked as long as its `serve` lives; the system gives the lock back even if it is killed.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from connector.cli.common.context import BadInputError
from connector.storage.engine import private_files

try:
    import fcntl
except ImportError:  # Windows: nobody can tell
    fcntl = None  # type: ignore[assignment]

_PATIENCE = 2.0  # seconds; one that is just ending is no second
_PAUSE = 0.05


@contextmanager
def alone_on(database: Path | None, *, patience: float = _PATIENCE) -> Iterator[None]:
    """Be the only `serve` on this SQLite file while the block runs. PostgreSQL (None) takes as many as one likes.

    Raises BadInputError that names the process that has it.
    """
    if database is None or fcntl is None:
        yield
        return
    mark = Path(f"{database}-serve")
    opened = _opened(mark)
    if opened is None:
        yield
        return
    try:
        _take(opened, database, mark, patience)
        _sign(mark)
        yield
    finally:
        os.close(opened)


def _opened(mark: Path) -> int | None:
    """None where there can be no such file: whoever opens the database says why."""
    try:
        return private_files.open_lock(mark)
    except OSError:
        return None


def _take(opened: int, database: Path, mark: Path, patience: float) -> None:
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                return  # a file system that knows no locks
            if time.monotonic() >= until:
                raise BadInputError(_told(database, mark)) from None
            time.sleep(_PAUSE)
        else:
            return


def _told(database: Path, mark: Path) -> str:
    pid, _, since = mark.read_text("utf-8").strip().partition(" ")
    who = f"process {pid}, since {since} UTC" if pid else "another process"
    remedy = "Stop it first, or use PostgreSQL, which takes several (docs/operations.md)."
    return f"A `ringback serve` works on {database} already ({who}). {remedy}"


def _sign(mark: Path) -> None:
    mark.write_text(f"{os.getpid()} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}\n", "utf-8")
