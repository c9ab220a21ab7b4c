"""The web side as a process of its own, which ``ringback serve`` starts: ``python -m connector.cli.web_side``.

It is given two open sockets by number: the one that listens, and the line to the process that works. It serves
from that one's word until a SIGTERM; when the other dies it ends at once, so that no orphan holds the port.
"""

from __future__ import annotations

import os
import socket
import sys
from queue import SimpleQueue

from connector.cli.listening import serve_on
from connector.cli.opening import opened, settle_down
from connector.observe.figures import told
from connector.runtime.partner import READY, Partner
from connector.wiring import front_door, web_app

WEB, ENGINE = "web", "engine"
"""What the figures of the two processes are called."""


def main(listening: socket.socket, line: socket.socket) -> None:
    """Wait for the word that all is prepared, then serve until asked to stop."""
    prepared: SimpleQueue[str] = SimpleQueue()
    partner = Partner(line, hear=lambda _word, address: prepared.put(address), gone=_end)
    address = prepared.get()
    with opened(partner.ring) as house:
        partner.show(lambda: told(house.counters.own))
        house.counters.shown.beside(WEB, ENGINE, partner.figures)
        settle_down()
        serve_on(listening, front_door(house, web_app(house)), address, ready=lambda: partner.say(READY))


def _end() -> None:
    """Nobody is there to understand what we would accept. What was accepted is in the inbox."""
    os._exit(1)


if __name__ == "__main__":
    main(*(socket.socket(fileno=int(number)) for number in sys.argv[1:3]))
