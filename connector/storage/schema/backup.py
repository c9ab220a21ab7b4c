"""A copy of the database, whole as of one moment, taken while others write, and verified before it counts."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from connector.storage.engine import private_files
from connector.storage.engine.database import Database

_TLS = ("sslmode", "sslrootcert")

_SECONDS = 24 * 3600
"""The longest that PostgreSQL's own program may take."""


class BackupError(Exception):
    """There is no copy; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy: its size in bytes, and what was looked at."""

    size: int
    verified: str


def copy(database: Database, file: Path) -> Copy:
    """Write the copy to ``file``, which appears whole or not at all, for its owner alone. Raises BackupError and
    OSError."""
    draft = file.with_name(f"{file.name}.{os.getpid()}.part")
    os.close(private_files.create(draft))
    try:
        verified = _sqlite(database, draft) if database.is_sqlite else _postgresql(database, draft)
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        size = draft.stat().st_size
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return Copy(size, verified)


def _sqlite(database: Database, draft: Path) -> str:
    """In one step: a copy in several would begin anew with each write of others."""
    with database.engine.connect() as connection, closing(sqlite3.connect(draft)) as target:
        raw: Any = connection.connection.dbapi_connection
        raw.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
        [(found,)] = target.execute("PRAGMA integrity_check(1)").fetchall()
        if found != "ok":
            raise BackupError(f"The copy is damaged ({found}). Look at the disk, then try again.")
        if broken := len(target.execute("PRAGMA foreign_key_check").fetchall()):
            raise BackupError(f"The copy has {broken} rows without what they belong to. Look at the disk, try again.")
        runs, deliveries = (target.execute(each).fetchone()[0] for each in _COUNTED)
    return f"verified: sound, {deliveries:,} deliveries and {runs:,} runs"


_COUNTED = ("SELECT count(*) FROM runs", "SELECT count(*) FROM deliveries")


def _postgresql(database: Database, draft: Path) -> str:
    url = database.engine.url
    with database.read() as tx:
        version = str(tx.execute(text("SHOW server_version")).scalar())
    known = {"PGHOST": url.host, "PGPORT": url.port, "PGUSER": url.username, "PGPASSWORD": url.password}
    given = {name: str(value) for name, value in known.items() if value is not None}
    given |= {f"PG{name.upper()}": str(value) for name, value in url.query.items() if name in _TLS}
    environment = {**os.environ, **given}  # a password in arguments could be read by everybody
    _run([_program("pg_dump", version), "--format=custom", f"--file={draft}", str(url.database)], environment)
    listed = _run([_program("pg_restore", version), "--list", str(draft)], environment)
    tables = sum(" TABLE DATA " in line for line in listed.splitlines())
    if not tables:
        raise BackupError("The copy holds no tables. Look at what pg_dump of this version can do.")
    return f"verified: readable by pg_restore, {tables} tables with their rows"


def _program(name: str, version: str) -> str:
    if (found := shutil.which(name)) is None:
        raise BackupError(f"{name} is not there. Install PostgreSQL's client programs, of version {version} or newer.")
    return found


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own program, with our own database's name
        command, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode:
        words = done.stderr.strip().splitlines()
        raise BackupError(f"{Path(command[0]).name} failed: {words[-1] if words else 'it said nothing'}")
    return done.stdout
