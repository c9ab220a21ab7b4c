"""One seed's world: who does what next, and what time it is, are the seed's to say."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random

from connector.runtime.bell import INTAKE
from connector.storage.budgets import Budget
from connector.storage.inbox import Inbox
from tests.simulation.ground import Ground, SimulatedClock, seeded_ids
from tests.simulation.invariants import Invariants, ViolationError
from tests.simulation.scripts import choose
from tests.simulation.senders import Agents, Answers, Post, contacts_of, people, users_of
from tests.simulation.vendors import Vendors
from tests.simulation.weather import Weather
from tests.simulation.worker import Worker

ANSWERS = 40
_CONNECTIONS = ("zendesk", "salesforce", "mail", "alerts")
_MOST_STEPS, _MOST_DRAINING = 6_000, 6_000
_SHOWN = 40


class World:
    """Everything of one seed. ``run`` lives it; raises ``ViolationError`` with the last steps."""

    def __init__(self, ground: Ground, seed: int) -> None:
        self.seed, self._ground = seed, ground
        self.chance = Random(seed)  # noqa: S311 - a story to repeat, not a secret
        self.clock = SimulatedClock()
        self.trace: deque[str] = deque(maxlen=_SHOWN)
        self.began, self.steps = self.clock(), 0
        self._rings: list[str] = []
        self._frozen: set[str] = set()

    def run(self) -> None:
        self._build()
        try:
            self._live()
        except ViolationError:
            raise
        except Exception as error:
            raise ViolationError(f"an error of ours: {type(error).__name__}: {error}") from error
        finally:
            self.invariants.close()

    def _live(self) -> None:
        while self._goes_on() and self.steps < _MOST_STEPS:
            self._step()
        self._drain()
        self.invariants.at_the_end(self.post.sent)

    def _build(self) -> None:
        """Everybody takes their place."""
        self.active = choose(self.chance)
        self._ground.fresh(self.active)
        self.weather = Weather(self.chance, self.clock)
        everybody = people(self.chance)
        self.vendors = Vendors(self.weather, self.clock, users_of(everybody), contacts_of(everybody))
        self.post = Post(self.chance, self.clock)
        self.answers = Answers(self.chance, self.clock, self.post, everybody, ANSWERS)
        self.agents = Agents(self.chance, self.vendors.desk, everybody)
        self.inbox = Inbox(self._ground.database)
        self.invariants = Invariants(self._ground, self.vendors, self.clock)
        self.vendors.desk.changed = self.post.envelope
        self.vendors.mailbox.arrived = self.answers.reply
        self.vendors.mailbox.leaving = self.invariants.of_a_leaving_mail
        budget = Budget(self.chance.choice((10.0, 120.0))) if self.chance.random() < 0.3 else None
        self.workers = [
            Worker(name, self._ground, self.vendors, self.clock, self.chance, self._ring, budget)
            for name in ("one", "two", "three")[: self.chance.randint(1, 3)]
        ]

    # --- the doorbell

    def _ring(self, queues: frozenset[str]) -> None:
        """A ring is lost, doubled, or waits its turn behind others."""
        for queue in sorted(queues):
            for _ in range(self.chance.choices((0, 1, 2), (15, 75, 10))[0]):
                if queue not in self._rings or self.chance.random() < 0.2:
                    self._rings.insert(self.chance.randint(0, len(self._rings)), queue)

    # --- what may happen next

    def _goes_on(self) -> bool:
        return bool(self.answers.left or self.post.under_way)

    def _step(self) -> None:
        self.steps += 1
        self.clock.tick()
        self.weather.settle()
        moves = self._moves()
        doing = self.chance.choices([move for move, _ in moves], [weight for _, weight in moves])[0]
        self._note(doing())
        self.invariants.after_a_step(self.steps)

    def _moves(self) -> list[tuple[Callable[[], str], float]]:
        awake = [worker for worker in self.workers if worker.name not in self._frozen]
        moves: list[tuple[Callable[[], str], float]] = [
            (self._time_passes, 6), (self._post_comes, 8 if self.post.is_due else 0),
            (self._someone_answers, 3 if self.answers.left else 0), (self._someone_works, 5),
            (self._weather_turns, 0.6), (self._someone_freezes, 0.8), (self._someone_wakes, 3 if self._frozen else 0),
            (self._someone_dies, 0.3),
        ]  # fmt: skip
        for worker in awake:
            moves += self._moves_of(worker)
        return moves

    def _moves_of(self, worker: Worker) -> Iterator[tuple[Callable[[], str], float]]:
        if self._rings:
            yield lambda: self._answer(worker), 12
        if worker.hands.claimed:
            yield lambda: f"{worker.name} {worker.perform()}", 14
        if worker.hands.landed:
            yield lambda: f"{worker.name} {self.invariants.while_recording(worker)}", 14
        yield lambda: self._sweep(worker), 1

    def _answer(self, worker: Worker) -> str:
        return f"{worker.name} {worker.answer(self._rings.pop(0))}"

    def _sweep(self, worker: Worker) -> str:
        said = worker.sweep()
        self.invariants.after_a_sweep()
        return f"{worker.name} {said}"

    def _time_passes(self) -> str:
        """Milliseconds to days; the longer the rarer."""
        most = self.chance.choices((0.1, 5, 70, 3700, 40_000, 200_000), (20, 25, 25, 15, 6, 2))[0]
        self.clock.move(seconds=self.chance.uniform(0, most))
        return f"it is {self.clock():%Y-%m-%d %H:%M:%S}"

    def _post_comes(self) -> str:
        """What is due arrives, each as a request of its own."""
        arrived = self.post.arrived()
        if not arrived:
            return "no post"
        for delivery in arrived:
            if self.inbox.keep(delivery):
                self._ring(frozenset({INTAKE}))
        return "post: " + ", ".join(f"{each.connection}/{each.key}" for each in arrived)

    def _someone_answers(self) -> str:
        self.answers.give()
        return "somebody answers"

    def _someone_works(self) -> str:
        self.agents.act()
        return "an agent acts"

    def _weather_turns(self) -> str:
        connection = self.chance.choice(_CONNECTIONS)
        self.weather.turn(connection)
        return f"the weather turns at {connection}"

    def _someone_freezes(self) -> str:
        self._frozen.add(worker := self.chance.choice(self.workers).name)
        return f"{worker} freezes"

    def _someone_wakes(self) -> str:
        worker = self.chance.choice(sorted(self._frozen))
        self._frozen.discard(worker)
        return f"{worker} wakes"

    def _someone_dies(self) -> str:
        worker = self.chance.choice(self.workers)
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
        self._note(self._post_comes())
        worker = self.workers[self.steps % len(self.workers)]
        self._sweep(worker)
        while self._rings:
            self._note(self._answer(worker))
            for each in self.workers:
                self._empty(each)
        self.invariants.after_a_step(0)
        following = self._next_moment()
        if following:
            late = timedelta(seconds=self.chance.uniform(0, 5400))
            self.clock.now = max(self.clock(), following) + late
        return following is not None

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


def live(ground: Ground, seed: int) -> World:
    """Live one seed. Raises ``ViolationError``, with the last steps as its notes."""
    world = World(ground, seed)
    try:
        with seeded_ids(world.chance, world.clock), _quiet():
            world.run()
    except ViolationError as violation:
        violation.add_note("\n".join([f"seed {seed}; workflows {', '.join(sorted(world.active))}", *world.trace]))
        raise
    return world


@contextmanager
def _quiet() -> Iterator[None]:
    """Failures are this world's everyday; what went wrong in earnest is an invariant's to say."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
