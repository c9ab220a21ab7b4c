"""``python -m tests.simulation --seeds 0-999``: lives many seeds and says which of them broke an invariant."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from tests.simulation.ground import Ground
from tests.simulation.invariants import ViolationError
from tests.simulation.world import live

_EVERY = 20  # seeds between two lines of progress


def main() -> int:
    """→ the exit code: 1 when any seed broke an invariant."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=_seeds, default=range(100), help="one seed, or the first and the last: 0-999")
    parser.add_argument("--trace", action="store_true", help="print the last steps also of seeds that held")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=_in_memory()) as folder, closing(Ground(Path(folder))) as ground:
        return 1 if _live_all(ground, wanted.seeds, wanted.trace) else 0


def _live_all(ground: Ground, seeds: range, trace: bool) -> int:
    """→ how many seeds broke an invariant."""
    began, broken = time.monotonic(), 0
    for number, seed in enumerate(seeds, 1):
        try:
            world = live(ground, seed)
            if trace:
                print(*world.trace, sep="\n")
        except ViolationError as violation:
            broken += 1
            print(f"\nseed {seed}: {violation}", *violation.__notes__, sep="\n", flush=True)
        if number % _EVERY == 0 or number == len(seeds):
            pace = number / (time.monotonic() - began)
            print(f"{number} of {len(seeds)} seeds, {broken} broken, {pace:.1f} seeds/s", flush=True)
    return broken


def _seeds(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _in_memory() -> str | None:
    """A folder in memory where the machine has one: a seed writes its database thousands of times."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a fresh private folder is made in it


if __name__ == "__main__":
    sys.exit(main())
