"""What stands around the product in a measurement: the counterpart as a process, and questions to it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks.figures import expected
from benchmarks.load import Sent
from benchmarks.product import ROOT

PATIENCE = 15.0  # seconds without progress, after which what is missing counts as lost

Times = dict[int, list[float]]


@contextmanager
def counterpart(command: Sequence[str]) -> Iterator[None]:
    """The vendors' process, until the block ends."""
    process = subprocess.Popen(  # noqa: S603  # one of our own
        command, cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    try:
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        process.stdout.readline()  # it says where it is once it listens
        yield
    finally:
        process.kill()
        process.communicate()


def wait_for_effects(vendor_url: str, sent: Sent, patience: float = PATIENCE) -> None:
    """Until every accepted answer has its effects, or nothing moves; then a moment for doubled ones."""
    due, last, since = expected(sent), 0, time.monotonic()
    while time.monotonic() - since < patience:
        seen = ask(f"{vendor_url}/counts")
        if (seen["tickets"], seen["scores"]) == due:
            break
        if seen["requests"] != last:
            last, since = seen["requests"], time.monotonic()
        time.sleep(0.1)
    time.sleep(1)


def effects(vendor_url: str) -> tuple[Times, Times]:
    """When tickets were opened and scores were written, by answer."""
    seen = ask(f"{vendor_url}/effects")
    return _numbered(seen["tickets"]), _numbered(seen["scores"])


def ask(url: str) -> Any:
    """What the counterpart says of itself."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=30) as reply:
        return json.load(reply)


def free_port() -> int:
    """A port of the loopback that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _numbered(times: dict[str, list[float]]) -> Times:
    """JSON made the numbers text."""
    return {int(number): each for number, each in times.items()}
