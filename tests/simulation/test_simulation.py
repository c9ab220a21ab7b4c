"""A slice of the seeds, the same story twice, and planted bugs that must be found."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.simulation.ground import Ground, SqliteGround
from tests.simulation.invariants import ViolationError
from tests.simulation.planted import BUGS, SIGNS
from tests.simulation.trouble import KINDS, Fate, Tally
from tests.simulation.world import World, live

SLICE = range(1, 61)
"""With three of the larger worlds. ``python -m tests.simulation`` lives the others."""

RARE = {Fate.IMPOSSIBLE}
"""May be absent from so short a slice."""

@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with closing(SqliteGround(tmp_path_factory.mktemp("simulation"))) as ground:
        yield ground


@pytest.fixture(scope="module")
def tally() -> Tally:
    """What the seeds of the slice went through."""
    return Tally()


@pytest.mark.parametrize("seed", SLICE)
def test_nothing_is_lost_and_nothing_happens_twice_whatever_fails(ground: Ground, tally: Tally, seed: int) -> None:
    world = live(World(ground, seed))
    assert world.answers.left == 0, "the seed ended before everybody had answered"
    tally += world.tally


def test_trouble_of_every_kind_befell_the_seeds(tally: Tally, request: pytest.FixtureRequest) -> None:
    """A simulation of fair weather would hold anyway."""
    lived = [item for item in request.session.items if "whatever_fails" in item.name]
    if len(lived) < len(SLICE):
        pytest.skip("only a part of the slice was asked for")
    assert {kind for kind in KINDS if not tally[kind]} <= RARE


def test_a_seed_tells_the_same_story_every_time(ground: Ground, tmp_path: Path) -> None:
    first, another = live(World(ground, 7)), live(World(ground, 8))
    with closing(SqliteGround(tmp_path)) as elsewhere:
        again = live(World(elsewhere, 7))
    assert first.told == again.told != another.told
    assert first.tally == again.tally
    assert first.vendors.mailbox.mails == again.vendors.mailbox.mails


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(ground: Ground, bug: str) -> None:
    with BUGS[bug](), pytest.raises(ViolationError, match=SIGNS[bug]) as found:
        _live_all(ground)
    told = found.value.__notes__[0].splitlines()
    assert told[0].startswith("seed ")
    assert 10 < len(told) <= 41, "the seed and the last steps, for whoever looks for the mistake"


def _live_all(ground: Ground) -> None:
    """The larger worlds first: they find most. A ticket whose answer is lost, and which is asked for again while its
    key still counts, is rare: one larger world in a hundred tells of it, and these are two of them."""
    for seed in (1320, 3060, *range(20, 801, 20), *SLICE):
        live(World(ground, seed))


def test_a_slice_is_lived_by_processes_side_by_side_and_counted() -> None:
    command = [sys.executable, "-m", "tests.simulation", "--seeds", "1-4", "--jobs", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    first, *counted = done.stdout.splitlines()
    assert first.startswith("4 of 4 seeds, 0 broken")
    assert [line.split(maxsplit=1)[1] for line in counted if line] == [kind.value for kind in KINDS]
