"""What would happen to a person, and who was not asked at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from connector.cli.main import main
from connector.feedback.surveys.overview.coverage import coverage
from connector.storage.schema import tables
from sandbox.clock import HandClock
from sandbox.world import World
from tests.support.house import Harness, a_house, config_of

ASK = """\
trigger: {event: ticket.solved, if: 'event.callback == null && !("no_survey" in event.tags)'}
run: {key: event.ticket, mode: parallel}
steps:
  - {id: ask, do: survey.send, with: {survey: after-support, once: "{{ event.ticket }}"}}
"""
QUIET = 'quiet_hours: {from: "20:00", until: "09:00"}'
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    clock = HandClock(datetime(2026, 3, 2, 10, tzinfo=UTC))
    with World(clock=clock) as world:
        config = re.sub("quiet_hours: none.*", QUIET, config_of(world))
        with a_house(database_url, world, {"ask": ASK}, clock=clock, config=config) as home:
            yield home


def solved(home: Harness, ticket: str, user: str, agent: str = "11", **detail: object) -> None:
    home.ticket_event("ticket_solved", ticket, requester_id=user, assignee_id=agent, **detail)
    home.settle()


def test_a_plan_says_when_by_whose_clock_and_why_not(home: Harness) -> None:
    user = home.know()
    planner = home.house.planner
    [now] = planner.plan("ann@example.com", "after-support") or []
    assert (now.verdict, now.channel, now.at) == ("now", "email", home.clock())
    home.clock.now = datetime(2026, 3, 2, 21, tzinfo=UTC)
    [later] = planner.plan(f"zendesk:{user}", "after-support") or []
    assert (later.verdict, later.code, later.local) == ("later", "quiet_hours", "Tue 03 Mar 2026 09:00")
    assert "by the clock of Europe/Amsterdam (the house)" in later.why
    solved(home, "1", user)
    waits, _ = planner.plan(home.one(tables.customers).id, "after-support") or []
    assert (waits.verdict, waits.at) == ("waits", datetime(2026, 3, 3, 8, tzinfo=UTC))
    home.clock.now = datetime(2026, 3, 3, 9, tzinfo=UTC)
    home.tick()
    [refused] = planner.plan("Ann@Example.com", "after-support") or []
    assert (refused.verdict, refused.code) == ("not asked", "fatigue")
    assert refused.numbers == {"days_ago": 0, "rule_days": 90}
    assert planner.plan("nobody@example.com") is None


def test_who_was_not_asked_is_counted_per_agent_and_team_with_its_reasons(home: Harness) -> None:
    ann, bo, cy, dee = (home.know(f"{name}@example.com", name.title()) for name in ("ann", "bo", "cy", "dee"))
    solved(home, "1", ann, group_id="7")
    solved(home, "2", bo, tags=["no_survey"], group_id="7")
    solved(home, "3", ann, agent="12", group_id="8")  # asked a moment ago
    solved(home, "4", cy, agent="12", group_id="8")
    solved(home, "4", cy, agent="12", group_id="8")
    home.deliver({"type": "customer.opted_out", "id": "out", "data": {"customer": {"email": "dee@example.com"}}})
    home.settle()
    solved(home, "5", dee, agent="12", group_id="8")
    since, until = home.clock() - timedelta(days=1), home.clock() + timedelta(days=1)
    with home.house.database.read() as tx:
        lines = coverage(tx, since, until)
        teams = coverage(tx, since, until, "team")
    assert [(line.who, line.eligible, line.asked, line.reasons, line.not_eligible) for line in lines] == [
        ("11", 2, 1, {"no_workflow": 1}, 0), ("12", 2, 1, {"fatigue": 1}, 1),
    ]  # fmt: skip
    assert [(line.who, line.eligible) for line in teams] == [("7", 2), ("8", 2)]
    assert lines[0].share == 0.5
    assert lines[0].low < 0.5 < lines[0].high


@on_sqlite
def test_a_mail_that_waits_is_neither_asked_nor_missed(home: Harness) -> None:
    home.clock.now = datetime(2026, 3, 2, 21, tzinfo=UTC)
    solved(home, "1", home.know())
    with home.house.database.read() as tx:
        [line] = coverage(tx, home.clock() - timedelta(days=1), home.clock() + timedelta(days=1))
    assert (line.eligible, line.waiting, line.share) == (0, 1, 0.0)


@on_sqlite
def test_the_commands_show_both(
    home: Harness, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.know()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RINGBACK_DATABASE_URL", database_url)
    monkeypatch.setenv("RINGBACK_SECRET_KEY", "the tests' own secret key, long enough")
    (tmp_path / "ringback.yaml").write_text('quiet_hours: none\nfatigue_days: 60\n')
    said = CliRunner().invoke(main, ["survey", "plan", "ann@example.com", "--survey", "after-support"])
    assert said.exit_code == 0, said.output
    assert re.search(r"after-support +now +email", said.output)
    assert CliRunner().invoke(main, ["survey", "plan", "nobody@example.com"]).exit_code == 2
    none = CliRunner().invoke(main, ["survey", "not-asked", "--last", "12h"])
    assert "No tickets of customers were solved" in none.output
