"""The concurrency cap: never more calls side by side on a connection than allowed, whoever makes them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from connector.config.file import read_config
from connector.feedback.base.actions import Effect, Result
from connector.runtime.doorbell import INTAKE
from connector.runtime.effects import claims
from connector.runtime.effects.claims import ClaimPolicy
from connector.runtime.effects.grouping import grouped
from connector.runtime.effects.performer import Performer
from connector.vendors.clients import Connections
from integrations.errors import Ambiguous
from tests.support.house import INBOUND_SECRET, Harness, a_home, a_house, a_second_house, answer, config_of
from tests.support.house_race import Racers
from tests.support.house_workflows import OPEN_A_TICKET, WRITE_THE_SCORE
from tests.support.processes import PATIENCE

CAP = 3


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, tickets=OPEN_A_TICKET) as home:
        yield home


def ask(home: Harness, times: int) -> None:
    for number in range(times):
        home.deliver(answer(3, email=f"p{number}@example.com"))
    home.pump(INTAKE)


def claim(home: Harness, owner: str, *, batch: int = 1, limit: int = 100) -> list[list[Effect]]:
    database, now = home.house.database, home.clock()
    who = ClaimPolicy("zendesk", owner, concurrency=CAP)
    return database.transact(
        lambda tx: claims.claim(
            database, tx, who, now, limit, together=lambda found: grouped(found, lambda _action: batch)
        )
    )


def record(home: Harness, call: Sequence[Effect], result: Any) -> None:
    home.house.pumps._outcomes.record([(effect, result) for effect in call])


def test_what_one_process_has_in_its_hands_another_may_not_add_to(home: Harness) -> None:
    ask(home, 10)
    first = claim(home, "one", limit=2)
    assert (len(first), len(claim(home, "two")), claim(home, "one")) == (2, CAP - 2, [])
    record(home, first[0], {"ticket_id": "7", "url": ""})
    assert len(claim(home, "two")) == 1


def test_a_call_counts_once_however_many_effects_it_takes_along(home: Harness) -> None:
    ask(home, 10)
    calls = claim(home, "one", batch=2)
    assert [len(call) for call in calls] == [2] * CAP
    assert claim(home, "two", batch=2) == []
    record(home, calls[0], {"ticket_id": "7", "url": ""})
    assert [len(call) for call in claim(home, "two", batch=2)] == [2]


def test_calls_of_a_process_that_died_keep_their_places_until_they_cannot_be_under_way(home: Harness) -> None:
    ask(home, 10)
    claim(home, "dies")
    home.clock.move(seconds=39)
    assert claim(home, "lives") == []
    home.clock.move(seconds=1)
    assert len(claim(home, "lives")) == CAP


def test_a_call_whose_answer_is_lost_gives_its_place_back_though_its_serial_stays_taken(home: Harness) -> None:
    home.install(tickets=WRITE_THE_SCORE)
    database, who = home.house.database, ClaimPolicy("salesforce", "one", concurrency=1)
    for number in range(2):
        known = {"email": f"p{number}@example.com", "salesforce_contact_id": f"00300000000000{number}AAA"}
        home.deliver(answer(3, customer=known))
    home.pump(INTAKE)
    [[first]] = database.transact(lambda tx: claims.claim(database, tx, who, home.clock(), 9))
    assert database.transact(lambda tx: claims.claim(database, tx, who, home.clock(), 9)) == []
    record(home, [first], Ambiguous("the answer is lost"))
    [[second]] = database.transact(lambda tx: claims.claim(database, tx, who, home.clock(), 9))
    assert second.serial != first.serial


class Crowd:
    """Performs nothing, and knows how many calls were under way at the same time. The first wait for each other, so
    that it does not depend on the machine whether they meet."""

    def __init__(self) -> None:
        self._guard = threading.Condition()
        self.now = self.most = 0

    def batch(self, _connection: str) -> int:
        return 1

    def perform(self, effects: Sequence[Effect], _now: datetime) -> list[Result]:
        with self._guard:
            self.now += 1
            self.most = max(self.most, self.now)
            self._guard.notify_all()
            assert self._guard.wait_for(lambda: self.most >= CAP, PATIENCE), f"only {self.most} at the same time"
            self._guard.wait_for(lambda: self.now > CAP, timeout=0.02)  # lets a call too many come, if there is one
            self.now -= 1
        return [{"ticket_id": effect.id, "url": ""} for effect in effects]


@pytest.mark.services
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_processes_together_keep_to_it_and_use_it_up(home: Harness, database_url: str) -> None:
    ask(home, 40)
    crowd: Any = Crowd()
    with a_second_house(home, database_url) as other, Racers() as racers:
        performers = [
            Performer(
                ClaimPolicy("zendesk", name, concurrency=CAP), house.house.database, {"ticket.open": crowd},
                house.house.pumps._outcomes, home.clock, lambda _queues: None,
            )
            for name, house in (("one", home), ("two", other))
        ]  # fmt: skip
        racers.race(*(performer.run for performer in performers))
        performers[0].run()  # who found all places taken went away
        for performer in performers:
            performer.close()
    assert crowd.most == CAP
    assert {(effect.status, effect.attempts) for effect in home.effects()} == {("done", 1)}


@pytest.mark.parametrize(
    ("written", "allowed"), [("", (64, 20)), ("    concurrency: 7\n", (7, 20)), ("    concurrency: 200\n", (200, 20))]
)
def test_the_configuration_says_how_many(
    home: Harness, database_url: str, written: str, allowed: tuple[int, int]
) -> None:
    config = config_of(home.world).replace("  zendesk:\n", f"  zendesk:\n{written}")
    with a_house(database_url, home.world, clock=home.clock, config=config) as house:
        names = ("zendesk", "salesforce")
        assert tuple(map(house.house.connections.concurrency, names)) == allowed


@pytest.mark.parametrize("wrong", ["0", "201", "2.5", "many", "true"])
def test_what_is_no_number_of_calls_is_refused(wrong: str) -> None:
    config = f"connections:\n  shop: {{kind: inbound, webhook_secret: {INBOUND_SECRET}, concurrency: {wrong}}}\n"
    [mistake] = Connections(read_config(config, Path("ringback.yaml"), {})).check()
    assert mistake.path == "connections.shop.concurrency"
    assert "from 1 to 200" in mistake.remedy
