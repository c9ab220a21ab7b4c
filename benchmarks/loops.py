"""Measure how fast the loop closes.

    python -m benchmarks.loops --database sqlite --broker memory --latency-ms 50 -n 3000 -c 32

A survey's answer arrives by signed webhook; it is stored, opens exactly one callback ticket where a detractor
consents (about 48 % do), and writes exactly one score. Measured from outside: the sender sees when an answer
is accepted, the counterpart when its effects happen.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import load, profiles
from benchmarks.figures import Figures, figures
from benchmarks.outside import counterpart, effects, free_port, wait_for_effects
from benchmarks.product import ROOT, Running, Setup, running

_SHARED = ROOT.parent / "shared" / "bench"
_SHARED_SECRET = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0"  # noqa: S105  # opens nothing but a measurement


def main() -> None:
    """The command."""
    options = options_of()
    result = _with_shared(options) if options.with_shared else asdict(measure(options))
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name.replace('_', ' '):<22}{value}")


def options_of(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line says, or ``given``."""
    parser = argparse.ArgumentParser(description="Measure how fast the loop closes.")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--broker", choices=("memory", "redis"), help="memory on SQLite, redis on PostgreSQL")
    parser.add_argument("--latency-ms", type=float, default=0, help="how long a vendor takes to answer")
    parser.add_argument("-n", type=int, default=3000, help="answers")
    parser.add_argument("-c", type=int, default=32, help="connections of the sender")
    parser.add_argument("--rate", type=float, help="answers a second, instead of as many as are accepted")
    parser.add_argument("--processes", type=int, choices=(1, 2, 3), default=3, help="of `ringback serve`")
    parser.add_argument("--workers", type=int, default=2, help="worker processes beside web and scheduler")
    parser.add_argument("--warm-up", type=float, default=2, help="seconds between start and measurement")
    parser.add_argument("--profile", action="store_true", help="sample the product with py-spy")
    parser.add_argument(
        "--with-shared", action="store_true", help=f"use sender and counterpart of {_SHARED.name}/"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(given)
    options.broker = options.broker or ("memory" if options.database == "sqlite" else "redis")
    return options


def measure(options: argparse.Namespace) -> Figures:
    """With our own sender and counterpart."""
    port, vendor = free_port(), free_port()
    command = [sys.executable, "-m", "benchmarks.counterpart", "--port", str(vendor)]
    setup = Setup(options.database, options.broker, f"http://127.0.0.1:{vendor}", port, options.workers,
                  processes=options.processes)  # fmt: skip
    with (
        tempfile.TemporaryDirectory() as folder,
        counterpart([*command, "--latency-ms", str(options.latency_ms)]),
        running(setup, Path(folder)) as processes,
    ):
        time.sleep(options.warm_up)
        before = _cpu(processes)
        with _profiled(processes, Path(folder), options.profile):
            how = load.keep_to(options.rate, port, options.n) if options.rate else load.send(port, options.n, options.c)
            sent = asyncio.run(how)
            wait_for_effects(setup.vendor_url, sent)
        return figures(sent, *effects(setup.vendor_url), _cpu(processes) - before)


def _with_shared(options: argparse.Namespace) -> dict[str, Any]:
    """With a sender and a counterpart from outside the project, so that figures compare with others'."""
    if not _SHARED.is_dir():
        raise SystemExit(f"there is no {_SHARED}; measure without --with-shared")
    port, vendor = free_port(), free_port()
    url = f"http://127.0.0.1:{vendor}"
    setup = Setup(options.database, options.broker, url, port, options.workers, _SHARED_SECRET, options.processes)
    command = [sys.executable, str(_SHARED / "counterpart.py"), "--port", str(vendor)]
    sender = [sys.executable, str(_SHARED / "load.py"), "--url", f"http://127.0.0.1:{port}/webhooks/{load.CONNECTION}",
              "--secret", _SHARED_SECRET, "--counterpart", url,
              "-n", str(options.n), "-c", str(options.c)]  # fmt: skip
    with (
        tempfile.TemporaryDirectory() as folder,
        counterpart([*command, "--latency-ms", str(options.latency_ms)]),
        running(setup, Path(folder)) as processes,
    ):
        time.sleep(options.warm_up)
        before = _cpu(processes)
        with _profiled(processes, Path(folder), options.profile):
            said = subprocess.run(sender, check=True, capture_output=True, text=True).stdout  # noqa: S603  # named above
        result: dict[str, Any] = json.loads(said.splitlines()[-1])
        return {**result, "cpu_per_loop": round((_cpu(processes) - before) / max(1, result["closed"]), 5)}


@contextmanager
def _profiled(processes: Sequence[Running], folder: Path, wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    with profiles.sampling(processes, folder) as files:
        yield
    print("\n".join(profiles.summary(files)), file=sys.stderr)


def _cpu(processes: Sequence[Running]) -> float:
    return sum(each.cpu_seconds() for each in processes)


if __name__ == "__main__":
    main()
