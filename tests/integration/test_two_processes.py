"""``ringback serve`` in two processes: one command, one end, and neither outlives the other."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import click
import pytest
import requests
from click.testing import CliRunner

from connector.cli import web_process
from connector.cli.listening import bind
from connector.cli.main import main
from connector.cli.web_process import WebProcess
from connector.wiring import House
from tests.support.house import a_home
from tests.support.processes import Process, until


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    return {"RINGBACK_DATABASE_URL": f"sqlite:///{tmp_path}/ringback.db"}


@contextmanager
def serving(folder: Path, environment: Mapping[str, str], *options: str) -> Iterator[tuple[Process, str]]:
    """The program on a free port. → it, and its address."""
    process = Process(["serve", "--port", "0", *options], environment, folder / "serve.log")
    try:
        process.wait_for("listening on", 60)
        yield process, re.findall(r"listening on (\S+)", process.log)[-1]
    finally:
        process.stop()


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def is_free(port: int) -> bool:
    try:
        bind("127.0.0.1", port).close()
    except OSError:
        return False
    return True


def test_a_web_side_that_falls_is_started_again_and_ctrl_c_ends_both(
    tmp_path: Path, environment: Mapping[str, str]
) -> None:
    with serving(tmp_path, environment, "--metrics-port", "0") as (process, url):
        (web,) = children(process.pid)
        aside = re.findall(r"metrics at (\S+)", process.log)[0]
        for page in (f"{url}/metrics", aside):
            text = requests.get(page, timeout=10).text
            for name in ("web", "engine"):
                assert f'ringback_transactions_retried_total{{process="{name}"}}' in text, page
        os.kill(web, signal.SIGKILL)
        assert requests.get(f"{url}/readyz", timeout=60).json() == {"status": "ready"}  # whoever comes waits
        (other,) = children(process.pid)
        assert other != web
        assert "the web side was ended by SIGKILL; it is started again" in process.log
        os.kill(process.pid, signal.SIGINT)
        assert process.stop() == 0
        assert is_gone(other)
        assert "Traceback" not in process.log


def test_when_the_process_that_works_is_killed_its_web_side_goes_with_it(
    tmp_path: Path, environment: Mapping[str, str]
) -> None:
    with serving(tmp_path, environment) as (process, url):
        (web,) = children(process.pid)
        process.kill()
        until(lambda: is_gone(web), "the web side has ended")
        until(lambda: is_free(int(url.rpartition(":")[2])), "the port is free")


def test_all_can_be_in_one_process(tmp_path: Path, environment: Mapping[str, str]) -> None:
    with serving(tmp_path, environment, "--processes", "1") as (process, url):
        assert children(process.pid) == []
        assert "ringback_transactions_retried_total 0.0" in requests.get(f"{url}/metrics", timeout=10).text
        assert process.stop() == 0


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    with a_home(database_url) as home:
        yield home.house
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_web_side_that_cannot_start_ends_the_program_with_a_sentence(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_process, "_PROGRAM", ("/bin/sh", "-c", "exit 3"))
    with closing(bind("127.0.0.1", 0)) as listening:
        web = WebProcess(listening)
        with pytest.raises(click.ClickException, match="the web side ended with exit code 3 before it could serve"):
            web.run(house, "http://127.0.0.1")
        web.stop()


def test_a_port_that_is_taken_is_said_with_the_remedy() -> None:
    with closing(bind("127.0.0.1", 0)) as taken:
        told = CliRunner().invoke(main, ["serve", "--port", str(taken.getsockname()[1])])
    assert told.exit_code == 2
    assert "cannot be used (Address already in use). Choose another." in told.output
