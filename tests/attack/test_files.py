"""Other users of the machine: what they may read, and whether a lock of theirs can hold us."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from connector.observe.machine import check_rights
from connector.storage.engine.database import Database
from connector.storage.stores import archive

NOBODY = 65_534
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder.rglob("*") if each.is_file()}


def used(file: Path) -> Database:
    database = Database(f"sqlite:///{file}")
    with database.write() as tx:
        tx.execute(text("CREATE TABLE IF NOT EXISTS words (word TEXT)"))
        tx.execute(text("INSERT INTO words VALUES ('private')"))
    return database


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_the_database_and_all_beside_it_are_ours_alone_under_any_umask(tmp_path: Path, mask: int) -> None:
    with umask(mask), closing(used(tmp_path / "ringback.db")):
        found = modes(tmp_path)
    assert {"ringback.db", "ringback.db-wal", "ringback.db-shm", "ringback.db-door", "ringback.db-turn"} <= set(found)
    assert set(found.values()) == {0o600}


def test_files_of_an_older_version_are_closed_to_others(tmp_path: Path) -> None:
    file = tmp_path / "ringback.db"
    with umask(0), closing(used(file)):
        pass
    for each in (file, Path(f"{file}-door"), Path(f"{file}-turn")):
        each.chmod(0o666)
    with closing(used(file)):
        assert set(modes(tmp_path).values()) == {0o600}


@pytest.mark.parametrize("mask", [0o000, 0o077, 0o277])
def test_the_archive_is_ours_alone(tmp_path: Path, mask: int) -> None:
    with umask(mask):
        archive.write(tmp_path, "runs", [("runs", {"id": "1"})])
    assert set(modes(tmp_path).values()) == {0o600}


@AS_ROOT
def test_a_stranger_can_neither_read_nor_lock(tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        if folder.owner() == "root" and folder not in (Path("/tmp"), Path("/dev")):  # noqa: S108 - not ours
            folder.chmod(folder.stat().st_mode | 0o011)
    with umask(0), closing(used(tmp_path / "ringback.db")):
        tried = (
            "import os, sys\n"
            f"os.setgid({NOBODY}); os.setuid({NOBODY})\n"
            f"for name in ('ringback.db', 'ringback.db-wal', 'ringback.db-turn', 'ringback.db-door'):\n"
            f"    try: os.open({str(tmp_path)!r} + '/' + name, os.O_RDONLY); print(name)\n"
            "    except PermissionError: pass\n"
        )
        said = subprocess.run([sys.executable, "-c", tried], capture_output=True, text=True, timeout=30, check=True)
    assert said.stdout == ""


@AS_ROOT
def test_a_lock_file_that_a_stranger_laid_there_first_holds_nobody(tmp_path: Path) -> None:
    file = tmp_path / "ringback.db"
    theirs = Path(f"{file}-turn")
    theirs.touch(0o666)
    os.chown(theirs, NOBODY, NOBODY)
    done = threading.Event()

    def write() -> None:
        used(file).close()
        done.set()

    with theirs.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        threading.Thread(target=write, daemon=True).start()
        assert done.wait(10)


def test_the_doctor_tells_of_files_that_others_may_read(tmp_path: Path) -> None:
    file = tmp_path / "ringback.db"
    file.touch(0o600)
    assert check_rights(file) is None
    file.chmod(0o644)
    finding = check_rights(file)
    assert finding is not None
    assert "chmod 600" in finding.remedy
