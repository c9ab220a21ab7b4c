"""A database that was migrated is the database that tables.py describes, on SQLite and on PostgreSQL."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import insert, select, text

from connector.storage.engine.database import Database
from connector.storage.schema.migrate import (
    MigrationError,
    Upgrade,
    current_revision,
    is_current,
    newest_revision,
    upgrade,
)
from connector.storage.schema.tables import connections, metadata

BOTH = pytest.mark.parametrize(
    "empty_database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.services)], indirect=True
)
_SQLITE_SHAPE = text("SELECT name, sql FROM sqlite_master ORDER BY name")
_POSTGRES_SHAPE = text(
    "SELECT tablename || '.' || indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' "
    "UNION ALL SELECT table_name || '.' || column_name, concat_ws(' ', data_type, character_maximum_length, "
    "is_nullable, column_default) FROM information_schema.columns WHERE table_schema = 'public' "
    "UNION ALL SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2"
)


@pytest.fixture
def empty(empty_database_url: str) -> Iterator[Database]:
    with closing(Database(empty_database_url, pool_size=5)) as database:
        yield database


def shape(database: Database) -> dict[str, frozenset[str]]:
    """Every table, column, index and constraint in the database's own words, whatever their order."""
    wanted = _SQLITE_SHAPE if database.is_sqlite else _POSTGRES_SHAPE
    with database.read() as connection:
        rows = connection.execute(wanted).all()
    return {name: _words(sql or "") for name, sql in rows if "alembic" not in name}


def _words(sql: str) -> frozenset[str]:
    """The parts between the commas: two ways to make a table may name its constraints in another order."""
    parts = re.split(r",\s*(?![^()]*\))", re.sub(r"\s+", " ", sql).removesuffix(" )"))
    return frozenset(part.strip() for part in parts)


@BOTH
def test_alembic_finds_no_difference_between_a_migrated_database_and_the_tables(empty: Database) -> None:
    upgrade(empty)

    with empty.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []


@BOTH
def test_the_partial_indexes_too_are_what_the_tables_say(empty: Database) -> None:
    metadata.create_all(empty.engine)
    described = shape(empty)
    metadata.drop_all(empty.engine)

    upgrade(empty)

    assert shape(empty) == described
    assert "WHERE" in next(
        " ".join(words) for name, words in described.items() if name.endswith("ix_effects_due")
    )


@BOTH
def test_the_first_upgrade_fills_an_empty_database_and_the_second_changes_nothing(empty: Database) -> None:
    assert not is_current(empty)
    assert upgrade(empty) == Upgrade(None, newest_revision())
    assert is_current(empty)
    assert not upgrade(empty).changed


@BOTH
def test_an_upgrade_keeps_what_an_earlier_version_stored(empty: Database) -> None:
    moment = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    upgrade(empty, "0001")
    with empty.write() as connection:
        connection.execute(
            insert(connections).values(name="zendesk", status="active", reason="", updated_at=moment)
        )

    upgrade(empty)

    with empty.read() as connection:
        assert connection.execute(select(connections.c.name, connections.c.updated_at)).all() == [
            ("zendesk", moment)
        ]


@BOTH
def test_a_database_of_a_newer_version_is_refused_and_left_alone(empty: Database) -> None:
    upgrade(empty)
    with empty.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(MigrationError, match=r"revision '9999'.*newer version"):
        upgrade(empty)

    with empty.read() as connection:
        assert current_revision(connection) == "9999"


@BOTH
def test_processes_that_start_at_once_take_turns(empty_database_url: str) -> None:
    program = "import sys; from connector.storage.schema.migrate import upgrade; print(upgrade(sys.argv[1]).changed)"
    command = [sys.executable, "-W", "error", "-c", program, empty_database_url]
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]

    ended = [process.communicate(timeout=60) for process in started]

    assert sorted(out for out, _ in ended) == ["False\n", "False\n", "False\n", "True\n"], [
        err for _, err in ended
    ]


def test_a_url_is_enough(tmp_path: object) -> None:
    assert upgrade(f"sqlite:///{tmp_path}/ringback.db").after == newest_revision()
