"""Processes share one SQLite file, and its locks are all that keeps them from destroying it.

A process's locks on a file are gone as soon as it closes the file anywhere, however many other handles it has (POSIX,
``fcntl``). SQLite knows; whoever else opens the file does not. A command that ends must never take itself for the last.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from sqlalchemy import text

from connector.storage.engine.database import Database

_VISIT = """\
import sqlite3, sys
each = sqlite3.connect(sys.argv[1])
each.execute('INSERT INTO t VALUES (1)')
each.commit()
each.close()
"""


def visit(file: Path) -> None:
    """Another process comes, writes, and goes; the last to go takes SQLite's log along."""
    subprocess.run([sys.executable, "-c", _VISIT, str(file)], check=True, timeout=60)


def test_a_new_connection_takes_no_lock_from_those_that_the_process_has(tmp_path: Path) -> None:
    file = tmp_path / "ringback.db"
    with closing(Database(f"sqlite:///{file}", pool_size=4)) as database, database.engine.connect() as first:
        first.execute(text("CREATE TABLE t (x INTEGER)"))
        first.commit()
        with database.engine.connect() as second:  # opened while the first is, as threads do
            second.execute(text("SELECT 1"))
            second.rollback()
            visit(file)
            assert Path(f"{file}-wal").exists(), "the visitor took itself for the last"
            assert second.execute(text("SELECT count(*) FROM t")).scalar_one() == 1


def test_a_second_house_on_the_file_takes_none_either(tmp_path: Path) -> None:
    file = tmp_path / "ringback.db"
    with closing(Database(f"sqlite:///{file}")) as database, database.write() as tx:
        tx.execute(text("CREATE TABLE t (x INTEGER)"))
    with closing(Database(f"sqlite:///{file}")) as database, database.read() as tx:
        tx.execute(text("SELECT * FROM t"))
        with closing(Database(f"sqlite:///{file}")) as other, other.read() as looking:
            looking.execute(text("SELECT * FROM t"))
        visit(file)
        assert Path(f"{file}-wal").exists()
        tx.execute(text("SELECT * FROM t"))
    with closing(sqlite3.connect(file)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
