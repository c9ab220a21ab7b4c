"""Rate budgets, shared by all workers: one row per connection, by the generic cell rate algorithm.

``budget_until`` is the moment at which all requests made so far would have been made at the allowed pace. Requests
may run ahead of that pace by one burst. Who counts holds the connection's claim lock, so the count is exact.

Kinds of requests with a limit of their own, and single records with one, are counted alike (``KindLimits``), in one
JSON of the same row: it is read with the row, and written with it, so they cost no statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

_BURST_SECONDS = 5.0
"""How far ahead of an even pace requests may run: what five seconds allow may go out at once."""


CONCURRENCY = 64
"""Calls side by side on a connection, unless its configuration says otherwise."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Requests per minute that we may make. ``at_once`` is how many may go out together; None: what five seconds
    allow."""

    per_minute: float
    at_once: int | None = None

    @property
    def pause(self) -> timedelta:
        """The time one request takes at an even pace."""
        return timedelta(minutes=1) / self.per_minute

    @property
    def burst(self) -> timedelta:
        if self.at_once is not None:
            return self.at_once * self.pause
        return max(timedelta(seconds=_BURST_SECONDS), self.pause)


def within(count: int, seconds: float) -> Budget:
    """The pace at which never more than ``count`` requests fall into any ``seconds``, wherever these begin: a tenth of
    them may go out at once, the others in even steps."""
    at_once = max(1, count // 10)
    return Budget(60.0 * (count - at_once + 1) / seconds, at_once)


@dataclass(frozen=True, slots=True)
class Limits:
    """Budgets of kinds of requests on a connection (by the effect's ``bucket``), and of those of one kind on one record
    (the effect's ``serial``)."""

    kinds: Mapping[str, Budget] = field(default_factory=dict)
    records: Mapping[str, Budget] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.kinds or self.records)


REFUSED = "!"
"""Before the name of a kind: the vendor told us to wait with it until then."""


class Limited(Protocol):
    """What is asked of an effect: the kind of its requests, how many they are, and whose record they change."""

    @property
    def bucket(self) -> str | None: ...

    @property
    def serial(self) -> str | None: ...

    @property
    def cost(self) -> int: ...


L = TypeVar("L", bound=Limited)


class KindLimits:
    """What is used up of the ``limits`` at the moment ``now``. ``stored`` is the row's JSON: name → ``until``."""

    def __init__(self, limits: Limits, stored: Mapping[str, str] | None, now: datetime) -> None:
        self._limits, self._now = limits, now
        known = {name: datetime.fromisoformat(at) for name, at in (stored or {}).items()}
        self._until = {name: at for name, at in known.items() if at > now}

    def spent(self) -> tuple[list[str], list[str]]:
        """The kinds, and the serials, that may make no request now."""
        kinds = [kind for kind, budget in self._limits.kinds.items() if self._left(kind, budget) < 1]
        kinds += [name.removeprefix(REFUSED) for name in self._until if name.startswith(REFUSED)]
        serials = [name.partition(" ")[2] for name in self._until if " " in name and self._is_spent(name)]
        return kinds, serials

    def affordable(self, wanted: Sequence[L]) -> list[L]:
        """Those that may be made now, if they are made in this order; nothing is counted yet."""
        trial = KindLimits(self._limits, None, self._now)
        trial._until = dict(self._until)
        return [each for each in wanted if trial.take(each)]

    def take(self, wanted: Limited) -> bool:
        """Count the requests of an effect. False: its limit is used up, and nothing is counted. One that makes several
        requests may use up what was not left, and the next one waits the longer."""
        asked = list(self._of(wanted))
        if f"{REFUSED}{wanted.bucket}" in self._until or any(self._left(name, budget) < 1 for name, budget in asked):
            return False
        for name, budget in asked:
            self._until[name] = used(self._until.get(name), budget, wanted.cost, self._now)
        return True

    def refuse(self, kind: str, until: datetime) -> None:
        """The vendor says that a kind's limit is used up: nothing of it goes out before ``until``."""
        name = REFUSED + kind
        self._until[name] = max(until, self._until.get(name, until))

    def stored(self) -> dict[str, str]:
        return {name: at.isoformat() for name, at in self._until.items()}

    def _of(self, wanted: Limited) -> Iterator[tuple[str, Budget]]:
        kind = wanted.bucket
        if kind in self._limits.kinds:
            yield str(kind), self._limits.kinds[str(kind)]
        if kind in self._limits.records and wanted.serial:
            yield f"{kind} {wanted.serial}", self._limits.records[str(kind)]

    def _is_spent(self, name: str) -> bool:
        budget = self._limits.records.get(name.partition(" ")[0])
        return budget is not None and self._left(name, budget) < 1

    def _left(self, name: str, budget: Budget) -> int:
        return left(self._until.get(name), budget, self._now)


def left(until: datetime | None, budget: Budget, now: datetime) -> int:
    """How many requests may be made now; ``until`` is the connection's ``budget_until``."""
    ahead = max(until or now, now) - now
    return max(0, int((budget.burst - ahead) / budget.pause))


def used(until: datetime | None, budget: Budget, count: int, now: datetime) -> datetime:
    """The new ``budget_until`` after requests that are about to be made."""
    return max(until or now, now) + count * budget.pause
