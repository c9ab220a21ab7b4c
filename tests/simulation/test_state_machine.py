"""Hypothesis writes stories that the seeds do not: it chooses every move, people's hands among them, on both
databases, and when an invariant breaks it looks for the shortest story that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from connector.runtime.doorbell import INTAKE, TIMERS, effects_queue
from connector.runtime.operations.errors import RefusedError
from tests.simulation.ground import Ground, SqliteGround, seeded_ids
from tests.simulation.ground_postgres import PostgresGround
from tests.simulation.invariants import ViolationError, stored
from tests.simulation.planted import BUGS, SIGNS
from tests.simulation.sizes import Size
from tests.simulation.weather import CONNECTIONS
from tests.simulation.worker import Worker
from tests.simulation.world import World, quiet

_SIZE = Size(answers=1_000, people=3, more=0.5, busy=0, trouble=0, steps=0)
_WHO = st.integers(0, 1)
_DUE = "SELECT DISTINCT connection FROM effects WHERE status = 'due' AND due_at <= ? ORDER BY connection"
_SPANS = (1, 61, 3_700, 90_000)  # seconds: a second, a lease, an hour, a day
_BOUNDED = settings(
    max_examples=8, stateful_step_count=25, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
_SEARCH = settings(_BOUNDED, max_examples=30, phases=[Phase.generate])  # to find is enough; it need not be short


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    if request.param == "sqlite":
        opened: Any = SqliteGround(tmp_path)
    else:
        opened = PostgresGround(request.getfixturevalue("migrated_postgres"))
    with closing(opened):
        yield opened


def test_no_story_breaks_an_invariant(ground: Ground) -> None:
    Story.ground = ground
    run_state_machine_as_test(Story, settings=_BOUNDED)


@pytest.mark.parametrize("bug", ["no fencing", "no look-back"])
def test_the_stories_find_a_planted_bug(tmp_path: Path, bug: str) -> None:
    found = pytest.raises(ViolationError, match=SIGNS[bug])
    with closing(SqliteGround(tmp_path)) as Story.ground, BUGS[bug](), found:
        run_state_machine_as_test(Story, settings=_SEARCH)


class Story(RuleBasedStateMachine):
    """Two processes, three customers, a helpdesk and its agents; whoever moves next is Hypothesis's to say."""

    ground: ClassVar[Ground]

    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        self._world: World | None = None

    @initialize(seed=st.integers(0, 1_000))
    def begin(self, seed: int) -> None:
        """The seed chooses the workflows and what is not a move: scores, delays, how calls end. Some have answered
        before the story begins, so that there are calls to make."""
        world = World(self.ground, seed, _SIZE)
        self._open.enter_context(quiet())
        self._open.enter_context(seeded_ids(world.chance, world.clock))
        world.build(processes=2)
        self._world = world
        self.customers_answer(many=4, understood=True)

    # --- the world outside

    @rule(many=st.integers(1, 4), understood=st.booleans())
    def customers_answer(self, many: int, understood: bool) -> None:
        for _ in range(many):
            self.world.take(self.world.someone_answers)
        self._post_comes(understood)

    @rule(many=st.integers(1, 3), understood=st.booleans())
    def agents_work(self, many: int, understood: bool) -> None:
        for _ in range(many):
            self.world.take(self.world.someone_works)
        self._post_comes(understood)

    @rule()
    def something_old_is_sent_again(self) -> None:
        self.world.post.again()
        self._post_comes(understood=True)

    def _post_comes(self, understood: bool) -> None:
        """What is under way arrives, but for what takes longer than a few minutes: that comes late."""
        self.world.clock.move(seconds=self.world.chance.choice((1, 150)))
        self.world.take(self.world.post_comes)
        while understood and self._unread():
            self.world.take(lambda: self._worker(0).answer(INTAKE))

    def _unread(self) -> bool:
        return bool(self.ground.rows("SELECT 1 FROM deliveries WHERE status = 'new' LIMIT 1"))

    @rule(connection=st.sampled_from(CONNECTIONS))
    def the_weather_turns(self, connection: str) -> None:
        self.world.take(lambda: self.world.weather_turns(connection))

    @rule(seconds=st.sampled_from(_SPANS))
    def time_passes(self, seconds: int) -> None:
        self.world.take(lambda: str(self.world.clock.move(seconds=seconds)))

    # --- the processes

    @rule(who=_WHO, queue=st.sampled_from((INTAKE, TIMERS)))
    def a_queue_is_pumped(self, who: int, queue: str) -> None:
        self.world.take(lambda: self._worker(who).answer(queue))

    @precondition(lambda self: self._due())
    @rule(who=_WHO, which=st.integers(0, 3))
    def a_process_claims(self, who: int, which: int) -> None:
        self._claim(who, which)

    @precondition(lambda self: self._any_claimed())
    @rule(who=_WHO)
    def a_process_calls(self, who: int) -> None:
        if self._worker(who).hands.claimed:
            self.world.take(self._worker(who).perform)

    @precondition(lambda self: self._any_landed())
    @rule(who=_WHO)
    def a_process_writes_down_an_outcome(self, who: int) -> None:
        if self._worker(who).hands.landed:
            self._write_down(who)

    @precondition(lambda self: self._due() or self._any_claimed() or self._any_landed())
    @rule(who=_WHO, rounds=st.integers(0, 2), calls=st.booleans(), wakes=st.booleans())
    def a_process_freezes_with_calls_in_its_hands(self, who: int, rounds: int, calls: bool, wakes: bool) -> None:
        """Having made them, after some rounds that went well. Another one claims them, or even makes them once more;
        and the frozen one writes down what it knows of them, now or whenever it is its turn."""
        for _ in range(rounds):
            self._claim_all(who)
            self._call_all(who)
            self._write_all(who)
        self._claim_all(who)
        self._call_all(who)
        self.world.clock.move(seconds=61)
        self.world.take(lambda: self.world.sweep(self._worker(1 - who)))
        self._claim_all(1 - who)
        if calls:
            self._call_all(1 - who)
        if wakes:
            self._write_all(who)

    @rule(who=_WHO)
    def a_process_works_until_nothing_is_due(self, who: int) -> None:
        self.world.take(lambda: self.world.sweep(self._worker(who)))
        self.world.empty_line(self._worker(who))

    @precondition(lambda self: self._any_claimed() or self._any_landed())
    @rule(who=_WHO)
    def a_process_dies(self, who: int) -> None:
        self.world.take(self._worker(who).die)

    def _claim(self, who: int, which: int) -> None:
        if due := self._due():
            self.world.take(lambda: self._worker(who).answer(effects_queue(due[which % len(due)])))

    def _claim_all(self, who: int) -> None:
        for which in range(len(self._due())):
            self._claim(who, which)

    def _call_all(self, who: int) -> None:
        while self._worker(who).hands.claimed:
            self.world.take(self._worker(who).perform)

    def _write_all(self, who: int) -> None:
        while self._worker(who).hands.landed:
            self._write_down(who)

    def _write_down(self, who: int) -> None:
        self.world.take(lambda: self.world.invariants.while_recording(self._worker(who)))

    def _due(self) -> list[str]:
        """Connections that have calls to make, also those that are held or stopped."""
        return [name for (name,) in self.ground.rows(_DUE, stored(self.world.clock()))]

    def _any_claimed(self) -> bool:
        return any(worker.hands.claimed for worker in self.world.workers)

    def _any_landed(self) -> bool:
        return any(worker.hands.landed for worker in self.world.workers)

    # --- people

    @rule(connection=st.sampled_from(CONNECTIONS), stop=st.booleans())
    def a_connection_is_stopped_or_resumed(self, connection: str, stop: bool) -> None:
        switches = self._worker(0).switches
        if stop:
            switches.pause(connection, "Ann", "We look into it.")
        else:
            switches.resume(connection)

    @precondition(lambda self: self._runs("waiting"))
    @rule(which=st.integers(0, 9))
    def a_run_is_cancelled(self, which: int) -> None:
        self._by_hand(which, "waiting", lambda run: self._worker(0).controls.cancel([run], "Ann", "By mistake."))

    @precondition(lambda self: self._runs("failed", "needs_review"))
    @rule(which=st.integers(0, 9), anew=st.booleans())
    def a_run_is_retried(self, which: int, anew: bool) -> None:
        self._by_hand(which, "failed", lambda run: self._worker(0).controls.retry(run, "Ann", anew=anew))

    @precondition(lambda self: self._runs("succeeded", "failed", "cancelled"))
    @rule(which=st.integers(0, 9), status=st.sampled_from(("waiting", "succeeded", "failed", "cancelled")))
    def a_run_is_restarted(self, which: int, status: str) -> None:
        self._by_hand(which, status, lambda run: self._worker(0).controls.restart(run, "Ann"))

    def _by_hand(self, which: int, status: str, do: Callable[[str], object]) -> None:
        """To one of the runs of this status. That it is refused now is an answer too."""
        if not (ids := self._runs(status)):
            return
        try:
            do(ids[which % len(ids)])
        except RefusedError:
            return

    def _runs(self, *states: str) -> list[str]:
        found = [self.ground.rows("SELECT id FROM runs WHERE status = ? ORDER BY id", each) for each in states]
        return [id_ for rows in found for (id_,) in rows]

    # --- what must hold

    @invariant()
    def nothing_is_wrong_at_any_moment(self) -> None:
        if self._world:
            self._world.invariants.at_any_moment()

    def teardown(self) -> None:
        """People let every connection go on, and the story is told to its end."""
        with self._open:
            if self._world:
                for connection in CONNECTIONS:
                    self._worker(0).switches.resume(connection)
                self._world.end()

    @property
    def world(self) -> World:
        assert self._world, "begin comes first"
        return self._world

    def _worker(self, number: int) -> Worker:
        return self.world.workers[number]
