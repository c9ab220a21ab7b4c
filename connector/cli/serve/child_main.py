"""A part of ``ringback serve`` as a process of its own, which that starts:
``python -m connector.cli.serve.child_main <name>``.

It is given open sockets by number: the line to the process that started it and, for the web side, the one that listens.
When the other dies it ends at once, so that no orphan holds the port or makes a call: also while it still loads what it
works with, which takes a second. So nothing of ours is loaded here before the other is watched.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import threading
from collections.abc import Sequence


def main(name: str, numbers: Sequence[str]) -> None:
    """Be the side of this name; ``numbers`` are the sockets'."""
    line, *listening = (socket.socket(fileno=int(number)) for number in numbers)
    threading.Thread(target=_end_with_the_other, args=(line.fileno(),), daemon=True).start()
    from connector.cli.serve.child import work  # only now: see above

    work(name, line, *listening)


def _end_with_the_other(line: int) -> None:
    """Nobody is there to understand what we would accept, or to know what we would call. What was accepted is in the
    inbox, and what was claimed is given back."""
    watch = select.poll()
    watch.register(line, 0)  # that the other end is gone is told to whoever asks for nothing, too
    watch.poll()
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
