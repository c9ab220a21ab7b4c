"""What stands in the catalogue of events happens: invitations run out, dates come round, and nobody waits for what
nothing sends."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from connector.cli.main import main
from connector.config.dates import CustomerDate, dates_of
from connector.config.file import read_config
from connector.feedback.customers.dates.coming_round import comes_round, read
from connector.feedback.customers.dates.round_of_all import RoundOfAll
from connector.runtime.doorbell import INTAKE
from connector.storage.schema import tables
from connector.vendors.emitted_types import OWN, emitted_types
from connector.vendors.registry import VENDORS
from sandbox.clock import HandClock
from sandbox.world import World
from tests.support.house import Harness, a_house, config_of
from workflows.events import EVENT_TYPES
from workflows.library import load_library

ASK = """\
trigger: {event: order.delivered}
run: {key: event.id, mode: parallel}
steps:
  - {id: ask, do: survey.send, with: {survey: after-support}}
"""
CONGRATULATE = """\
trigger: {event: customer.anniversary, if: event.kind == "birthday"}
run: {key: event.customer, mode: parallel}
steps:
  - id: write
    do: message.send
    with: {subject: "Many happy returns", text: "{{ event.years }} years, on {{ event.on }}"}
"""
DATES = "dates: [{field: customer.birthday}, {field: customer.contract.since, kind: since}]\nfatigue_days: 60"

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@contextmanager
def house(url: str, clock: HandClock, more: str = "fatigue_days: 60") -> Iterator[Harness]:
    with World(clock=clock) as world:
        config = re.sub("fatigue_days: 60", more, config_of(world))
        workflows = {"ask": ASK, "congratulate": CONGRATULATE}
        with a_house(url, world, workflows, clock=clock, config=config) as home:
            yield home


@contextmanager
def another(home: Harness, url: str) -> Iterator[Harness]:
    """A second process, with the same configuration."""
    config = re.sub("fatigue_days: 60", DATES, config_of(home.world))
    with a_house(url, home.world, clock=home.clock, config=config) as other:
        yield other


def told(home: Harness, type_: str) -> list[Any]:
    return home.rows(tables.events, tables.events.c.type == type_)


def known(home: Harness, name: str, **facts: Any) -> None:
    person = {"email": f"{name}@example.com", "name": name.title(), **facts}
    home.deliver({"type": "contact.changed", "id": f"known-{name}-{len(facts)}", "data": {"customer": person}})
    home.settle()


def asked(home: Harness, name: str = "ann") -> None:
    person = {"email": f"{name}@example.com"}
    home.deliver({"type": "order.delivered", "id": f"order-{name}", "data": {"customer": person}})
    home.settle()


# --- invitations that run out


def test_an_invitation_that_runs_out_unanswered_is_told_once(database_url: str) -> None:
    clock = HandClock()
    with house(database_url, clock) as home, another(home, database_url) as other:
        asked(home)
        ends = home.one(tables.invitations).expires_at
        clock.now = ends - timedelta(seconds=1)
        home.run_job("expired invitations")
        home.settle()
        assert told(home, "survey.expired") == []
        clock.now = ends + timedelta(days=2)
        for each in (home, other, home):
            each.run_job("expired invitations")
            each.settle()
        [event] = told(home, "survey.expired")
        assert (event.time, event.customer_id) == (ends, home.one(tables.customers).id)
        assert event.data["started"] is False
        assert home.one(tables.invitations).status == "expired"


@on_sqlite
def test_an_answer_is_no_invitation_that_ran_out(database_url: str) -> None:
    clock = HandClock()
    with house(database_url, clock) as home:
        asked(home)
        clock.move(days=40)
        with home.house.database.write() as tx:
            tx.execute(tables.invitations.update().values(settles_at=clock(), status="started"))
        home.run_job("expired invitations")
        home.settle()
        assert told(home, "survey.expired") == []


# --- dates


def test_a_birthday_is_told_once_a_year_however_often_and_by_whom_it_is_looked_for(database_url: str) -> None:
    clock = HandClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    with house(database_url, clock, DATES) as home, another(home, database_url) as other:
        known(home, "ann", birthday="1980-03-02", contract={"since": "2024-02-29T10:00:00Z"})
        known(home, "bo", birthday="1992-02-29")
        known(home, "cy", birthday="yesterday", contract="none")
        for _ in range(30 * 8):  # thirty days, in steps of three hours
            clock.move(hours=3)
            for each in (home, other):
                each.run_job("dates of customers")
        home.settle()
        assert [(e.data["kind"], e.data["on"], e.data["years"]) for e in told(home, "customer.anniversary")] == [
            ("birthday", "2026-03-02", 46)
        ]
        in_amsterdam = datetime(2026, 3, 1, 23, tzinfo=UTC)
        assert told(home, "customer.anniversary")[0].time == in_amsterdam
        [mail] = home.mails("ann@example.com")
        assert "46 years, on 2026-03-02" in mail.text
        clock.now = datetime(2027, 2, 28, 9, tzinfo=UTC)
        home.run_job("dates of customers")
        home.settle()
        on_the_28th = [(e.data["kind"], e.data["on"]) for e in told(home, "customer.anniversary")[1:]]
        assert sorted(on_the_28th) == [("birthday", "2027-02-28"), ("since", "2027-02-28")]


@on_sqlite
def test_days_on_which_nobody_looked_are_made_up_for_and_older_ones_not(database_url: str) -> None:
    clock = HandClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    with house(database_url, clock, DATES) as home:
        known(home, "ann", birthday="1980-03-03")
        known(home, "bo", birthday="1980-03-09")
        home.run_job("dates of customers")
        clock.now = datetime(2026, 3, 12, 12, tzinfo=UTC)
        home.run_job("dates of customers")
        home.settle()
        assert [e.data["on"] for e in told(home, "customer.anniversary")] == ["2026-03-09"]


def test_a_round_that_dies_goes_on_where_it_was_and_tells_nothing_twice(database_url: str) -> None:
    clock = HandClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    with house(database_url, clock, DATES) as home:
        for name in ("ann", "bo", "cy"):
            known(home, name, birthday="1980-03-01")
        rounds = RoundOfAll(home.house.database, home.house.config.dates, "Europe/Amsterdam")
        assert [rounds.due(clock(), 2), rounds.due(clock(), 2), rounds.due(clock(), 2)] == [2, 0, 0]
        home.pump(INTAKE)
        home.settle()
        assert len(told(home, "customer.anniversary")) == 3


@on_sqlite
def test_who_becomes_one_with_somebody_who_was_told_of_is_not_told_of_again(database_url: str) -> None:
    clock = HandClock(datetime(2026, 3, 2, 9, tzinfo=UTC))
    with house(database_url, clock, DATES) as home:
        known(home, "ann", birthday="1980-03-02")
        home.deliver({"type": "contact.changed", "id": "by-id", "data": {
            "customer": {"zendesk_user_id": "77", "birthday": "1980-03-02"}}})  # fmt: skip
        home.settle()
        home.run_job("dates of customers")
        home.settle()
        before = len(told(home, "customer.anniversary"))
        home.deliver({"type": "contact.changed", "id": "both", "data": {
            "customer": {"zendesk_user_id": "77", "email": "ann@example.com"}}})  # fmt: skip
        home.settle()
        assert len(home.rows(tables.customers)) == 1
        clock.move(hours=7)
        home.run_job("dates of customers")
        home.settle()
        assert len(told(home, "customer.anniversary")) == before


dates = st.dates(date(1930, 1, 1), date(2030, 12, 31))


@given(given=dates, days=st.integers(-180, 180), begin=st.dates(date(2026, 1, 1), date(2027, 1, 1)))
def test_every_date_comes_round_once_in_every_year_that_is_walked_through_day_by_day(
    given: date, days: int, begin: date
) -> None:
    rule = CustomerDate("f", "f", days=days)
    walked = [begin + timedelta(days=n) for n in range(4 * 366)]
    found = [day for each in walked for day, _ in comes_round(rule, given, each, each)]
    at_once = [day for day, _ in comes_round(rule, given, walked[0], walked[-1])]
    assert found == sorted(set(found)) == at_once
    after = [day for day in found if day > given + timedelta(days=366 + abs(days))]
    assert all(350 < (later - day).days < 380 for day, later in pairwise(after))


def test_what_is_no_date_is_none() -> None:
    facts = {"a": "2020-02-30", "b": 7, "c": {"d": "2020-02-29T10:00:00+01:00"}, "e": "2020-02-291", "f": None}
    assert [read(facts, path) for path in ("a", "b", "c.d", "e", "f", "c", "c.x", "b.x")] == [
        None, None, date(2020, 2, 29), None, None, None, None, None
    ]  # fmt: skip


@pytest.mark.parametrize("value", [
    "customer.since", [{"field": "since", "evry": "year"}], [{"field": "1st"}], [{"field": "a"}, {"field": "x.a"}],
    [{"field": "a", "days": 181}], [{"field": "a", "days": True}], [{"field": "a", "event": "Birthday"}],
    [{"field": "a", "every": "month"}], [{"field": "a", "kind": "A kind"}],
])  # fmt: skip
def test_a_mistake_in_dates_is_told(value: Any) -> None:
    with pytest.raises(ValueError, match=r"\n"):
        dates_of(value)


# --- due moments


def test_a_mail_that_waits_is_planned_anew_when_we_learn_where_somebody_is(database_url: str) -> None:
    clock = HandClock(datetime(2026, 3, 2, 20, tzinfo=UTC))
    quiet = 'fatigue_days: 60\nquiet_hours: {from: "20:00", until: "09:00"}'
    with World(clock=clock) as world:
        config = re.sub("quiet_hours: none.*", "", config_of(world)).replace("fatigue_days: 60", quiet)
        with a_house(database_url, world, {"ask": ASK}, clock=clock, config=config) as home:
            asked(home)
            assert home.one(tables.invitations).due_at == datetime(2026, 3, 3, 8, tzinfo=UTC)
            clock.move(minutes=10)
            known(home, "ann", time_zone="America/New_York")
            home.run_job("due moments")
            moved = home.one(tables.invitations)
            assert (moved.due_at, moved.wanted_at) == (datetime(2026, 3, 2, 20, tzinfo=UTC),) * 2
            assert moved.held == "may leave at once, by the clock of America/New_York (the customer's record)"
            home.tick()
            assert len(home.mails("ann@example.com")) == 1


# --- nobody waits for what nothing sends


def unheard(config: str, **workflows: str) -> list[str]:
    emitted = emitted_types(read_config(config, Path("ringback.yaml"), {}), VENDORS)
    assert emitted is not None
    found = load_library()
    return [str(each) for slug in workflows or found for each in emitted.unheard(found[slug])]


ZENDESK = "connections: {desk: {kind: zendesk}}\n"


def test_each_type_that_we_say_is_ours_stands_in_the_catalogue() -> None:
    assert set(EVENT_TYPES) >= OWN


def test_every_built_in_workflow_is_heard_where_all_are_connected() -> None:
    both = "connections: {desk: {kind: zendesk}, crm: {kind: salesforce}}\ndates: [{field: customer.since}]"
    assert unheard(both) == []
    assert unheard("connections: {other: {kind: inbound}}") == []


def test_a_trigger_that_nothing_sends_is_refused_with_what_would() -> None:
    [said] = unheard("connections: {mail: {kind: smtp}}", **{"after-support": ""})
    assert said.startswith("trigger.event: nothing that is configured sends ticket.solved.")
    assert "Connect one of kind zendesk or salesforce" in said


def test_the_dates_that_are_configured_are_sent_and_others_not() -> None:
    without = emitted_types(read_config(ZENDESK, Path("ringback.yaml"), {}), VENDORS)
    with_one = emitted_types(
        read_config(f"{ZENDESK}dates: [{{field: since, event: contract.ending}}]", Path("ringback.yaml"), {}), VENDORS
    )
    assert without is not None
    assert with_one is not None
    assert "contract.ending" in with_one.types
    assert "customer.anniversary" not in without.types | with_one.types


def test_where_nothing_is_connected_nothing_is_said() -> None:
    assert emitted_types(read_config("", Path("ringback.yaml"), {}), VENDORS) is None


def test_validate_import_and_check_say_the_same_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "workflows").mkdir()
    file = tmp_path / "workflows" / "happy.yaml"
    file.write_text(f"workflow: happy\n{CONGRATULATE}")
    smtp = "{kind: smtp, url: smtp://mail.example, sender: care@acme.example}"
    mail = f"connections: {{mail: {smtp}}}\nworkflows: workflows/\n"
    (tmp_path / "ringback.yaml").write_text(mail)
    monkeypatch.chdir(tmp_path)
    for name in [each for each in os.environ if each.startswith("RINGBACK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RINGBACK_DATABASE_URL", f"sqlite:///{tmp_path}/ringback.db")
    sentence = "trigger.event: nothing that is configured sends customer.anniversary."
    for command in (["workflow", "validate", str(file)], ["workflow", "import"], ["config", "check"]):
        said = CliRunner().invoke(main, command)
        assert said.exit_code == 2, said.output
        assert sentence in said.output
        assert "dates: [{field: customer.since}]" in said.output
    (tmp_path / "ringback.yaml").write_text(f"{mail}dates: [{{field: customer.birthday}}]\n")
    assert CliRunner().invoke(main, ["workflow", "validate", str(file)]).exit_code == 0
    assert CliRunner().invoke(main, ["config", "check"]).exit_code == 0
