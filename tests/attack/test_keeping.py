"""A copy of a running database, and a workflow file that somebody broke."""

from __future__ import annotations

import dataclasses
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, insert, select

from connector.cli.serve.commands import prepare
from connector.definitions import read_workflows
from connector.storage.engine.database import Database
from connector.storage.schema import backup, tables
from connector.storage.stores import definitions
from connector.storage.stores.definitions import DefinitionKind
from tests.support.house import Harness, a_home
from workflows.errors import DefinitionError

ROWS = 300


def _delivery(number: int) -> dict[str, object]:
    from datetime import UTC, datetime

    return {
        "connection": "x", "key": f"k{number}", "received_at": datetime(2026, 3, 1, tzinfo=UTC), "content_type": "",
        "headers": {}, "body": b"words " * 200, "status": "done", "reason": "",
    }  # fmt: skip


def test_a_copy_holds_all_that_was_there_and_is_whole_while_others_write(database: Database, tmp_path: Path) -> None:
    with database.write() as tx:
        tx.execute(insert(tables.deliveries), [_delivery(number) for number in range(ROWS)])
    stop = threading.Event()

    def go_on() -> None:
        number = ROWS
        while not stop.is_set():
            with database.write() as tx:
                tx.execute(insert(tables.deliveries), [_delivery(number)])
            number += 1

    writer = threading.Thread(target=go_on)
    writer.start()
    try:
        done = backup.copy(database, tmp_path / "copy")
    finally:
        stop.set()
        writer.join()
    assert "verified" in done.verified
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o600
    assert list(tmp_path.glob("copy*")) == [tmp_path / "copy"]
    if database.is_sqlite:
        with closing(create_engine(f"sqlite:///{tmp_path / 'copy'}").connect()) as copied:
            assert copied.execute(select(func.count()).select_from(tables.deliveries)).scalar_one() >= ROWS
    else:
        said = ["pg_restore", "--data-only", "--table=deliveries", "--file=-", str(tmp_path / "copy")]
        restored = subprocess.run(said, capture_output=True, text=True, check=True, timeout=60)
        assert restored.stdout.count("\tk") >= ROWS


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_copy_that_is_damaged_is_none(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Damaged(sqlite3.Connection):
        def execute(self, sql: str, *rest: object) -> sqlite3.Cursor:  # type: ignore[override]
            return super().execute("SELECT 'page 3 is never used'" if "integrity" in sql else sql, *rest)  # type: ignore[arg-type]

    connect = sqlite3.connect
    monkeypatch.setattr(backup.sqlite3, "connect", lambda path: connect(path, factory=Damaged))
    with pytest.raises(backup.BackupError, match="damaged"):
        backup.copy(database, tmp_path / "copy")
    assert list(tmp_path.glob("copy*")) == []


GOOD = """\
workflow: {slug}
trigger: {{event: survey.answered}}
run: {{key: event.response_id, mode: parallel}}
steps:
  - {{id: tell, do: alert.send, with: {{to: care-team, text: "{words}"}}}}
"""


@pytest.fixture
def home(database_url: str, tmp_path: Path) -> Iterator[Harness]:
    (tmp_path / "flows").mkdir()
    with a_home(database_url) as home:
        config = dataclasses.replace(home.house.config, workflows=tmp_path / "flows")
        home.house = dataclasses.replace(home.house, config=config)
        yield home


def _put(home: Harness, slug: str, text: str) -> None:
    assert home.house.config.workflows is not None
    (home.house.config.workflows / f"{slug}.yaml").write_text(text)


def _in_force(home: Harness) -> dict[str, str]:
    with home.house.database.read() as tx:
        return {each.slug: each.body for each in definitions.active(tx, DefinitionKind.WORKFLOW)}


def test_one_broken_file_keeps_the_house_open_and_its_last_good_version_in_force(
    home: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    for slug in ("one", "two"):
        _put(home, slug, GOOD.format(slug=slug, words="first"))
    prepare(home.house)
    _put(home, "one", "workflow: one\nsteps: nonsense\n")
    _put(home, "two", GOOD.format(slug="two", words="second"))
    prepare(home.house)
    assert {slug: "second" in body for slug, body in _in_force(home).items()} == {"one": False, "two": True}
    assert "NOT in force" in caplog.text
    assert "one.yaml" in caplog.text
    with pytest.raises(DefinitionError):
        read_workflows(home.house.config)  # whoever checks is told as ever


def test_a_first_start_with_broken_files_alone_says_so_and_ends(home: Harness) -> None:
    _put(home, "one", "workflow: one\nsteps: nonsense\n")
    with pytest.raises(DefinitionError, match=r"one\.yaml"):
        prepare(home.house)
