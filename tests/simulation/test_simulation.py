"""A slice of the seeds, the same story twice, and planted bugs that must be found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.simulation.ground import Ground
from tests.simulation.invariants import ViolationError
from tests.simulation.planted import BUGS
from tests.simulation.weather import Fate
from tests.simulation.world import live

SLICE = range(12)
MOST_TO_FIND = 10
"""Seeds within which a planted bug must show."""

SIGNS = {
    "no fencing": "a worker whose lease had ended advanced a run|a call is to be made that its run does not wait for",
    "no look-back": "missed",
    "a key per attempt": "opened twice|written twice|left twice|said to be done",
}
"""What a planted bug must be found by: another violation would be luck."""


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with closing(Ground(tmp_path_factory.mktemp("simulation"))) as ground:
        yield ground


@pytest.mark.parametrize("seed", SLICE)
def test_nothing_is_lost_and_nothing_happens_twice_whatever_fails(ground: Ground, seed: int) -> None:
    world = live(ground, seed)
    assert world.answers.left == 0, "the seed ended before everybody had answered"


def test_a_seed_tells_the_same_story_every_time(ground: Ground, tmp_path: Path) -> None:
    first, another = live(ground, 7), live(ground, 8)
    with closing(Ground(tmp_path)) as elsewhere:
        again = live(elsewhere, 7)
    assert list(first.trace) == list(again.trace) != list(another.trace)
    assert first.vendors.mailbox.mails == again.vendors.mailbox.mails


def test_the_seeds_see_what_they_are_about(ground: Ground) -> None:
    """Trouble of every kind really happens: a simulation of fair weather would hold anyway."""
    worlds = [live(ground, seed) for seed in range(3)]
    assert all(world.vendors.desk.tickets and world.vendors.mailbox.mails for world in worlds)
    assert {fate for world in worlds for fate in world.weather.seen} >= set(Fate) - {Fate.IMPOSSIBLE}
    assert max(len(world.workers) for world in worlds) > 1
    assert all((world.clock() - world.began).days >= 7 for world in worlds)


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(ground: Ground, bug: str) -> None:
    with BUGS[bug](), pytest.raises(ViolationError, match=SIGNS[bug]):
        _live_all(ground, MOST_TO_FIND)


def test_a_violation_tells_the_seed_and_the_last_steps(ground: Ground) -> None:
    with BUGS["a key per attempt"](), pytest.raises(ViolationError) as found:
        _live_all(ground, MOST_TO_FIND)
    told = found.value.__notes__[0].splitlines()
    assert told[0].startswith("seed ")
    assert 10 < len(told) <= 41


def _live_all(ground: Ground, most: int) -> None:
    for seed in range(most):
        live(ground, seed)
