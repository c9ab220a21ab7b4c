"""A worker that stands still past its lease (a paused virtual machine, a stopped process) and then goes on: another
one has done its work, and it changes nothing any more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from connector.storage.engine.database import Database
from connector.storage.schema import tables
from sandbox.clock import HandClock
from sandbox.world import World
from tests.support.doom import DoomedHouse, Doomsday, FrozenError, HouseProgram, doomsday
from tests.support.house import a_house, answer, config_of, signed_inbound
from tests.support.house_workflows import OPEN_A_TICKET, WRITE_THE_SCORE

pytestmark = [
    pytest.mark.services,
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
]

AT_THE_BEGIN = "a call of .* begins"
NOBODY_READ_IT = "nobody has read it"
WRITTEN_SOON = "before a commit"


@dataclass
class Floor:
    """The database that workers share, the stand-ins, and the time."""

    world: World
    days: Doomsday
    clock: HandClock
    database_url: str
    known: Database

    def worker(self, *, freezes: str = "", nth: int = 1, url: str = "") -> DoomedHouse:
        doom = {"nth": nth, "at": freezes, "how": "stop"} if freezes else {}
        return self.days.house(url or self.database_url, doom)

    def answer(self, worker: DoomedHouse, score: int, at: str = "2026-03-02T08:00:00Z") -> None:
        event = answer(score, answered_at=at)
        body = json.dumps({"time": self.clock().isoformat(), **event})
        headers = signed_inbound(body.encode(), event["id"], self.clock())
        assert worker.post("/webhooks/survey-platform", body, headers) == 200

    def freeze(self, worker: DoomedHouse) -> None:
        """It works until it stands still, and its lease ends."""
        with pytest.raises(FrozenError):
            worker.settle()
        self.days.move(seconds=61)

    def end_what_stands_still(self) -> None:
        """What PostgreSQL does after a minute, as the last test here shows. Told to do so after a shorter time it would
        also end what is only slow, on a machine with other work."""
        with self.known.read() as tx:
            ended = tx.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE state = 'idle in transaction' AND datname = current_database()"
            )
            assert ended.scalars().all() == [True]

    def outside(self) -> list[Any]:
        """Every request that the vendors have seen."""
        seen = (*self.world.zendesk.requests, *self.world.salesforce.requests)
        return [(each.method, each.path, each.body) for each in seen]

    def inside(self) -> list[Any]:
        """Everything that workers write about their work."""
        written = (tables.effects, tables.runs, tables.history, tables.callbacks, tables.writebacks)
        with self.known.read() as tx:
            return [sorted(map(repr, tx.execute(select(table)))) for table in written]


@pytest.fixture
def floor(database_url: str, house_program: HouseProgram) -> Iterator[Floor]:
    clock = HandClock()
    with World(clock=clock) as world, closing(Database(database_url, pool_size=1)) as known:
        with a_house(database_url, world, {"tickets": OPEN_A_TICKET, "scores": WRITE_THE_SCORE}, clock=clock):
            pass  # it has stored the workflows
        world.salesforce.add_contact("Jansen", "ann@example.com")
        with doomsday(house_program, clock, config_of(world)) as days:
            yield Floor(world, days, clock, database_url, known)


@pytest.mark.parametrize(("point", "nth"), [(AT_THE_BEGIN, 1), (AT_THE_BEGIN, 2), (AT_THE_BEGIN, 3),
                                            (NOBODY_READ_IT, 2), (NOBODY_READ_IT, 4), (NOBODY_READ_IT, 5)])  # fmt: skip
def test_a_thawed_worker_neither_sends_nor_writes(floor: Floor, point: str, nth: int) -> None:
    frozen, successor = floor.worker(freezes=point, nth=nth), floor.worker()
    floor.answer(frozen, 3)
    floor.freeze(frozen)
    assert successor.tick() == 0
    before = (floor.outside(), floor.inside())
    frozen.thaw()
    assert (floor.outside(), floor.inside()) == before
    assert len(floor.world.zendesk.tickets) == 1


def test_a_thawed_worker_does_not_put_an_older_score_over_a_newer_one(floor: Floor) -> None:
    frozen, successor = floor.worker(freezes="a call of score.write begins", nth=2), floor.worker()
    floor.answer(frozen, 3, at="2026-03-02T08:00:00Z")
    floor.freeze(frozen)
    floor.answer(successor, 5, at="2026-03-02T08:30:00Z")
    assert successor.tick() == 0
    frozen.thaw()
    [contact] = floor.world.salesforce.contacts
    assert contact["NPS_Score__c"] == 5


def test_a_worker_that_stands_still_within_a_transaction_does_not_hold_up_the_others(floor: Floor) -> None:
    frozen, successor = floor.worker(freezes=WRITTEN_SOON, nth=5), floor.worker()
    floor.answer(frozen, 3)
    floor.freeze(frozen)
    floor.end_what_stands_still()
    floor.answer(successor, 4)
    for _ in range(3):
        floor.days.move(seconds=61)
        left = successor.tick()
    assert left == 0
    frozen.thaw()
    assert frozen.tick() == 0
    assert len(floor.world.zendesk.tickets) == 2


def test_postgresql_ends_a_transaction_that_stands_still_for_a_minute(database: Database) -> None:
    with database.read() as tx:
        shown = tx.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar_one()
    assert shown == "1min"
