"""A vendor that asks for a day of silence, once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from connector.observe.backlog import read_backlog
from connector.observe.stored import paused
from sandbox.clock import HandClock
from sandbox.faults import Fault
from sandbox.world import World
from tests.support.house import Harness, a_house, answer, config_of

OPEN = """\
trigger: {event: survey.answered}
run: {key: event.response_id, mode: parallel}
steps:
  - {id: open, do: ticket.open, with: {connection: zendesk, subject: "Call them"}}
"""


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    clock = HandClock()
    with World(clock=clock) as world:
        config = config_of(world).replace(
            "    plan: unlimited\n", "    plan: unlimited\n    longest_hold: 10 minutes\n"
        )
        with a_house(database_url, world, {"open": OPEN}, clock=clock, config=config) as home:
            home.know()
            yield home


def _refuse_once(home: Harness) -> None:
    home.world.zendesk.faults.add(Fault(r"/tickets", "POST", status=429, body={}, headers={"Retry-After": "86400"}))
    home.deliver(answer(1))
    home.settle()


def test_one_absurd_wish_holds_no_longer_than_its_owner_allows(home: Harness) -> None:
    _refuse_once(home)
    assert home.run().status == "waiting"
    home.wait(minutes=10, seconds=1)
    assert home.run().status == "succeeded"


def test_it_is_shown_and_the_doctor_sees_it(home: Harness) -> None:
    _refuse_once(home)
    assert home.house.switches.health_of("zendesk").status == "held"
    with home.house.database.read() as tx:
        now = home.clock()
        [finding] = paused(tx, read_backlog(tx, home.house.connections.kinds, lambda _name: None, now), now)
    assert "its vendor asked us to wait until" in finding.says
    assert "connections resume" in finding.remedy


def test_resume_lifts_it_and_what_it_says_is_so(home: Harness) -> None:
    _refuse_once(home)
    health = home.house.switches.resume("zendesk")
    assert (health.status, health.blocked_until) == ("active", None)
    home.settle()
    assert home.run().status == "succeeded"
    assert home.clock() < home.run().started_at + timedelta(minutes=1)
