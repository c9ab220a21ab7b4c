"""``ringback serve``'s other processes: started with it, started again when they fall, and stopped with it."""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

import click

from connector.cli.serve.process_link import GO, READY, RING, ProcessLink
from connector.cli.serve.signals import LOOK_SECONDS, on_stop
from connector.observe.figures import Figures

log = logging.getLogger("ringback")

WEB, CALLS, ENGINE = "web", "calls", "engine"
"""What the processes are called: two sides, and the one that starts them."""

_PROGRAM = (sys.executable, "-P", "-m", "connector.cli.serve.child_main")
_ORDERLY_SECONDS = 10
"""How long requests and calls under way may take to end when we stop."""

_LONGEST_PAUSE = 30.0
"""Seconds between two starts of a process that works no longer: the disk may be full, or its memory."""

_STOP = None

News = SimpleQueue["ChildProcess | None"]
"""Who has ended; ``_STOP``: we are asked to."""


class ChildProcess:
    """One of them. ``listening``, if it has one, stays open here: while the process is started again, senders wait
    instead of being refused. ``news`` gets it when it has ended."""

    def __init__(self, name: str, news: News, listening: socket.socket | None = None) -> None:
        self.name, self._news, self._listening = name, news, listening
        self._ring: Callable[[str], object] = lambda _queue: None
        self._has_worked, self._false_starts = False, 0
        self.start()

    def start(self) -> None:
        """It begins to load at once, while we prepare; it works when it is let."""
        self._was_ready = False
        ours, theirs = socket.socketpair()
        with theirs:
            handed = (theirs.fileno(), *([self._listening.fileno()] if self._listening else []))
            # A session of its own: Ctrl-C reaches us alone, and we say when it ends.
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [*_PROGRAM, self.name, *map(str, handed)], pass_fds=handed, start_new_session=True
            )
        self._partner = ProcessLink(ours, self._hear, gone=lambda: self._news.put(self))

    def let(self, ring: Callable[[str], object], figures: Callable[[], Figures], address: str) -> None:
        """Let it work. ``ring`` takes its rings, ``figures`` are what it may ask for."""
        self._ring = ring
        self._partner.show(figures)
        with suppress(OSError):  # it is gone already, which we hear in a moment
            self._partner.say(GO, address)

    def ring(self, queue: str) -> None:
        """Pass a ring on to it. Raises OSError when it is not there."""
        self._partner.ring(queue)

    def figures(self) -> Figures:
        """What it has counted; [] when it does not say so in time."""
        return self._partner.figures()

    def wait_for_exit(self) -> float:
        """It has ended. → how many seconds it may rest before it is started again. Raises ``ClickException`` when it
        never worked: then something is wrong that another start does not mend."""
        how = _how(self._process.wait())
        if not self._has_worked:
            said = f"the {self.name} process {how} before it could work; what it said stands above."
            raise click.ClickException(said)
        self._false_starts = 0 if self._was_ready else self._false_starts + 1
        pause = min(_LONGEST_PAUSE, 2.0**self._false_starts - 1)
        when = f" in {pause:.0f} s" if pause else ""
        log.error("the %s process %s; it is started again%s, and what it does waits meanwhile", self.name, how, when)
        return pause

    def stop(self) -> None:
        """In good order; by force if that takes too long."""
        self._process.terminate()
        try:
            self._process.wait(_ORDERLY_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._partner.close()

    def _hear(self, word: str, value: str) -> None:
        if word == RING:
            self._ring(value)
        elif word == READY:
            self._was_ready = self._has_worked = True


class ProcessGroup:
    """All of them."""

    def __init__(self) -> None:
        self._news: News = SimpleQueue()
        self._later: list[ChildProcess] = []
        self._sides: dict[str, ChildProcess] = {}

    def start(self, name: str, listening: socket.socket | None = None) -> None:
        self._sides[name] = ChildProcess(name, self._news, listening)

    def ring(self, name: str, queue: str) -> None:
        """Pass a ring on to one. Raises OSError when it is not there."""
        self._sides[name].ring(queue)

    def figures(self, but: str = "") -> Figures:
        """What they have counted, all ``but`` one."""
        return [each for name, side in self._sides.items() if name != but for each in side.figures()]

    def run(
        self, ring: Callable[[str], object], mine: Callable[[], Figures], lost: Callable[[str], object], address: str
    ) -> None:
        """Let them work until we are asked to stop. ``ring`` takes their rings, ``mine`` are our figures, and ``lost``
        hears who fell, before it is started again. Raises ``ClickException`` when one cannot be started."""
        on_stop(lambda: self._news.put(_STOP))

        def let(side: ChildProcess) -> None:
            side.let(ring, lambda: [*mine(), *self.figures(but=side.name)], address)

        for side in self._sides.values():
            let(side)
        while (fallen := self._next()) is not _STOP:
            pause = fallen.wait_for_exit()
            lost(fallen.name)
            if self._rest(pause):
                return
            fallen.start()
            let(fallen)

    def close(self) -> None:
        for side in self._sides.values():
            side.stop()

    def _rest(self, seconds: float) -> bool:
        """Wait. → whether we were asked to stop meanwhile; whoever else falls is seen to afterwards."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            with suppress(Empty):
                news = self._news.get(timeout=min(left, LOOK_SECONDS))
                if news is _STOP:
                    return True
                self._later.append(news)
        return False

    def _next(self) -> ChildProcess | None:
        if self._later:
            return self._later.pop(0)
        while True:
            with suppress(Empty):
                return self._news.get(timeout=LOOK_SECONDS)


def _how(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
