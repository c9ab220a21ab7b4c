"""The writer's lock is given in the order it was asked for."""

from __future__ import annotations

import fcntl
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from connector.storage.engine.writer_queue import WriterQueue
from tests.support.processes import ROOT


def until(condition: Callable[[], bool]) -> None:
    """Let other threads go on until something has happened; a minute is more than enough."""
    waited = threading.Event()
    for _ in range(60_000):
        if condition():
            return
        waited.wait(0.001)
    pytest.fail("nothing happened")


def waiting(turns: WriterQueue) -> int:
    return len(turns._first) + len(turns._others)


def test_those_who_came_first_go_first() -> None:
    turns, order = WriterQueue(), list[int]()

    def take(number: int) -> None:
        with turns.taken():
            order.append(number)

    with turns.taken():
        threads = []
        for number in range(8):
            threads.append(threading.Thread(target=take, args=(number,)))
            threads[-1].start()
            until(lambda expected=number + 1: waiting(turns) == expected)  # type: ignore[misc]  # its own number
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_who_gives_the_turn_back_and_wants_it_again_waits_for_those_in_line() -> None:
    turns, order = WriterQueue(), list[str]()

    def take() -> None:
        with turns.taken():
            order.append("the sender")

    with turns.taken():
        thread = threading.Thread(target=take)
        thread.start()
        until(lambda: waiting(turns) == 1)
    with turns.taken():
        order.append("the pump again")
    thread.join()
    assert order == ["the sender", "the pump again"]


def test_a_turn_that_ends_in_an_error_is_given_on() -> None:
    turns = WriterQueue()
    with pytest.raises(ValueError, match="inside"), turns.taken():
        raise ValueError("inside")
    with turns.taken():
        pass


def test_only_one_has_the_turn() -> None:
    turns, inside, most = WriterQueue(), 0, 0

    def take() -> None:
        nonlocal inside, most
        for _ in range(200):
            with turns.taken():
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, inside) == (1, 0)


def test_whoever_is_waited_for_goes_first_but_not_twice_in_a_row() -> None:
    turns, order = WriterQueue(), list[str]()

    def take(name: str, first: bool) -> None:
        with turns.taken(first=first):
            order.append(name)

    with turns.taken():
        threads = []
        for name in ("batch", "batch", "sender", "sender", "sender"):
            threads.append(threading.Thread(target=take, args=(name, name == "sender")))
            threads[-1].start()
            started = len(threads)
            until(lambda expected=started: waiting(turns) == expected)  # type: ignore[misc]  # its own number
    for thread in threads:
        thread.join()
    assert order == ["sender", "batch", "sender", "batch", "sender"]


# --- among processes (each ``WriterQueue`` of one file stands for a process: it has its own open files)


def test_two_processes_never_have_the_turn_together(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work(turns: WriterQueue) -> None:
        nonlocal inside, most
        for _ in range(200):
            with turns.taken():
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work, args=(WriterQueue(tmp_path / "db"),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, inside) == (1, 0)


def test_a_process_that_wants_the_turn_again_waits_for_another_that_waited(tmp_path: Path) -> None:
    engine, web, order = WriterQueue(tmp_path / "db"), WriterQueue(tmp_path / "db"), list[str]()

    def take() -> None:
        with web.taken(first=True):
            order.append("the sender")

    with engine.taken():
        thread = threading.Thread(target=take)
        thread.start()
        until(lambda: in_the_door(tmp_path / "db"))
    with engine.taken():
        order.append("the pump again")
    thread.join()
    assert order == ["the sender", "the pump again"]


def in_the_door(file: Path) -> bool:
    """Whether somebody waits for the turn."""
    with Path(f"{file}-door").open() as door:
        try:
            fcntl.flock(door, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


HOLDER = """
import sys
from pathlib import Path
from connector.storage.engine.writer_queue import WriterQueue
with WriterQueue(Path(sys.argv[1])).taken():
    print("mine", flush=True)
    sys.stdin.read()
"""


def test_the_turn_of_a_process_that_is_killed_is_free(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "db")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"mine\n"
        holder.kill()
    with WriterQueue(tmp_path / "db").taken():
        pass


def test_where_turns_cannot_be_taken_writing_goes_on_and_it_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    turns = WriterQueue(tmp_path / "no such folder" / "db")
    with caplog.at_level(logging.WARNING, logger="connector.storage.engine.writer_queue"):
        for _ in range(3):
            with turns.taken():
                pass
    assert len(caplog.messages) == 1
    assert "No such file" in caplog.messages[0]
