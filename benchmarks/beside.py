"""The product beside the program one would write instead, in turns on the same machine: only the ratio is worth much.

    python -m benchmarks.beside --latency-ms 50 -n 2000 --rounds 3
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis

from benchmarks import load, loops
from benchmarks.figures import Figures, figures
from benchmarks.outside import counterpart, effects, free_port, wait_for_effects
from benchmarks.product import ROOT, Running
from benchmarks.usual import READY

_BROKER = os.environ.get("RINGBACK_TEST_REDIS", "redis://127.0.0.1:6379") + "/8"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="The product beside the usual program, in turns.")
    parser.add_argument("--latency-ms", type=float, default=50)
    parser.add_argument("-n", type=int, default=2000, help="answers")
    parser.add_argument("-c", type=int, default=32, help="connections of the sender")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    found: dict[str, list[Figures]] = {"usual": [], "sqlite": [], "postgresql": []}
    for _ in range(options.rounds):
        for name, measured in found.items():
            measured.append(_usual(options) if name == "usual" else loops.measure(_as_loops(options, name)))
            print(f"{name:<12}{measured[-1]}", flush=True)
    print(f"{'':<12}{'loops/s, median':>16}{'to the usual':>14}")
    medians = {name: statistics.median(each.closed_per_second for each in them) for name, them in found.items()}
    for name, median in medians.items():
        print(f"{name:<12}{median:>16.0f}{median / medians['usual']:>14.2f}")


def _as_loops(options: argparse.Namespace, database: str) -> argparse.Namespace:
    load_ = ["--latency-ms", str(options.latency_ms), "-n", str(options.n), "-c", str(options.c)]
    return loops.options_of(["--database", database, *load_])


def _usual(options: argparse.Namespace) -> Figures:
    port, vendor = free_port(), free_port()
    url = f"http://127.0.0.1:{vendor}"
    command = [sys.executable, "-m", "benchmarks.counterpart", "--port", str(vendor), "--latency-ms"]
    redis.Redis.from_url(_BROKER).flushdb()
    with counterpart([*command, str(options.latency_ms)]), _running(port, url) as processes:
        before = _cpu(processes)
        sent = asyncio.run(load.send(port, options.n, options.c))
        wait_for_effects(url, sent)
        return figures(sent, *effects(url), _cpu(processes) - before)


@contextmanager
def _running(port: int, vendor: str) -> Iterator[list[Running]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "USUAL_BROKER": _BROKER, "USUAL_VENDOR": vendor}
    with ExitStack() as stack:
        processes = []
        for command in (["web", str(port)], ["worker"]):
            whole = [sys.executable, "-m", "benchmarks.usual", *command]
            process = subprocess.Popen(  # noqa: S603  # our own
                whole, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            processes.append(Running(command[0], process.pid, Path(os.devnull)))
            _wait(process)
        yield processes


def _wait(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None  # noqa: S101  # it is a pipe
    if not any(line.strip() == READY for line in process.stdout):
        raise SystemExit("the usual program did not start")


def _cpu(processes: list[Running]) -> float:
    return sum(each.cpu_seconds() for each in processes)


if __name__ == "__main__":
    main()
