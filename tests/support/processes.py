"""The product's own processes in tests: started as by people, watched by their logs, ended by a signal."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

PROGRAM = (str(Path(sys.executable).with_name("ringback")),)
ROOT = Path(__file__).resolve().parents[2]

PATIENCE = 120  # seconds; it ends what hangs, and what takes a moment takes many on a machine with other work
OFFERED = range(10_000, 32_768)
"""Ports that the kernel gives to nobody who asks for any free one, as a hundred servers beside ours do."""

T = TypeVar("T")


class Process:
    """One ``ringback`` command in the background; its words go to a file."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], log: Path, program: Sequence[str] = PROGRAM
    ) -> None:
        self.name, self._log = " ".join(arguments), log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [*program, *arguments], env={**_clean_environment(), **environment},
                cwd=log.parent, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def wait_for(self, words: str, seconds: float = PATIENCE) -> None:
        """Until the log says it. Fails with the log when the process ends or stays silent."""
        until(
            lambda: words in self.log or self._process.poll() is not None, f"{self.name}: {words!r}", seconds
        )
        assert words in self.log, f"{self.name} ended with {self._process.poll()}\n{self.log}"

    def kill(self) -> None:
        """As a power cut would."""
        self._process.kill()
        self._process.wait(PATIENCE)

    def stop(self) -> int:
        """SIGTERM, and the exit code that follows; one that does not end in a minute is killed."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.returncode


def run(arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> str:
    """Run a command to its end. → what it printed."""
    whole = {**_clean_environment(), **environment}
    done = subprocess.run(
        [*PROGRAM, *arguments], env=whole, cwd=folder, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, (
        f"{' '.join(arguments)} ended with {done.returncode}\n{done.stdout}{done.stderr}"
    )
    return done.stdout


@contextmanager
def running(
    commands: Sequence[tuple[Sequence[str], str]], environment: Mapping[str, str], folder: Path
) -> Iterator[list[Process]]:
    """Start (command, the words that say it is ready) all at once; all must end with 0 on SIGTERM.

    When the block fails, the error carries every process's log.
    """
    with ExitStack() as stack:
        processes: list[Process] = []
        stack.callback(lambda: [process.stop() for process in processes])
        try:
            for number, (arguments, _) in enumerate(commands):
                processes.append(Process(arguments, environment, folder / f"{number}-{arguments[0]}.log"))
            for process, (_, ready) in zip(processes, commands, strict=True):
                process.wait_for(ready)
            yield processes
        except BaseException as error:
            for process in processes:
                error.add_note(f"--- {process.name}\n{process.log}")
            raise
        codes = [(process.name, process.stop()) for process in reversed(processes)]
        assert not any(code for _, code in codes), f"exit codes {codes}\n{''.join(p.log for p in processes)}"


def until(condition: Callable[[], T | None], what: str, seconds: float = PATIENCE) -> T:
    """Ask until the answer is true, and return it; fail, naming what was expected, when the time is over."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)  # between two looks; what is waited for is the condition, not a time
    return answer


def is_free(port: int) -> bool:
    """Whether a program could listen on it now."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """A port of the loopback that nobody uses now; asked for before the configuration that names it."""
    for port in random.SystemRandom().sample(OFFERED, 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("none of a hundred ports is free")


def _clean_environment() -> dict[str, str]:
    """Ours, without settings of whoever runs the tests, and able to import the project from anywhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RINGBACK_")}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
