"""Another program locks the database, or the disk is full: senders hear of it soon, and so does whoever asks."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace

import pytest

from connector.observe import disk, stored
from tests.support.house import Harness, a_home, answer

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url) as home:
        yield home


@pytest.fixture
def locked(home: Harness) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(str(home.house.database.file), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


@pytest.mark.timeout(20)
def test_a_locked_database_is_told_to_senders_in_time(home: Harness, locked: sqlite3.Connection) -> None:
    began = time.monotonic()
    assert home.deliver(answer(3)) == 503
    assert time.monotonic() - began < 5  # the promise to senders, who give up after that
    said = home.client.get("/readyz")
    assert said.status_code == 503
    assert "takes no writes" in said.get_json()["why"]
    locked.execute("ROLLBACK")
    assert home.deliver(answer(3)) < 300
    home.settle()
    assert home.client.get("/readyz").status_code == 200


def test_a_full_disk_is_told(home: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    full = SimpleNamespace(f_bavail=100, f_frsize=4096)
    monkeypatch.setattr(os, "statvfs", lambda _path: full)
    said = home.client.get("/readyz")
    assert said.status_code == 503
    assert "is full" in said.get_json()["why"]
    assert any(each.check == "disk" for each in stored.check_database(home.house.database, "here"))


def test_there_is_room_as_long_as_there_is(home: Harness) -> None:
    assert disk.full(home.house.database) == ""
