"""Brings a database to the shape that this version of the program knows.

Everything that is needed travels inside the package: there is no alembic.ini. Several processes may start at
once: they take turns, and whoever comes second finds nothing left to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from connector.storage.engine.database import Database

_SCRIPTS = Path(__file__).parents[1] / "migrations"
_TURN = "ringback:migrate"


class MigrationError(Exception):
    """The database cannot be brought to this version's shape; says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What an upgrade did. ``before`` is None when the database was empty."""

    before: str | None
    after: str

    @property
    def changed(self) -> bool:
        return self.before != self.after


def upgrade(target: str | Database, revision: str = "head") -> Upgrade:
    """Apply the missing migrations in one transaction: all of them, or none.

    ``target`` is a database URL or an open ``Database``. Raises ``MigrationError`` when the database was made
    by a newer version, and what the database raises.
    """
    if isinstance(target, Database):
        return _upgrade(target, revision)
    database = Database(target)
    try:
        return _upgrade(database, revision)
    finally:
        database.close()


def current_revision(connection: Connection) -> str | None:
    """The revision the database is at; None: it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    """The revision this version of the program works with."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    assert head is not None  # noqa: S101 - the package holds at least the initial migration
    return head


def is_current(database: Database) -> bool:
    """Whether the database has the shape this version works with."""
    with database.read() as connection:
        return current_revision(connection) == newest_revision()


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's settings, made here so that an installed package needs no file beside it."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _upgrade(database: Database, revision: str) -> Upgrade:
    with database.write() as connection:
        # On SQLite BEGIN IMMEDIATE is the turn; on PostgreSQL it is this lock. Both end with the transaction.
        database.lock(connection, [_TURN])
        before = current_revision(connection)
        _refuse_unknown(before)
        command.upgrade(alembic_config(connection), revision)
        after = current_revision(connection)
    return Upgrade(before, after or "")


def _refuse_unknown(revision: str | None) -> None:
    scripts = ScriptDirectory.from_config(alembic_config())
    known = {script.revision for script in scripts.walk_revisions()}
    if revision is not None and revision not in known:
        raise MigrationError(
            f"The database is at revision {revision!r}, which this version of ringback does not know. "
            "A newer version made it: install that version, or restore a backup made before it."
        )
