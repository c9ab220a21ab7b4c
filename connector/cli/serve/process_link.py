"""The other process of an installation of two: rings go to it, figures come from it, and its end is heard.

Both ends speak alike, one JSON list a line: [word, value]. A line holds no truth: what is lost with a process is
found by the sweep.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any

_PATIENCE = 2.0  # seconds that a page of figures waits for the other's

RING, READY, GO, ASK, TELL = "ring", "ready", "go", "figures?", "figures"


class ProcessLink:
    """One end of the line. ``hear`` gets every word that is not about figures, ``gone`` is called once when the
    other process has ended; both in the line's own thread."""

    def __init__(
        self, line: socket.socket, hear: Callable[[str, str], object], gone: Callable[[], object]
    ) -> None:
        self._line, self._hear, self._gone = line, hear, gone
        self._own_figures: Callable[[], Sequence[Any]] = list
        self._saying, self._asking = threading.Lock(), threading.Lock()
        self._answers: SimpleQueue[tuple[int, list[Any]]] = SimpleQueue()
        self._numbers = count(1)
        threading.Thread(target=self._listen, name="partner", daemon=True).start()

    def ring(self, queue: str) -> None:
        """Pass a ring on. Raises OSError when nobody is there."""
        self.say(RING, queue)

    def say(self, word: str, value: Any = "") -> None:
        """Raises OSError when nobody is there."""
        whole = json.dumps([word, value]).encode() + b"\n"
        with self._saying:
            self._line.sendall(whole)

    def show(self, own: Callable[[], Sequence[Any]]) -> None:
        """Answer the other's question for our figures with what ``own`` returns."""
        self._own_figures = own

    def figures(self) -> list[Any]:
        """What the other has counted; [] when it does not say so in time."""
        with self._asking, suppress(OSError, Empty):
            number = next(self._numbers)
            self.say(ASK, number)
            while True:  # an answer to an earlier question may have come too late for it
                answered, figures = self._answers.get(timeout=_PATIENCE)
                if answered == number:
                    return figures
        return []

    def close(self) -> None:
        """End the line; the thread that listens closes the socket."""
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)

    def _listen(self) -> None:
        with self._line, self._line.makefile("rb") as lines, suppress(OSError, ValueError):  # cut off in a word
            for line in lines:
                self._understand(*json.loads(line))
        self._gone()

    def _understand(self, word: str, value: Any) -> None:
        if word == ASK:
            self.say(TELL, [value, self._own_figures()])
        elif word == TELL:
            self._answers.put((value[0], value[1]))
        else:
            self._hear(word, value)
