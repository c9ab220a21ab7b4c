"""``python -m tests.simulation --seeds 0-999 --jobs 2``: lives many seeds, says which of them broke an invariant, and
counts what they went through. Whoever has many machines gives each a slice: 0-499, 500-999, …"""

from __future__ import annotations

import argparse
import sys
import time

from tests.simulation.many import Lived, live_many
from tests.simulation.trouble import KINDS, Tally

_EVERY = 100  # seeds between two lines of progress


def main() -> int:
    """→ the exit code: 1 when any seed broke an invariant."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=_seeds, default=range(100), help="one seed, or the first and the last: 0-999")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes live them side by side")
    parser.add_argument("--trace", action="store_true", help="print the last steps also of seeds that held")
    wanted = parser.parse_args()
    began, tally, broken = time.monotonic(), Tally(), 0
    for number, lived in enumerate(live_many(wanted.seeds, wanted.jobs), 1):
        broken += bool(lived.violation)
        tally += lived.tally
        _tell(lived, wanted.trace)
        if number % _EVERY == 0 or number == len(wanted.seeds):
            pace = number / (time.monotonic() - began)
            print(f"{number} of {len(wanted.seeds)} seeds, {broken} broken, {pace:.1f} seeds/s", flush=True)
    print("", *(f"{tally[kind]:10,} {kind.value}" for kind in KINDS), sep="\n")
    return 1 if broken else 0


def _tell(lived: Lived, trace: bool) -> None:
    if lived.violation:
        print(f"\nseed {lived.seed}: {lived.violation}", flush=True)
    if lived.violation or trace:
        print(*lived.trace, sep="\n", flush=True)


def _seeds(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


if __name__ == "__main__":
    sys.exit(main())
