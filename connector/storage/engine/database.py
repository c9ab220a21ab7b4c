"""Transactions on SQLite and PostgreSQL, with one meaning.

SQLite has one writer: a write transaction takes its turn (``writer_queue``) and then BEGIN IMMEDIATE, so that it never
fails half-way for a lock. On PostgreSQL two transactions may meet; the loser of a deadlock is run again.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from connector.storage.engine import json_codec, private_files
from connector.storage.engine.writer_queue import WriterQueue
from integrations.transport import tls

T = TypeVar("T")

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # an accepted delivery survives the power cord
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 1200",  # milliseconds; another program may lock the file, and senders must hear of it soon
    "PRAGMA cache_size = -65536",
    "PRAGMA wal_autocheckpoint = 20000",  # pages; ``tidy`` comes first, so that no commit waits for a checkpoint
)
_LOCK = text("SELECT pg_advisory_xact_lock(k) FROM unnest(CAST(:keys AS bigint[])) AS k")
_LOCK_SHARED = text("SELECT pg_advisory_xact_lock_shared(k) FROM unnest(CAST(:keys AS bigint[])) AS k")
_LONGEST_IDLE = """
SELECT set_config('idle_in_transaction_session_timeout', '60s', false)
WHERE current_setting('idle_in_transaction_session_timeout') = '0'
"""  # whoever set it for the role, or in the URL, knows better
_RETRIED_STATES = {"40001", "40P01"}  # serialisation failure, deadlock


AWAY = (OperationalError, InterfaceError, PoolTimeout)
"""What is raised where the database does not answer, or takes no writes."""

_POOL_PATIENCE = 4.0
"""Seconds that a connection of ours is waited for: senders and pages are answered within five."""

_PATIENCE = {
    "connect_timeout": 3,  # seconds
    "tcp_user_timeout": 1500,  # milliseconds until a line that takes nothing more counts as cut
    "keepalives_idle": 10,  # seconds; and a silent one is asked whether it is still there
    "keepalives_interval": 3,
    "keepalives_count": 3,
}
"""How PostgreSQL's client notices that nobody is there; whoever says otherwise in the URL knows better."""


class LostRaceError(Exception):
    """Another transaction got there first; run again, it will see what the other did."""


class Database:
    """One database. ``write`` and ``read`` open transactions; ``transact`` runs a function in one, and again if
    it lost a race."""

    def __init__(
        self, url: str, *, pool_size: int = 20, retried: Callable[[], None] = lambda: None
    ) -> None:
        """``retried`` hears of each transaction that is done again."""
        self.engine, self._retried = _engine(url, pool_size), retried
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._turns = WriterQueue(_file(self.engine)) if self.is_sqlite else None

    @contextmanager
    def write(self, *, first: bool = False, lasting: bool = True) -> Iterator[Connection]:
        """A transaction that writes; commits at the end, rolls back on an exception.

        ``first``: somebody waits for its end, so it goes before others that wait for SQLite's one writer. Not
        ``lasting``: should the power fail before the next lasting commit, it never happened (a killed process
        harms no commit). That spares SQLite a wait for the disk, and is for work that would simply be done again.
        """
        turn = self._turns.taken(first=first) if self._turns else nullcontext()
        with turn, self.engine.connect() as connection:
            if self.is_sqlite:
                _synchronise(connection, "FULL" if lasting else "NORMAL")
                connection.execution_options(begin="BEGIN IMMEDIATE")
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads one consistent state."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    def transact(
        self, work: Callable[[Connection], T], *, tries: int = 8, first: bool = False, lasting: bool = True
    ) -> T:
        """Run ``work`` in a write transaction; a lost race or deadlock is tried again. ``work`` must have no
        effect outside the database. ``first`` and ``lasting``: see ``write``."""
        for attempt in range(1, tries + 1):
            try:
                with self.write(first=first, lasting=lasting) as connection:
                    return work(connection)
            except (LostRaceError, DBAPIError) as error:
                if attempt == tries or not _was_race(error):
                    raise
            self._retried()
            time.sleep(random.uniform(0, 0.01 * attempt))  # noqa: S311 - jitter, not a secret
        raise AssertionError("unreachable")

    def lock(self, connection: Connection, keys: Iterable[str], *, shared: bool = False) -> None:
        """Hold the named locks until the transaction ends; in one order, so that two holders cannot cross.

        SQLite needs none: its writer is alone.
        """
        if self.is_sqlite:
            return
        numbers = sorted({_lock_number(key) for key in keys})
        if not numbers:
            return
        connection.execute(_LOCK_SHARED if shared else _LOCK, {"keys": numbers})

    def insert_new(self, table: Table) -> Any:
        """INSERT … ON CONFLICT DO NOTHING, in the database's own words. (Both dialects' Insert have it, with no
        common type.)"""
        dialect: Any = sqlite if self.is_sqlite else postgresql
        return dialect.insert(table).on_conflict_do_nothing()

    def try_writing(self) -> None:
        """Whether a write could begin now: another program may hold SQLite's one writer. Writes nothing. Raises
        OperationalError."""
        if self.is_sqlite:
            with self.write(first=True, lasting=False):
                pass

    @property
    def file(self) -> Path | None:
        """The SQLite file; None on PostgreSQL, and in memory."""
        return _file(self.engine) if self.is_sqlite else None

    def tidy(self) -> None:
        """Move what SQLite's log holds into its file, beside readers and writers. Left to itself it would do so at the
        end of a commit now and then, and whoever waits for that commit would wait for it."""
        if self.is_sqlite:
            with self.engine.connect() as connection:
                raw: Any = connection.connection.dbapi_connection
                raw.execute("PRAGMA wal_checkpoint(PASSIVE)").close()

    def close(self) -> None:
        self.engine.dispose()


def _engine(url: str, pool_size: int) -> Engine:
    if url.startswith(("postgres://", "postgresql://")):
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    whole = _with_our_authority(make_url(url))
    is_sqlite = whole.get_backend_name() == "sqlite"
    engine = create_engine(
        whole,
        connect_args={} if is_sqlite else {name: each for name, each in _PATIENCE.items() if name not in whole.query},
        pool_timeout=_POOL_PATIENCE,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=not is_sqlite,
        json_serializer=json_codec.dumps,
        hide_parameters=True,  # an error's text reaches the log, and parameters are people's words and addresses
    )
    if is_sqlite:
        event.listen(engine, "do_connect", partial(_ours_alone, _file(engine)))
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _with_our_authority(url: URL) -> URL:
    """Whoever asks for certificates to be checked (``sslmode=verify-full``) means our own authorities, too."""
    own = tls.own_authority()
    checks = str(url.query.get("sslmode", "")).startswith("verify-") and "sslrootcert" not in url.query
    return url.update_query_dict({"sslrootcert": own}) if own and checks else url


def _file(engine: Engine) -> Path | None:
    """The SQLite file; None for a database in memory."""
    name = engine.url.database
    return Path(name) if name and not name.startswith((":memory:", "file:")) else None


def _ours_alone(file: Path | None, *_: Any) -> None:
    if file is not None:
        private_files.prepare(file)


def _prepare_sqlite(raw: Any, _record: Any) -> None:
    raw.isolation_level = None  # the driver must not open transactions of its own; we say BEGIN
    for pragma in _SQLITE_PRAGMAS:
        raw.execute(pragma).close()


def _prepare_postgresql(raw: Any, _record: Any) -> None:
    """A process that stands still, or whose machine lost its power, must not hold its locks for ever."""
    raw.execute(_LONGEST_IDLE)
    raw.commit()


def _synchronise(connection: Connection, how: str) -> None:
    """A commit waits for the disk (FULL), or only its order is kept (NORMAL). Outside of a transaction."""
    if connection.info.get("synchronous", "FULL") != how:
        raw: Any = connection.connection.dbapi_connection
        raw.execute(f"PRAGMA synchronous = {how}").close()
        connection.info["synchronous"] = how


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def _was_race(error: Exception) -> bool:
    if isinstance(error, LostRaceError):
        return True
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return isinstance(error, OperationalError) and state in _RETRIED_STATES


def _lock_number(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big", signed=True)
