"""What becomes of a call: the fates of a seed, and the requests that are still on their way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

from integrations.errors import Ambiguous, AuthFailed, Permanent, RateLimited, Transient
from tests.simulation.ground import SimulatedClock
from tests.simulation.trouble import Fate, Tally, Trouble

T = TypeVar("T")

TIME_OUT = timedelta(seconds=30)
LONGEST_IN_FLIGHT = timedelta(seconds=38)
"""A request that we gave up on may still be done by the vendor until then, counted from its begin."""


CONNECTIONS = ("zendesk", "salesforce", "mail", "alerts")
_FAIR, _STORMY = (90, 2, 1, 0.2, 2, 1, 2), (40, 12, 8, 1, 22, 6, 12)


@dataclass(slots=True)
class Weather:
    """How the vendors' calls end in this seed. ``calm`` ends all trouble."""

    chance: Random
    clock: SimulatedClock
    tally: Tally
    calm: bool = False
    outages: dict[str, tuple[datetime, bool]] = field(default_factory=dict)  # until when, and whether it is auth
    landings: list[tuple[datetime, int, Callable[[], object]]] = field(default_factory=list)
    _stormy: dict[str, bool] = field(default_factory=dict)
    _count: int = 0

    def __post_init__(self) -> None:
        self._stormy = {name: self.chance.random() < 0.4 for name in CONNECTIONS}

    def turn(self, connection: str) -> None:
        """The weather changes at a connection: fair, stormy, down for hours, or our credentials are refused."""
        kind = self.chance.choice(("fair", "fair", "stormy", "stormy", "down", "auth"))
        self._stormy[connection] = kind == "stormy"
        if kind in ("down", "auth"):
            hours = 1.0 if kind == "auth" else self.chance.uniform(0.01, 3)
            self.outages[connection] = (self.clock() + timedelta(hours=hours), kind == "auth")

    def call(self, connection: str, do: Callable[[], T], *, writes: bool = True) -> T:
        """Make a call. It takes its time on the clock all share, and ends as the seed says."""
        began = self.clock()
        if not self.calm:
            self._outage(connection)
            self.tally[fate := self._fate(connection)] += 1
            if fate is not Fate.DONE:
                self._go_wrong(fate, do if writes else lambda: None, began)
            if self.chance.random() < 0.1:
                self.clock.move(seconds=self.chance.uniform(0.1, 29))
        self.settle()
        return do()

    def settle(self) -> None:
        """Requests that were on their way arrive, each at its own moment, as far as that has come: a leap of days must
        not make them arrive after keys were forgotten."""
        now = self.clock()
        due = sorted((each for each in self.landings if each[0] <= now), key=lambda each: each[:2])
        self.landings = [each for each in self.landings if each[0] > now]
        for at, _, do in due:
            self.clock.now = at
            _quietly(do)
        self.clock.now = now

    def _outage(self, connection: str) -> None:
        until, auth = self.outages.get(connection, (self.clock(), False))
        if until > self.clock():
            self.tally[Trouble.AUTH if auth else Trouble.DOWN] += 1
            raise AuthFailed("credentials refused") if auth else Transient("503 for now", status=503)

    def _fate(self, connection: str) -> Fate:
        weights = _STORMY if self._stormy.get(connection) else _FAIR
        return self.chance.choices(tuple(Fate), weights)[0]

    def _go_wrong(self, fate: Fate, do: Callable[[], object], began: datetime) -> None:
        if fate is Fate.REFUSED:
            raise Transient("503, nothing done", status=503)
        if fate is Fate.LIMITED:
            raise RateLimited("429", retry_after=self.chance.choice((None, 0.5, 7, 60, 900)))
        if fate is Fate.IMPOSSIBLE:
            raise Permanent("422, refused for good", status=422)
        if fate is Fate.LOST:
            _quietly(do)
            self.clock.move(seconds=self.chance.choice((0.1, 30)))
        else:
            self._leave_hanging(fate, do, began)
        raise Ambiguous("the answer did not arrive")

    def _leave_hanging(self, fate: Fate, do: Callable[[], object], began: datetime) -> None:
        """Time out; what was LATE lands about then, at ``LONGEST_IN_FLIGHT`` after its begin at the latest."""
        if fate is Fate.LATE:
            self._count += 1
            after = self.chance.uniform(20, LONGEST_IN_FLIGHT.total_seconds())
            self.landings.append((began + timedelta(seconds=after), self._count, do))
        self.clock.move(seconds=TIME_OUT.total_seconds())
        self.settle()


def _quietly(do: Callable[[], object]) -> None:
    """Nobody hears the vendor's refusal when the answer is lost."""
    try:
        do()
    except Permanent:
        return
