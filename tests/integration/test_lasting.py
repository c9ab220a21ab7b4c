"""Which commits of SQLite wait for the disk: those that somebody relies on, and not those that would be done again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, text

from connector.storage.engine.database import Database
from tests.support.house import Harness, a_home, answer
from tests.support.house_workflows import OPEN_A_TICKET

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FULL, NORMAL = 2, 1  # as PRAGMA synchronous says it


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, tickets=OPEN_A_TICKET) as home:
        yield home


@contextmanager
def watched(database: Database) -> Iterator[list[tuple[str, int]]]:
    """Of each commit: the statements before it, as one text, and whether it waits for the disk."""
    commits: list[tuple[str, int]] = []
    said: dict[int, list[str]] = {}

    def hear(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.setdefault(id(connection.connection.dbapi_connection), []).append(statement)

    def note(connection: Any) -> None:
        raw = connection.connection.dbapi_connection
        commits.append(("\n".join(said.pop(id(raw), [])), raw.execute("PRAGMA synchronous").fetchone()[0]))

    event.listen(database.engine, "before_cursor_execute", hear)
    event.listen(database.engine, "commit", note)
    try:
        yield commits
    finally:
        event.remove(database.engine, "before_cursor_execute", hear)
        event.remove(database.engine, "commit", note)


def test_a_commit_waits_for_the_disk_unless_it_is_said_that_it_need_not(database: Database) -> None:
    with watched(database) as commits:
        for lasting in (True, False, True, False, False, True):
            database.transact(lambda tx: tx.execute(text("SELECT 1")), lasting=lasting)
    assert [how for _, how in commits] == [FULL, NORMAL, FULL, NORMAL, NORMAL, FULL]


def test_what_a_sender_or_a_vendor_relies_on_is_on_the_disk(home: Harness) -> None:
    with watched(home.house.database) as commits:
        home.deliver(answer(3))
        home.settle()
    promised = [how for said, how in commits if "INSERT INTO deliveries" in said or '"lease_until" = ?' in said]
    understood = [how for said, how in commits if "INSERT INTO events" in said]
    assert home.run().status == "succeeded"
    assert len(promised) >= 2
    assert set(promised) == {FULL}
    assert understood == [NORMAL]
