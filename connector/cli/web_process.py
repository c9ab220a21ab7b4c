"""``ringback serve``'s other process: started with it, started again when it falls, and stopped with it."""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

import click

from connector.cli.signals import LOOK_SECONDS, on_stop
from connector.cli.web_side import ENGINE, WEB
from connector.observe.figures import told
from connector.runtime.partner import GO, READY, RING, Partner
from connector.wiring import House

log = logging.getLogger("ringback")

_PROGRAM = (sys.executable, "-P", "-m", "connector.cli.web_side")
_ORDERLY_SECONDS = 10
"""How long requests under way may take to be answered when we stop."""

_GONE, _STOP = "gone", "stop"


class WebProcess:
    """The web side on ``listening``, which stays open here: while the process is started again, senders wait
    instead of being refused."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self._news: SimpleQueue[str] = SimpleQueue()
        self._ring: Callable[[str], object] = lambda _queue: None
        self._start()

    def run(self, house: House, address: str) -> None:
        """Let it serve, until we are asked to stop. Raises ``ClickException`` when it cannot be started."""
        self._ring = house.bell.ring
        house.counters.shown.beside(ENGINE, WEB, lambda: self._partner.figures())
        on_stop(lambda: self._news.put(_STOP))
        self._let(house, address)
        while self._next() != _STOP:
            self._mourn()
            self._start()
            self._let(house, address)

    def stop(self) -> None:
        """In good order; by force if that takes too long."""
        self._process.terminate()
        try:
            self._process.wait(_ORDERLY_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._partner.close()

    def _start(self) -> None:
        """It begins to load at once, while we prepare; it serves when it is let."""
        self._was_ready = False
        ours, theirs = socket.socketpair()
        with theirs:
            handed = (self._listening.fileno(), theirs.fileno())
            # A session of its own: Ctrl-C reaches us alone, and we say when it ends.
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [*_PROGRAM, *map(str, handed)], pass_fds=handed, start_new_session=True
            )
        self._partner = Partner(ours, self._hear, gone=lambda: self._news.put(_GONE))

    def _let(self, house: House, address: str) -> None:
        self._partner.show(lambda: told(house.counters.own))
        with suppress(OSError):  # it is gone already, which we hear in a moment
            self._partner.say(GO, address)

    def _hear(self, word: str, value: str) -> None:
        if word == RING:
            self._ring(value)
        elif word == READY:
            self._was_ready = True

    def _next(self) -> str:
        while True:
            with suppress(Empty):
                return self._news.get(timeout=LOOK_SECONDS)

    def _mourn(self) -> None:
        how = _how(self._process.wait())
        if not self._was_ready:
            raise click.ClickException(f"the web side {how} before it could serve; what it said stands above.")
        log.error("the web side %s; it is started again, and senders wait meanwhile", how)


def _how(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
