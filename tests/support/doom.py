"""Houses in processes of their own, which end where a test says, and the hand that starts them again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sandbox.clock import HandClock
from tests.support.processes import ROOT

Doom = Mapping[str, Any]
"""Where a process ends: the ``nth`` point whose name matches ``at``, by ``how`` (kill, stop). Empty: nowhere."""

PATIENCE = 120  # seconds


class DiedError(Exception):
    """The process reached its point and is gone."""


class FrozenError(Exception):
    """The process reached its point and stands still; ``thaw`` lets it go on."""


class DoomedHouse:
    """One process with a house in it."""

    def __init__(self, line: socket.socket, doom: Doom) -> None:
        line.settimeout(PATIENCE)
        self._words, self._line = line.makefile("rw", encoding="utf-8"), line
        self._stops = doom.get("how") == "stop"
        self._pid = 0
        self.passed: list[str] = []  # the points it has left behind, as far as it has told

    def born(self) -> None:
        """Raises DiedError when it did not live to be asked."""
        self._pid = self._hear()["pid"]

    def post(self, path: str, data: str, headers: Mapping[str, str]) -> int:
        """→ the status of the answer."""
        return int(self._ask(do="post", path=path, data=data, headers=dict(headers))["status"])

    def settle(self) -> int:
        """Work every queue. → how many deliveries and calls are left, for later or for another process."""
        return int(self._ask(do="settle")["left"])

    def tick(self) -> int:
        """As ``settle``, after a sweep."""
        return int(self._ask(do="tick")["left"])

    def thaw(self) -> None:
        """Go on, and finish what was asked before it froze."""
        os.kill(self._pid, signal.SIGCONT)
        self._hear()

    def end(self) -> None:
        """As a power cut would, wherever it is."""
        self._words.close()
        self._line.close()
        if self._pid:
            try:
                os.kill(self._pid, signal.SIGKILL)
            except ProcessLookupError:
                self._pid = 0

    def _ask(self, **what: Any) -> Any:
        self._words.write(json.dumps(what) + "\n")
        self._words.flush()
        return self._hear()

    def _hear(self) -> Any:
        said = self._words.readline()
        if not said:
            raise AssertionError("the house ended by itself; its words are above")
        told = json.loads(said)
        self.passed += told.get("passed", ())
        if "reached" not in told:
            return told
        if self._stops:
            raise FrozenError(told["reached"])
        assert self._words.readline() == "", "it was killed, and nothing more is said"
        raise DiedError(told["reached"])


class HouseProgram:
    """The program under which houses live; one serves any number of tests, as it takes seconds to begin."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.doomed"], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def start(self, order: Mapping[str, Any]) -> None:
        """A house in a new process."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def close(self) -> None:
        self._process.communicate()


class Doomsday:
    """Starts doomed houses. ``clock`` is their time; move it with ``move``."""

    def __init__(self, program: HouseProgram, clock: HandClock, config: str) -> None:
        self._program = program
        self._own = TemporaryDirectory()  # a socket's path must be short
        folder = Path(self._own.name)
        self._file, self._config, self._clock = folder / "clock", config, clock
        self._door = socket.socket(socket.AF_UNIX)
        self._place = str(folder / "door")
        self._door.bind(self._place)
        self._door.listen()
        self._door.settimeout(PATIENCE)
        self._houses: list[DoomedHouse] = []
        self.move()

    def move(self, **span: float) -> None:
        """Let time pass for everybody."""
        self._clock.move(**span)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(self._clock().isoformat())
        fresh.replace(self._file)

    def house(self, database_url: str, doom: Doom | None = None) -> DoomedHouse:
        """A house in a new process. Raises DiedError when its doom lies in its first steps."""
        order = {"socket": self._place, "database": database_url, "config": self._config,
                 "clock": str(self._file), "doom": dict(doom or {})}  # fmt: skip
        self._program.start(order)
        line, _ = self._door.accept()
        house = DoomedHouse(line, doom or {})
        self._houses.append(house)
        house.born()
        return house

    def close(self) -> None:
        for house in self._houses:
            house.end()
        self._door.close()
        self._own.cleanup()


@contextmanager
def doomsday(program: HouseProgram, clock: HandClock, config: str) -> Iterator[Doomsday]:
    """Houses on this clock, with this ringback.yaml, until the block ends."""
    opened = Doomsday(program, clock, config)
    try:
        yield opened
    finally:
        opened.close()
