"""Two `serve` on one SQLite file: the second does not start, and says who is there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from connector.cli.common.context import BadInputError
from connector.cli.main import main
from connector.cli.serve.alone import alone_on


def test_the_second_names_the_first_with_its_process_and_its_beginning(tmp_path: Path) -> None:
    file = tmp_path / "ringback.db"
    with alone_on(file), pytest.raises(BadInputError) as refused, alone_on(file, patience=0):
        pass
    assert f"A `ringback serve` works on {file} already (process {os.getpid()}, since 20" in str(refused.value)
    assert "Stop it first, or use PostgreSQL" in str(refused.value)


def test_the_command_refuses_before_it_takes_a_port_or_touches_the_database(tmp_path: Path) -> None:
    file = tmp_path / "ringback.db"
    environment = {"RINGBACK_DATABASE_URL": f"sqlite:///{file}", "RINGBACK_CONFIG": ""}
    with alone_on(file):
        found = CliRunner().invoke(main, ["serve", "--port", "0"], env=environment)
    assert (found.exit_code, f"process {os.getpid()}" in found.output) == (2, True)
    assert not file.exists()


def test_who_comes_after_the_first_has_ended_is_alone(tmp_path: Path) -> None:
    file = tmp_path / "ringback.db"
    for _ in range(2):
        with alone_on(file, patience=0):
            mark = tmp_path / "ringback.db-serve"
            assert mark.read_text().startswith(f"{os.getpid()} ")
            assert stat.S_IMODE(mark.stat().st_mode) == 0o600


def test_several_work_on_postgresql_and_on_files_of_their_own(tmp_path: Path) -> None:
    with alone_on(None, patience=0), alone_on(None, patience=0):
        pass
    with alone_on(tmp_path / "one.db", patience=0), alone_on(tmp_path / "two.db", patience=0):
        pass
