"""``ringback serve`` in several processes: one command, one end, and none outlives the one that was started."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import click
import pytest
import requests
from click.testing import CliRunner

from connector.cli.main import main
from connector.cli.serve.processes import ProcessGroup
from connector.cli.serve.sockets import bind
from tests.support.processes import PATIENCE, PROGRAM, ROOT, Process, free_port, is_free, until


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    return {"RINGBACK_DATABASE_URL": f"sqlite:///{tmp_path}/ringback.db"}


@contextmanager
def serving(
    folder: Path, environment: Mapping[str, str], *options: str, program: Sequence[str] = PROGRAM
) -> Iterator[tuple[Process, str]]:
    """The program on a free port. → it, and its address."""
    process = Process(["serve", "--port", "0", *options], environment, folder / "serve.log", program)
    try:
        process.wait_for("listening on")
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


def side(pid: int, name: str) -> int:
    """The child that is this side."""
    lines = {child: Path(f"/proc/{child}/cmdline").read_text().split("\0") for child in children(pid)}
    (found,) = [child for child, line in lines.items() if name in line]
    return found


def tells_of_all(page: str) -> bool:
    text = requests.get(page, timeout=PATIENCE).text
    names = ("web", "calls", "engine")
    return all(f'ringback_transactions_retried_total{{process="{name}"}}' in text for name in names)


def test_a_side_that_falls_is_started_again_and_ctrl_c_ends_all(
    tmp_path: Path, environment: Mapping[str, str]
) -> None:
    with serving(tmp_path, environment, "--metrics-port", "0") as (process, url):
        process.wait_for("the calls process is ready")
        aside = re.findall(r"metrics at (\S+)", process.log)[0]
        for page in (f"{url}/metrics", aside):  # who takes longer than two seconds to tell is left out of a page
            until(partial(tells_of_all, page), f"the figures of every process at {page}")
        before = {name: side(process.pid, name) for name in ("web", "calls")}
        for name, pid in before.items():
            os.kill(pid, signal.SIGKILL)
            process.wait_for(f"the {name} process was ended by SIGKILL; it is started again")
        assert requests.get(f"{url}/readyz", timeout=PATIENCE).json() == {"status": "ready"}  # whoever comes waits
        after = {name: side(process.pid, name) for name in before}
        assert not {*after.values()} & {*before.values()}
        os.kill(process.pid, signal.SIGINT)
        assert process.stop() == 0
        assert all(map(is_gone, after.values()))
        assert "Traceback" not in process.log


def test_when_the_process_that_was_started_is_killed_the_others_go_with_it(
    tmp_path: Path, environment: Mapping[str, str]
) -> None:
    with serving(tmp_path, environment) as (process, url):
        others = children(process.pid)
        assert len(others) == 2
        process.kill()
        until(lambda: all(map(is_gone, others)), "the others have ended")
        until(lambda: is_free(int(url.rpartition(":")[2])), "the port is free")


LOADS_FOR_EVER = """
import sys, threading

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "connector.cli.serve.child":
            threading.Event().wait()

sys.meta_path.insert(0, Slow())
"""


def test_one_that_is_killed_while_its_processes_load_can_be_started_again_at_once(
    tmp_path: Path, environment: Mapping[str, str]
) -> None:
    """They hold the port that it listens on, and must not keep it while they load, however long that takes."""
    (tmp_path / "sitecustomize.py").write_text(LOADS_FOR_EVER)
    slow, port = {**environment, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}, free_port()
    for number in range(3):
        process = Process(["serve", "--port", str(port)], slow, tmp_path / f"{number}.log")
        others: list[int] = until(partial(children, process.pid), "its processes are there")
        process.kill()
        until(lambda gone=others: all(map(is_gone, gone)), "they went with it")
        assert is_free(port)


@pytest.mark.parametrize("others", [0, 1])
def test_there_can_be_fewer(tmp_path: Path, environment: Mapping[str, str], others: int) -> None:
    with serving(tmp_path, environment, "--processes", str(1 + others)) as (process, url):
        assert len(children(process.pid)) == others
        assert "ringback_transactions_retried_total" in requests.get(f"{url}/metrics", timeout=30).text
        assert process.stop() == 0


@pytest.fixture
def sides() -> Iterator[ProcessGroup]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    with closing(ProcessGroup()) as sides:
        yield sides
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_side_that_cannot_start_ends_the_program_with_a_sentence(
    sides: ProcessGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.cli.serve.processes._PROGRAM", ("/bin/sh", "-c", "exit 3"))
    sides.start("calls")
    with pytest.raises(click.ClickException, match="the calls process ended with exit code 3 before it could work"):
        sides.run(lambda _queue: None, list, lambda _name: None, "http://127.0.0.1")


FALTERS = """
import os, pathlib, sys
starts = pathlib.Path(sys.argv[1])
starts.write_text(starts.read_text() + "x" if starts.exists() else "x")
if len(starts.read_text()) in (2, 3):
    sys.exit(3)
os.execv(sys.executable, [sys.executable, "-P", "-m", "connector.cli.serve.child_main", *sys.argv[2:]])
"""


def test_one_that_worked_and_now_fails_to_start_is_tried_again_after_a_rest_that_grows(
    tmp_path: Path, environment: Mapping[str, str]
) -> None:
    starts = tmp_path / "starts"
    program = (sys.executable, "-c", FALTERS, str(starts))
    imports = "from connector.cli import main; from connector.cli.serve import processes"
    code = f"{imports}; processes._PROGRAM = {program!r}; main.main()"
    with serving(tmp_path, environment, "--processes", "2", program=[sys.executable, "-c", code]) as (process, url):
        os.kill(side(process.pid, "web"), signal.SIGKILL)
        assert requests.get(f"{url}/readyz", timeout=PATIENCE).json() == {"status": "ready"}  # whoever comes waits
        said = re.findall(r"the web process (.*), and what it does", process.log)
        rested = [f"ended with exit code 3; it is started again in {seconds} s" for seconds in (1, 3)]
        assert said == ["was ended by SIGKILL; it is started again", *rested]
        assert len(starts.read_text()) == 4
        assert process.stop() == 0


def test_a_port_that_is_taken_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.cli.serve.commands._PATIENCE", 0)
    with closing(bind("127.0.0.1", 0)) as taken:
        told = CliRunner().invoke(main, ["serve", "--port", str(taken.getsockname()[1])])
    assert told.exit_code == 2
    assert "cannot be used (Address already in use). Choose another." in told.output
