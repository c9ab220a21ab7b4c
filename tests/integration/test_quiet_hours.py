"""Nobody is asked in their quiet hours: planned, planned anew when facts change, and looked at when the mail leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connector.runtime.doorbell import INTAKE
from connector.storage.schema import tables
from sandbox.clock import HandClock
from sandbox.world import World
from tests.support.callbacks import check_requests
from tests.support.house import Harness, a_house, config_of

ASK = """\
trigger: {event: order.delivered}
run: {key: event.id, mode: parallel}
steps:
  - {id: ask, do: survey.send, with: {survey: after-support}}
"""
VERIFIED = ASK.replace("survey: after-support", "survey: after-support, verify: true")
EVENING = 'quiet_hours: {from: "20:00", until: "09:00", weekends: true, holidays: true}'
AMSTERDAM = ZoneInfo("Europe/Amsterdam")

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@contextmanager
def a_quiet_house(
    url: str, world: World, clock: HandClock, rules: str = EVENING, **workflows: str
) -> Iterator[Harness]:
    config = re.sub("quiet_hours: none.*", rules, config_of(world))
    with a_house(url, world, workflows or {"ask": ASK}, clock=clock, config=config) as home:
        yield home


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    clock = HandClock(here("2026-03-02T12:00"))
    with World(clock=clock) as world, a_quiet_house(database_url, world, clock, ask=ASK) as home:
        yield home
        check_requests(home)


def here(text: str, zone: ZoneInfo = AMSTERDAM) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def go_to(home: Harness, moment: datetime) -> None:
    home.clock.now = moment
    home.tick()


def delivered(home: Harness, number: int = 1, **person: Any) -> None:
    customer = {"email": "ann@example.com", "name": "Ann Jansen", **person}
    home.deliver({"type": "order.delivered", "id": f"order-{number}", "data": {"customer": customer}})
    home.settle()


def invitation(home: Harness) -> Any:
    return home.one(tables.invitations)


def test_by_day_a_mail_leaves_at_once(home: Harness) -> None:
    delivered(home)
    assert invitation(home).sent_at == home.clock()
    assert invitation(home).held == "may leave at once, by the clock of Europe/Amsterdam (the house)"


def test_in_the_evening_it_waits_for_the_morning_and_the_timeline_says_by_whose_clock(home: Harness) -> None:
    home.clock.now = here("2026-03-02T20:00")
    delivered(home)
    waiting = invitation(home)
    assert (waiting.status, waiting.due_at) == ("prepared", here("2026-03-03T09:00"))
    assert waiting.held == "waits for the end of quiet hours 20:00–09:00, by the clock of Europe/Amsterdam (the house)"
    shown = home.house.agents.timeline(waiting.customer_id, 10, None)
    assert "waits for the end of quiet hours" in repr(shown)
    go_to(home, here("2026-03-03T08:59"))
    assert home.mails("ann@example.com") == []
    go_to(home, here("2026-03-03T09:00"))
    assert len(home.mails("ann@example.com")) == 1
    assert home.run().status == "succeeded"


def test_the_clock_is_the_recipients_and_not_ours(home: Harness) -> None:
    delivered(home, phone="+61412345678")  # 22:00 in Sydney, and other hours further west
    assert invitation(home).status == "prepared"
    assert "all" in invitation(home).held
    assert "zones of AU (the country of their telephone)" in invitation(home).held


def test_the_helpdesk_knows_the_zone_and_it_is_kept(home: Harness) -> None:
    home.install(ask=VERIFIED)
    user = home.world.zendesk.add_user("Ann Jansen", "ann@example.com", time_zone="Kathmandu")["id"]
    home.clock.now = here("2026-03-02T15:30")  # 20:15 there
    delivered(home, zendesk_user_id=str(user))
    assert invitation(home).held.endswith("by the clock of Asia/Kathmandu (the helpdesk)")
    assert invitation(home).due_at == here("2026-03-04T09:00", ZoneInfo("Asia/Kathmandu"))  # the 3rd is Fagu Purnima
    assert home.one(tables.customers).time_zone == "Asia/Kathmandu"


def test_a_weekend_and_a_holiday_are_waited_for(home: Harness) -> None:
    home.clock.now = here("2026-04-03T21:00")  # the evening before the weekend of Easter
    delivered(home)
    assert invitation(home).due_at == here("2026-04-07T09:00")


def test_a_mail_that_an_outage_delayed_into_the_evening_waits_for_the_morning(home: Harness) -> None:
    home.clock.now = here("2026-03-02T19:30")
    home.deliver({"type": "order.delivered", "id": "1", "data": {"customer": {"email": "ann@example.com"}}})
    home.pump(INTAKE)
    assert invitation(home).status == "prepared"
    go_to(home, here("2026-03-02T20:10"))
    assert home.mails("ann@example.com") == []
    [effect] = home.effects("survey.send")
    assert (effect.status, effect.attempts) == ("due", 0)
    assert effect.error.startswith("waits for the end of quiet hours 20:00–09:00")
    assert invitation(home).due_at == here("2026-03-03T09:00")
    go_to(home, here("2026-03-03T09:00"))
    home.wait(seconds=1)
    assert len(home.mails("ann@example.com")) == 1


@on_sqlite
def test_a_survey_of_its_own_hours_and_none_at_all(database_url: str) -> None:
    clock = HandClock(here("2026-03-02T23:00"))
    with World(clock=clock) as world, a_quiet_house(database_url, world, clock, "quiet_hours: none") as home:
        delivered(home)
        assert len(home.mails("ann@example.com")) == 1
