"""One seed's world: who does what next, and what time it is, are the seed's to say."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from random import Random

from connector.runtime.doorbell import INTAKE
from connector.storage.flow_control.rate_budget import Budget
from connector.storage.stores.inbox import Inbox
from tests.simulation.ground import Ground, SimulatedClock, seeded_ids
from tests.simulation.invariants import Invariants, ViolationError
from tests.simulation.scripts import choose
from tests.simulation.senders import Agents, Answers, Post, contacts_of, people, users_of
from tests.simulation.sizes import Size, size_of
from tests.simulation.trouble import Tally, Trouble
from tests.simulation.vendors import Vendors
from tests.simulation.weather import CONNECTIONS, Weather
from tests.simulation.worker import Worker

_MOST_STEPS, _MOST_DRAINING = 6_000, 6_000
_SHOWN = 40
_LEAP = 3600  # seconds
_SOON = timedelta(seconds=1)


class World:
    """Everything of one seed. ``run`` lives it; raises ``ViolationError`` with the last steps."""

    def __init__(self, ground: Ground, seed: int, size: Size | None = None) -> None:
        self.seed, self._ground = seed, ground
        self.chance = Random(seed)  # noqa: S311 - a story to repeat, not a secret
        self.clock, self.tally = SimulatedClock(), Tally()
        self.size = size or size_of(seed, self.chance)
        self.active = choose(self.chance, self.size)
        self.trace: deque[str] = deque(maxlen=_SHOWN)
        self.began, self.steps = self.clock(), 0
        self._rings: list[str] = []
        self._frozen: set[str] = set()

    @property
    def told(self) -> tuple[str, ...]:
        """What a person wants to see of it: what was switched on, and the last steps."""
        return f"seed {self.seed}; workflows {', '.join(sorted(self.active))}", *self.trace

    def run(self) -> None:
        try:
            self.build()
            while self._goes_on() and self.steps < _MOST_STEPS:
                self._step()
            self.end()
        except ViolationError:
            raise
        except Exception as error:
            raise ViolationError(f"an error of ours: {type(error).__name__}: {error}") from error

    def end(self) -> None:
        """Trouble ends, all that is left is done, and then everything must be well."""
        self._drain()
        self.invariants.at_the_end(self.post.sent)

    def build(self, processes: int | None = None) -> None:
        """Everybody takes their place."""
        self._ground.fresh(self.active)
        self.weather = Weather(self.chance, self.clock, self.tally)
        everybody = people(self.chance, self.size.people)
        self.vendors = Vendors(self.weather, self.clock, users_of(everybody), contacts_of(everybody))
        self.post = Post(self.chance, self.clock, self.tally)
        self.answers = Answers(self.chance, self.clock, self.post, everybody, self.size.answers)
        self.agents = Agents(self.chance, self.vendors.desk, everybody)
        self.inbox = Inbox(self._ground.database)
        self.invariants = Invariants(self._ground, self.vendors, self.clock, self.tally)
        self.vendors.desk.changed = self.post.envelope
        self.vendors.mailbox.arrived = self.answers.reply
        self.vendors.mailbox.leaving = self.invariants.of_a_leaving_mail
        budget = Budget(self.chance.choice((10.0, 120.0))) if self.chance.random() < 0.3 else None
        self.workers = [
            Worker(name, self._ground, self.vendors, self.clock, self.chance, self.ring, budget)
            for name in ("one", "two", "three")[: processes or self.chance.randint(1, 3)]
        ]

    # --- the doorbell

    def ring(self, queues: frozenset[str]) -> None:
        """A ring is lost, doubled, or waits its turn behind others."""
        for queue in sorted(queues):
            times = self.chance.choices((0, 1, 2), (15, 75, 10))[0]
            self.tally[Trouble.RING_LOST] += times == 0
            self.tally[Trouble.RING_DOUBLED] += times == 2
            for _ in range(times):
                if queue not in self._rings or self.chance.random() < 0.2:
                    self._rings.insert(place := self.chance.randint(0, len(self._rings)), queue)
                    self.tally[Trouble.RING_DELAYED] += len(self._rings) - 1 - place

    # --- what may happen next

    def _goes_on(self) -> bool:
        """Until all was said and has arrived; a small world goes on a little, for its calls to meet trouble too."""
        if self.answers.left or self.post.under_way:
            return True
        return self.steps < self.size.steps and self._next_moment() is not None

    def _step(self) -> None:
        moves = self._moves()
        self.take(self.chance.choices([move for move, _ in moves], [weight for _, weight in moves])[0])
        self.invariants.after_a_step(self.steps)

    def take(self, step: Callable[[], str]) -> None:
        """One step, which says what it did."""
        self.steps += 1
        self.clock.tick()
        self.weather.settle()
        self._note(step())

    def _moves(self) -> list[tuple[Callable[[], str], float]]:
        size, trouble = self.size, self.size.trouble
        awake = [worker for worker in self.workers if worker.name not in self._frozen]
        moves: list[tuple[Callable[[], str], float]] = [
            (self._time_passes, 6), (self.post_comes, 8 if self.post.is_due else 0),
            (self.someone_answers, 3 if self.answers.left else 0), (self.someone_works, size.busy),
            (partial(self.weather_turns, self.chance.choice(CONNECTIONS)), 0.6 * trouble),
            (self._someone_freezes, 0.8 * trouble), (self._someone_wakes, 3 if self._frozen else 0),
            (self.someone_dies, 0.3 * trouble),
        ]  # fmt: skip
        for worker in awake:
            moves += self._moves_of(worker)
        return moves

    def _moves_of(self, worker: Worker) -> Iterator[tuple[Callable[[], str], float]]:
        if self._rings:
            yield lambda: self.answer(worker), 12
        if worker.hands.claimed:
            yield lambda: f"{worker.name} {worker.perform()}", 14
        if worker.hands.landed:
            yield lambda: f"{worker.name} {self.invariants.while_recording(worker)}", 14
        yield lambda: self.sweep(worker), 0.3

    def answer(self, worker: Worker) -> str:
        return f"{worker.name} {worker.answer(self._rings.pop(0))}"

    def sweep(self, worker: Worker) -> str:
        return f"{worker.name} {self.invariants.while_sweeping(worker)}"

    def _time_passes(self) -> str:
        """Milliseconds to days, the longer the rarer; or until something is due."""
        following = self._next_moment() if self.chance.random() < 0.4 else None
        if following and following > self.clock() + _SOON:
            self.clock.now = following
            return f"it is {self.clock():%Y-%m-%d %H:%M:%S}, and something is due"
        most = self.chance.choices((0.1, 5, 70, 3700, 40_000, 200_000), (20, 25, 25, 15, 6, 2))[0]
        self.clock.move(seconds=(span := self.chance.uniform(0, most)))
        self.tally[Trouble.LEAP] += span > _LEAP
        return f"it is {self.clock():%Y-%m-%d %H:%M:%S}"

    def post_comes(self) -> str:
        """What is due arrives, each as a request of its own."""
        arrived = self.post.arrived()
        if not arrived:
            return "no post"
        for delivery in arrived:
            if self.inbox.keep(delivery):
                self.ring(frozenset({INTAKE}))
        return "post: " + ", ".join(f"{each.connection}/{each.key}" for each in arrived)

    def someone_answers(self) -> str:
        self.answers.give()
        return "somebody answers"

    def someone_works(self) -> str:
        self.agents.act()
        return "an agent acts"

    def weather_turns(self, connection: str) -> str:
        self.weather.turn(connection)
        return f"the weather turns at {connection}"

    def _someone_freezes(self) -> str:
        self._frozen.add(worker := self._someone().name)
        self.tally[Trouble.FROZEN] += 1
        return f"{worker} freezes"

    def _someone(self) -> Worker:
        """Any process, but rather one with work in its hands: that is when it hurts."""
        return self.chance.choices(self.workers, [5 if worker.hands.are_full else 1 for worker in self.workers])[0]

    def _someone_wakes(self) -> str:
        worker = self.chance.choice(sorted(self._frozen))
        self._frozen.discard(worker)
        return f"{worker} wakes"

    def someone_dies(self) -> str:
        worker = self._someone()
        self.tally[Trouble.DEAD] += 1
        self.tally[Trouble.DEAD_AT_WORK] += worker.hands.are_full
        said = f"{worker.name} {worker.die()}"
        self._frozen.discard(worker.name)
        if len(self.workers) == 1:
            worker.take_over()
        return said

    # --- the end

    def _drain(self) -> None:
        """The vendors are well, nobody acts, and time goes on until nothing is due any more."""
        self._note("everything is calm")
        self.weather.calm, self._frozen, self._rings = True, set(), []
        for _ in range(_MOST_DRAINING):
            self.steps += 1
            self.clock.tick()
            self.weather.settle()
            if not self._drain_step():
                return
        raise ViolationError(f"the backlog does not drain: {self.invariants.backlog()}")

    def _drain_step(self) -> bool:
        """Bring in the post, work all that is due, then go past the next moment. → whether there was one."""
        self._note(self.post_comes())
        worker = self.workers[self.steps % len(self.workers)]
        self.sweep(worker)
        self.empty_line(worker)
        self.invariants.at_any_moment()
        following = self._next_moment()
        if following:
            late = timedelta(seconds=self.chance.uniform(0, 5400))
            self.clock.now = max(self.clock(), following) + late
        return following is not None

    def empty_line(self, worker: Worker) -> None:
        """Follow every ring, and those that come of it."""
        while self._rings:
            self._note(self.answer(worker))
            for each in self.workers:
                self._empty(each)

    def _empty(self, worker: Worker) -> None:
        while worker.hands.claimed:
            self._note(f"{worker.name} {worker.perform()}")
        while worker.hands.landed:
            self._note(f"{worker.name} {self.invariants.while_recording(worker)}")

    def _next_moment(self) -> datetime | None:
        under_way = [at for at, _, _ in (*self.post.under_way, *self.weather.landings)]
        return min((*under_way, *self.invariants.dues()), default=None)

    def _note(self, said: str) -> None:
        self.trace.append(f"{self.steps:5} {self.clock():%m-%d %H:%M:%S.%f} {said}")


def live(world: World) -> World:
    """Live a seed's world. Raises ``ViolationError``, with the last steps as its notes."""
    try:
        with seeded_ids(world.chance, world.clock), quiet():
            world.run()
    except ViolationError as violation:
        violation.add_note("\n".join(world.told))
        raise
    return world


@contextmanager
def quiet() -> Iterator[None]:
    """Failures are this world's everyday; what went wrong in earnest is an invariant's to say."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
