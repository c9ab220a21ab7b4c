"""Invitations and reminders that are due each half hour over every change of the clock: none in quiet hours, none
twice, none lost."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.feedback.surveys import files
from connector.storage.schema import tables
from sandbox.clock import HandClock
from sandbox.world import World
from tests.support.house import Harness, a_house, config_of
from tests.unit.test_quiet_hours import CHANGES
from workflows import schema
from workflows.library import load_library

ASK = """\
trigger: {event: order.delivered}
run: {key: event.id, mode: parallel}
steps:
  - {id: ask, do: survey.send, with: {survey: after-support, delay: "{{ event.minutes }} minutes"}}
"""
REMINDERS = """
passes_fatigue: true
reminders:
  - {after: 14 hours, subject: {en: Again, nl: Weer}, intro: {en: Please, nl: Graag}}
"""
AROUND = timedelta(hours=12)
HALF_AN_HOUR = timedelta(minutes=30)


def by_change(season: int) -> dict[datetime, list[str]]:
    """The changes of spring or autumn, in order, and where the clock is watched at each."""
    found: dict[datetime, list[str]] = {}
    for zone, changes in CHANGES.items():
        found.setdefault(changes[season], []).append(zone)
    return dict(sorted(found.items()))


def walk(url: str, season: int, start: time, until: time, weekends: bool) -> None:
    rules = f'quiet_hours: {{from: "{start:%H:%M}", until: "{until:%H:%M}", weekends: {str(weekends).lower()}}}'
    changes = by_change(season)
    clock = HandClock(min(changes) - AROUND)
    with World(clock=clock) as world:
        config = re.sub("quiet_hours: none.*", rules, config_of(world))
        survey = re.sub(r"fatigue_days: \d+.*", "", files.built_in()["after-support"]) + REMINDERS
        flows = {"ask": ASK, "survey-reminders": schema.dump(load_library()["survey-reminders"])}
        with a_house(url, world, flows, clock=clock, config=config, surveys={"after-support": survey}) as home:
            for change, zones in changes.items():
                through(home, clock, change, zones)
            judge(home, [zone for zones in changes.values() for zone in zones], start, until, weekends)


def through(home: Harness, clock: HandClock, change: datetime, zones: list[str]) -> None:
    """One due each half hour from half a day before the change until half a day after; then until all is quiet."""
    clock.now = change - AROUND
    for zone in zones:
        for number in range(2 * AROUND // HALF_AN_HOUR):
            name = f"{zone.replace('/', '.')}.{number}".lower()
            customer = {"email": f"{name}@example.com", "time_zone": zone}
            data = {"minutes": 30 * number, "customer": customer}
            home.deliver({"type": "order.delivered", "id": name, "data": data})
    end = change + timedelta(days=5)
    while clock.now < end:
        home.tick()
        clock.now += HALF_AN_HOUR


def judge(home: Harness, zones: list[str], start: time, until: time, weekends: bool) -> None:
    each = 2 * AROUND // HALF_AN_HOUR
    people = {row.id: row for row in home.rows(tables.customers)}
    asked = home.rows(tables.invitations)
    assert len(asked) == len(zones) * each
    for row in asked:
        zone = ZoneInfo(people[row.customer_id].facts["time_zone"])
        for moment in (row.sent_at, row.reminded_at):
            assert moment is not None, "lost"
            wall = moment.astimezone(zone)
            quiet = start <= wall.time() < until if start < until else not until <= wall.time() < start
            assert not quiet, f"{wall} in {zone}"
            assert not (weekends and wall.weekday() > 4), f"{wall} in {zone}"
        assert row.reminded == 1
    mails = Counter(to for mail in home.mails() for to in mail.to)
    assert set(mails.values()) == {2}, "twice or lost"
    assert len(mails) == len(asked)
    assert len({mail.header("Message-ID") for mail in home.mails()}) == 2 * len(asked)


evenings = st.integers(36, 47).map(lambda half: time(half // 2, half % 2 * 30))
mornings = st.integers(2, 20).map(lambda half: time(half // 2, half % 2 * 30))


@settings(
    max_examples=2, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # the walk of one season takes many seconds; the sums themselves are walked through in tests/unit/test_quiet_hours.py
@pytest.mark.parametrize("season", [0, 1], ids=["spring", "autumn"])
@given(start=evenings, until=mornings, weekends=st.booleans())
def test_none_in_quiet_hours_none_twice_none_lost(
    season: int, sqlite_template: Path, tmp_path: Path, start: time, until: time, weekends: bool
) -> None:
    file = tmp_path / f"{datetime.now(UTC).timestamp()}.db"
    shutil.copy(sqlite_template, file)
    walk(f"sqlite:///{file}", season, start, until, weekends)


@pytest.mark.services
def test_the_same_on_postgresql(renewed_postgres: Callable[[], str]) -> None:
    walk(renewed_postgres(), 1, time(20), time(9), weekends=True)
