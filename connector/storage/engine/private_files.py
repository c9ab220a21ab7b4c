"""Files that are ours alone, whatever the umask says: they hold people's words, and locks that others must not take."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

log = logging.getLogger(__name__)

OWNER_ONLY = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO

BESIDE = ("", "-wal", "-shm", "-journal", "-door", "-turn", "-serve")
"""What lies at a SQLite file: itself, SQLite's own files, those by which processes take turns, and the mark of the one
`serve` that works on it."""


def prepare(database: Path) -> None:
    """Make the file, if there is none, and close it and those beside it to others. SQLite gives its own files the
    rights of the database. What belongs to another user is left as it is. Never raises: SQLite says it better.

    A database that is there is never opened here: closing it would take away the locks that this process's own
    connections hold on it, and two writers at once destroy it (SQLite, "How To Corrupt An SQLite Database File", 2.2).
    """
    try:
        os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OWNER_ONLY))
    except FileExistsError:
        pass
    except OSError:
        return
    for end in BESIDE:
        _close_to_others(Path(f"{database}{end}"))


def _close_to_others(file: Path) -> None:
    try:
        found = file.stat()
        if found.st_mode & _OTHERS and _is_ours(found):
            file.chmod(OWNER_ONLY)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("%s may be read by others (%s); run: chmod 600 %s", file, error.strerror, file)


def open_lock(file: Path) -> int:
    """A file to lock, open. Raises OSError; PermissionError when it belongs to somebody else, who could hold us."""
    opened = os.open(file, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0), OWNER_ONLY)
    try:
        if not _is_ours(os.fstat(opened)):
            raise PermissionError(1, "it belongs to another user")
        os.fchmod(opened, OWNER_ONLY)
    except BaseException:
        os.close(opened)
        raise
    return opened


def create(file: Path) -> int:
    """An empty file of ours, open for writing, whatever was there before and whatever the umask is. Raises OSError."""
    opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, OWNER_ONLY)
    if hasattr(os, "fchmod"):
        os.fchmod(opened, OWNER_ONLY)
    return opened


def readable_by_others(database: Path) -> list[Path]:
    """Those that others may open."""
    files = (Path(f"{database}{end}") for end in BESIDE)
    return [each for each in files if each.exists() and each.stat().st_mode & _OTHERS]


def _is_ours(found: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
