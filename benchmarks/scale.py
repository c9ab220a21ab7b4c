"""Measure what a crowd of waiting runs costs those that are due.

    python -m benchmarks.scale --database sqlite --waiting 1000,100000,1000000

For each size a fresh database is filled with that many waiting runs, each with its customer, delivery, event, open
wait, a call that was made, and three rows of history. Then some of them fall due, events end some waits, new runs
begin, and so on. Times are milliseconds for one (run, event, call, page ...), the median of the rounds: this
process's CPU and, as a database server's is not in that, the clock's. The last columns compare with the first size.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import Connection, insert, select, update

from benchmarks import crowd
from benchmarks.product import database as fresh_database
from connector import wiring
from connector.config.file import read_config
from connector.config.settings import Settings
from connector.runtime.doorbell import INTAKE, TIMERS
from connector.runtime.effects import claims
from connector.runtime.effects.claims import ClaimPolicy
from connector.runtime.operations.bulk import RunFilter
from connector.runtime.operations.locked_run import STOPPED
from connector.secret_keys import SecretKeys
from connector.services import Services
from connector.storage.schema import tables as t
from connector.storage.schema.migrate import upgrade
from connector.storage.stores import run_queries
from connector.storage.stores.definition_import import import_definitions
from connector.storage.stores.definitions import DefinitionKind
from webhooks.delivery import Delivery

CONFIG = """\
connections:
  survey-platform: {kind: inbound, webhook_secret: whsec_c2VjcmV0c2VjcmV0c2VjcmV0}
  mail: {kind: smtp, url: "smtp://127.0.0.1:9", sender: "Acme <feedback@acme.example>"}
teams:
  care-team: {email: [care@acme.example]}
quiet_hours: none
"""
WORKFLOW = """\
workflow: bench
trigger: {event: survey.answered}
run: {key: event.response_id, mode: single}
steps:
  - id: solved
    wait: {event: ticket.solved, match: event.ticket == trigger.context.ticket, timeout: 7 days}
  - {id: tell, do: alert.send, with: {to: care-team, text: "{{ event.response_id }}: {{ event.comment }}"}}
"""
_KEY = "only for the benchmark, and long enough"
_STOPPED = 50  # runs that failed
_PATTERN = 3  # its rows of history


class Clock:
    """Stands still: what is due is made so."""

    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds for one: of this process's CPU, and of the clock."""

    cpu: float
    wall: float


@dataclass(frozen=True, slots=True)
class Task:
    """``work`` does ``share`` things at once, after ``prepare``, which is not measured."""

    name: str
    work: Callable[[], object]
    share: int = 1
    prepare: Callable[[], object] = lambda: None

    def cost(self) -> Cost:
        """Of one round."""
        self.prepare()
        cpu, wall = time.process_time(), time.perf_counter()
        self.work()
        spent = time.process_time() - cpu, time.perf_counter() - wall
        return Cost(*(seconds * 1000 / self.share for seconds in spent))


class Site:
    """A house on a database with a crowd in it."""

    def __init__(self, house: Services, waiting: int, batch: int, rounds: int) -> None:
        self.house, self._batch, self._numbers = house, batch, count(1)
        uses, numbers = (rounds + 1) * batch, range(1, waiting + 1)
        self._neighbours = iter(numbers[waiting // 2 : waiting // 2 + uses])
        self._scattered = iter(numbers[: waiting // 2 : max(1, waiting // 2 // uses)])
        self._pattern = self._furnish()
        crowd.fill(house.database, self._pattern, numbers, house.clock() + timedelta(hours=1), timedelta(days=300))
        self._stop_some()
        if not house.database.is_sqlite:  # PostgreSQL does it by itself, SQLite never
            crowd.analyse(house.database)

    def tasks(self) -> list[Task]:
        house, batch, c = self.house, self._batch, t.runs.c
        dead = RunFilter(statuses=tuple(STOPPED)).conditions()
        return [
            Task("a timer that is over", lambda: house.pumps.pump(TIMERS), batch, self._fall_due),
            Task("an event that ends a wait", lambda: house.pumps.pump(INTAKE), batch, self._solve),
            Task("a run that begins and looks back", lambda: house.pumps.pump(INTAKE), batch, self._answer),
            Task("a claim of a call", lambda: self._write(self._claim), batch),
            Task("a tick of the sweep", house.sweep.tick),
            self._page("runs, first page", lambda tx: run_queries.list_runs(tx)),
            self._page("runs of a workflow", lambda tx: run_queries.list_runs(tx, workflow="bench")),
            self._page("runs that failed", lambda tx: run_queries.list_runs(tx, status="failed")),
            self._page("runs of a workflow that failed",
                       lambda tx: run_queries.list_runs(tx, where=[c.workflow == "bench", c.status == "failed"])),
            self._page("dead letters", lambda tx: run_queries.list_runs(tx, where=dead)),
            self._page("a run's story", lambda tx: run_queries.run_story(tx, self._pattern)),
            self._page("deliveries, first page", lambda tx: run_queries.list_deliveries(tx)),
            self._page("deliveries set aside", lambda tx: run_queries.list_deliveries(tx, status="failed")),
            self._page("deliveries of a connection", lambda tx: run_queries.list_deliveries(tx, connection="seldom")),
            Task("connections and their health", house.switches.health),
            Task("a scrape of /metrics", lambda: list(house.counters.registry.collect())),
        ]  # fmt: skip

    def _page(self, name: str, read: Callable[[Connection], object]) -> Task:
        def work() -> None:
            with self.house.database.read() as tx:
                read(tx)

        return Task(name, work)

    def _furnish(self) -> str:
        """One run as the product makes it, with a call that was made and a longer history. → its id"""
        database, now = self.house.database, self.house.clock()
        upgrade(database)
        database.transact(lambda tx: import_definitions(tx, DefinitionKind.WORKFLOW, {"bench": WORKFLOW}, now))
        self._keep("survey.answered", _answer(crowd.NUMBER))
        self.house.pumps.pump(INTAKE)
        with database.write() as tx:
            run = tx.execute(select(t.runs)).one()
            notes = tx.execute(select(t.history.c.notes)).scalar_one()
            tx.execute(insert(t.history), [{"run_id": run.id, "at": now, "notes": notes}] * (_PATTERN - 1))
            tx.execute(insert(t.effects).values(_made(run.id, now)))
        return str(run.id)

    def _stop_some(self) -> None:
        """A few runs and deliveries that went wrong, among the oldest."""
        database, now = self.house.database, self.house.clock()
        with database.write() as tx:
            few = select(t.runs.c.id).where(t.runs.c.id != self._pattern).order_by(t.runs.c.id).limit(_STOPPED)
            ended = {"status": "failed", "slot": None, "due_at": None, "ended_at": now}
            ids = tx.execute(few).scalars().all()
            tx.execute(update(t.waits).where(t.waits.c.run_id.in_(ids)).values(status="cancelled", closed_at=now))
            tx.execute(update(t.runs).where(t.runs.c.id.in_(ids)).values(ended))
            first = select(t.deliveries.c.id).order_by(t.deliveries.c.id).limit(_STOPPED)
            odd = {"status": "failed", "connection": "seldom"}
            tx.execute(update(t.deliveries).where(t.deliveries.c.id.in_(first)).values(odd))

    def _keep(self, kind: str, data: Mapping[str, Any]) -> None:
        """Put a delivery into the inbox, as the receiver does."""
        key = f"{data.get('response_id') or next(self._numbers)}"
        now = self.house.clock()
        body = json.dumps({"type": kind, "id": key, "time": now.isoformat(), "data": data}).encode()
        self.house.inbox.keep(Delivery("survey-platform", key, now, "application/json", {}, body))

    def _some(self, them: Iterator[int]) -> list[int]:
        """Numbers of runs that were not taken before."""
        return [next(them) for _ in range(self._batch)]

    def _fall_due(self) -> None:
        """Runs that are due at once were begun at once, as a step's time-out is the same for all."""
        ids = [f"{self._pattern[: -len(crowd.NUMBER)]}{number:07}" for number in self._some(self._neighbours)]
        due = update(t.runs).where(t.runs.c.id.in_(ids)).values(due_at=self.house.clock())
        self._write(lambda tx: tx.execute(due))

    def _solve(self) -> None:
        """Agents solve tickets from all over the crowd."""
        for number in self._some(self._scattered):
            self._keep("ticket.solved", {"ticket": f"zendesk:{number:07}"})

    def _answer(self) -> None:
        for _ in range(self._batch):
            self._keep("survey.answered", _answer(f"n{next(self._numbers):06}"))

    def _claim(self, tx: Connection) -> None:
        everything = ClaimPolicy("mail", "scale", concurrency=1_000_000)
        claimed = claims.claim(self.house.database, tx, everything, self.house.clock(), self._batch)
        assert len(claimed) == self._batch, f"only {len(claimed)} calls were due"  # noqa: S101

    def _write(self, work: Callable[[Connection], object]) -> None:
        self.house.database.transact(work)


def _answer(number: str) -> dict[str, Any]:
    return {"response_id": f"r{number}", "survey": "after-support", "metric": "nps", "score": 3,
            "comment": "Waited a week for an answer, and then it was the wrong one.", "contact_consent": True,
            "customer": {"email": f"ann{number}@example.com", "name": "Ann Jansen"},
            "context": {"ticket": f"zendesk:{number}"}}  # fmt: skip


def _made(run_id: str, now: datetime) -> dict[str, Any]:
    return {"id": f"{run_id[:2]}{run_id[:1:-1]}", "run_id": run_id, "visit": "first#1", "stage": 0,
            "action": "message.send", "workflow": "bench", "connection": "mail", "effect_class": "D",
            "key": f"{run_id}/first#1/0", "request": {"mail": {"to": "ann@example.com", "subject": "Hello"}},
            "status": "done", "due_at": now, "attempts": 1, "created_at": now, "first_tried_at": now,
            "ended_at": now, "outcome": {}}  # fmt: skip


@contextmanager
def _fresh(kind: str) -> Iterator[Services]:
    with tempfile.TemporaryDirectory() as folder, fresh_database(kind, Path(folder)) as url, a_house(url) as house:
        yield house


@contextmanager
def a_house(url: str) -> Iterator[Services]:
    """The product's parts on a database, with a clock that stands still. Nothing runs by itself."""
    settings = Settings(url, "memory://", "http://127.0.0.1:8000", Path("ringback.yaml"), False, "text", None)
    config = read_config(CONFIG, Path("ringback.yaml"), {})
    house = wiring.build(settings, config, secret_keys=SecretKeys(_KEY), clock=Clock())
    try:
        yield house
    finally:
        house.close()


def measure(kind: str, sizes: Sequence[int], batch: int, rounds: int) -> dict[int, dict[str, Cost]]:
    """Fill a database per size, then measure every task on all of them in turns, so that whatever else the machine
    does falls on all alike."""
    with ExitStack() as stack:
        tasks = {size: _site(stack.enter_context(_fresh(kind)), size, batch, rounds).tasks() for size in sizes}
        found: dict[int, dict[str, Cost]] = {size: {} for size in sizes}
        for together in zip(*tasks.values(), strict=True):
            for size, cost in zip(sizes, _in_turns(together, rounds), strict=True):
                found[size][together[0].name] = cost
        return found


def _site(house: Services, waiting: int, batch: int, rounds: int) -> Site:
    began = time.perf_counter()
    site = Site(house, waiting, batch, rounds)
    print(f"{waiting:,} runs wait after {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return site


def _in_turns(tasks: Sequence[Task], rounds: int) -> list[Cost]:
    """The medians; the first round only warms up."""
    costs = [[task.cost() for task in tasks] for _ in range(rounds + 1)][1:]
    return [Cost(median(c.cpu for c in each), median(c.wall for c in each)) for each in zip(*costs, strict=True)]


def main() -> None:
    """The command."""
    options = _options()
    logging.disable(logging.WARNING)
    sizes = [int(size) for size in options.waiting.split(",")]
    print("\n".join(_table(measure(options.database, sizes, options.batch, options.rounds))))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what a crowd of waiting runs costs those that are due.")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--waiting", default="1000,100000", help="how many runs wait, smallest first")
    parser.add_argument("--batch", type=int, default=60, help="runs that are due, events and so on, in a round")
    parser.add_argument("--rounds", type=int, default=7)
    return parser.parse_args()


def _table(found: Mapping[int, Mapping[str, Cost]]) -> Iterator[str]:
    sizes = list(found)
    yield "".join(["ms for one (CPU / clock)".ljust(34), *(f"{size:>18,}" for size in sizes),
                   *(f"{f'x {size:,}':>18}" for size in sizes[1:])])  # fmt: skip
    for name, first in found[sizes[0]].items():
        costs = [found[size][name] for size in sizes]
        ratios = [(each.cpu / first.cpu, each.wall / first.wall) for each in costs[1:]]
        yield name.ljust(34) + "".join([*(_pair(each.cpu, each.wall, 3) for each in costs),
                                        *(_pair(*each, 2) for each in ratios)])  # fmt: skip


def _pair(cpu: float, wall: float, digits: int) -> str:
    return f"{f'{cpu:.{digits}f} / {wall:.{digits}f}':>18}"


if __name__ == "__main__":
    main()
