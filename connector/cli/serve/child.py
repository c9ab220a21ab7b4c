"""What a part of ``ringback serve`` does in its own process (``child_main``): ``web`` accepts webhooks and shows pages,
``calls`` calls the vendors. It works from the word of the process that started it until a SIGTERM.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from queue import SimpleQueue

from connector.cli.serve.commands import working
from connector.cli.serve.process_link import GO, READY, RING, ProcessLink
from connector.cli.serve.processes import CALLS, WEB
from connector.cli.serve.signals import wait_for_signal
from connector.cli.serve.sockets import serve_on
from connector.cli.serve.startup import opened, settle_down
from connector.runtime.doorbell import Share
from connector.services import Services
from connector.web.app import front_door, web_app

log = logging.getLogger("ringback")

_SHARES = {WEB: Share.NOTHING, CALLS: Share.CALLING}


def work(name: str, line: socket.socket, listening: socket.socket | None = None) -> None:
    """Wait for the word that all is prepared, then work until asked to stop."""
    prepared: SimpleQueue[str] = SimpleQueue()
    hear = _Hearing(prepared)
    partner = ProcessLink(line, hear=hear, gone=lambda: os._exit(1))  # as ``child_main`` does: whoever hears it first
    address = prepared.get()
    with opened(_SHARES[name], partner.ring, hint=False) as house:
        hear.ring = house.bell.ring
        house.counters.shown.beside(name, partner.figures)
        partner.show(house.counters.shown.mine)
        settle_down()
        _work(house, listening, address, lambda: partner.say(READY))


class _Hearing:
    """What the other process says: first the word to begin, with the address; then rings."""

    def __init__(self, prepared: SimpleQueue[str]) -> None:
        self._prepared = prepared
        self.ring: Callable[[str], object] = lambda _queue: None

    def __call__(self, word: str, value: str) -> None:
        if word == GO:
            self._prepared.put(value)
        elif word == RING:
            self.ring(value)


def _work(house: Services, listening: socket.socket | None, address: str, ready: Callable[[], object]) -> None:
    if listening is not None:
        serve_on(listening, front_door(house, web_app(house)), address, ready)
        return
    with working(house):
        ready()
        log.info("the calls process is ready")
        wait_for_signal()
