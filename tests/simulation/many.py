"""Many seeds, in any number of processes side by side, each on a ground of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from tests.simulation.ground import SqliteGround
from tests.simulation.invariants import ViolationError
from tests.simulation.trouble import Tally
from tests.simulation.world import World, live

_AT_A_TIME = 10  # seeds a process fetches
_grounds: list[SqliteGround] = []  # the one of this process


@dataclass(frozen=True, slots=True)
class Lived:
    """What is told of a seed."""

    seed: int
    steps: int
    tally: Tally
    trace: tuple[str, ...]  # the last steps
    violation: str = ""  # empty when all invariants held


def live_many(seeds: range, jobs: int) -> Iterator[Lived]:
    """Live the seeds, ``jobs`` at a time. → each, in order."""
    with tempfile.TemporaryDirectory(dir=_in_memory()) as folder:
        own = {"mp_context": get_context("spawn"), "initializer": _stand, "initargs": (folder,)}
        with ProcessPoolExecutor(jobs, **own) as pool:  # type: ignore[arg-type]  # of several types, by name
            yield from pool.map(_live, seeds, chunksize=_AT_A_TIME)


def _stand(folder: str) -> None:
    _grounds.append(SqliteGround(Path(tempfile.mkdtemp(dir=folder))))


def _live(seed: int) -> Lived:
    world = World(_grounds[0], seed)
    try:
        live(world)
    except ViolationError as violation:
        return _told(world, str(violation))
    return _told(world, "")


def _told(world: World, violation: str) -> Lived:
    return Lived(world.seed, world.steps, world.tally, world.told, violation)


def _in_memory() -> str | None:
    """A folder in memory where the machine has one: a seed writes its database hundreds of times."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a fresh private folder is made in it
