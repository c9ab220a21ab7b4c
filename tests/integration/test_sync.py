"""The first meeting with an org that has a history: its contacts, and scores from before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from connector.cli.main import main
from connector.storage.schema import tables
from connector.vendors.salesforce import backfill as syncing
from connector.vendors.salesforce.backfill import BusyError, Sync
from integrations.errors import IntegrationError
from sandbox.faults import Effect, Fault
from tests.support.house import SECRET_KEY, Harness, a_home, answer, config_of
from tests.support.processes import Process, run, until
from workflows.library import library_texts

BACKFILL = library_texts()["score-backfill.yaml"]
BACKFILL = BACKFILL[BACKFILL.index("workflow:") :]


@pytest.fixture
def home(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Harness]:
    monkeypatch.setattr(syncing, "PAGE", 4)
    monkeypatch.setattr(syncing, "SCORES", 3)
    with a_home(database_url, score_backfill=BACKFILL) as home:
        yield home


def work(home: Harness) -> Sync:
    house = home.house
    changes = house.connections.client("salesforce").changes
    return Sync(house.database, "salesforce", changes, house.connections.ids, home.clock)


def contacts(home: Harness, count: int = 10) -> list[dict[str, Any]]:
    return [home.world.salesforce.add_contact(f"N{n}", f"p{n}@example.com") for n in range(count)]


def answered(home: Harness, *scores: tuple[int, int]) -> None:
    """(number of the person, score) each, before Salesforce knew of it."""
    for number, score in scores:
        home.deliver(answer(score, email=f"p{number}@example.com"))
        home.settle()
        home.clock.move(minutes=1)


def on_records(home: Harness) -> dict[str, float]:
    rows = home.world.salesforce.contacts
    return {row["Email"]: row["NPS_Score__c"] for row in rows if row["NPS_Score__c"] is not None}


def test_every_contact_becomes_a_customer_once(home: Harness) -> None:
    contacts(home)
    assert list(work(home).contacts()) == [4, 4, 2]
    assert sorted(row.email for row in home.rows(tables.customers)) == sorted(f"p{n}@example.com" for n in range(10))
    assert sum(work(home).contacts()) == 0
    contacts(home, 1)
    assert sum(work(home).contacts()) == 1
    assert home.runs() == []


def test_known_people_are_met_again_and_opt_outs_are_kept(home: Harness) -> None:
    answered(home, (0, 9))
    contacts(home, 2)
    home.world.salesforce.add_contact("Out", "out@example.com", HasOptedOutOfEmail=True, DoNotCall=True)
    sum(work(home).contacts())
    by_mail = {row.email: row for row in home.rows(tables.customers)}
    assert len(by_mail) == 3
    assert by_mail["out@example.com"].opted_out_at is not None
    assert by_mail["p0@example.com"].opted_out_at is None
    assert by_mail["out@example.com"].facts["do_not_call"] is True


def test_a_process_that_dies_is_gone_on_from(home: Harness) -> None:
    contacts(home)
    steps = work(home).contacts()
    assert next(steps) == 4
    del steps  # kill -9: nothing is said any more
    with pytest.raises(BusyError):
        sum(work(home).contacts())
    home.clock.move(minutes=3)
    before = len(home.world.salesforce.requests)
    assert list(work(home).contacts()) == [4, 2]
    assert len(home.world.salesforce.requests) - before == 3
    assert len(home.rows(tables.customers)) == 10


def test_an_org_that_has_no_calls_left_is_gone_on_with_later(home: Harness) -> None:
    contacts(home)
    home.world.salesforce.faults.add(Fault(path="/query", status=403, times=1, body=LIMIT))
    with pytest.raises(IntegrationError):
        sum(work(home).contacts())
    home.clock.move(minutes=3)
    assert sum(work(home).contacts()) == 10


LIMIT = '[{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]'


def test_earlier_scores_come_onto_the_records_the_newest_of_each_person(home: Harness) -> None:
    answered(home, (0, 2), (1, 9), (0, 10), (5, 7), (6, 0))
    contacts(home)
    sum(work(home).contacts())
    assert work(home).plan().scores == 4
    assert sum(work(home).scores()) == 4
    home.settle()
    assert on_records(home) == {"p0@example.com": 10, "p1@example.com": 9, "p5@example.com": 7, "p6@example.com": 0}
    assert work(home).written() == (4, 4)
    assert work(home).plan().scores == 0
    assert sum(work(home).scores()) == 0


def test_a_score_asked_for_twice_is_written_once(home: Harness) -> None:
    answered(home, (0, 2))
    contacts(home, 1)
    sum(work(home).contacts())
    steps = work(home).scores()
    next(steps)
    del steps
    home.clock.move(minutes=3)
    sum(work(home).scores())
    home.settle()
    assert len(home.runs("score-backfill")) == 1


def test_history_never_overwrites_what_is_newer(home: Harness) -> None:
    answered(home, (0, 2))
    [contact] = contacts(home, 1)
    sum(work(home).contacts())
    sum(work(home).scores())
    home.install(scores="trigger: {event: survey.answered}\n"
                 "steps: [{id: w, do: score.write, with: {connection: salesforce}}]\n")  # fmt: skip
    home.deliver(answer(10, customer={"salesforce_contact_id": contact["Id"]}))
    home.settle()
    assert on_records(home) == {"p0@example.com": 10}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_admin_sees_first_what_would_be_done(home: Harness, database_url: str, tmp_path: Any) -> None:
    answered(home, (0, 2))
    contacts(home)
    (tmp_path / "ringback.yaml").write_text(config_of(home.world))
    environment = {"RINGBACK_DATABASE_URL": database_url, "RINGBACK_CONFIG": str(tmp_path / "ringback.yaml"),
                   "RINGBACK_SECRET_KEY": SECRET_KEY}  # fmt: skip

    def command(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, ["sync", "salesforce", *words], env=environment)
        assert result.exit_code == code, result.output
        return result.output

    assert "It would read 10 contacts" in command("salesforce", "--dry-run")
    assert len(home.rows(tables.customers)) == 1
    assert "10 contacts were taken in, 1 scores are on their way" in command("salesforce")
    home.settle()
    assert on_records(home) == {"p0@example.com": 2}
    assert "is not configured" in command("sap", code=2)
    assert "is not a CRM" in command("mail", code=2)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_sync_that_is_killed_between_two_pages_goes_on_where_it_was(
    home: Harness, database_url: str, tmp_path: Path
) -> None:
    """kill -9 of the real command while the org makes it wait for the second page."""
    everybody = 2_040
    for number in range(everybody):
        home.world.salesforce.add_contact(f"N{number}", f"p{number}@example.com")
    (tmp_path / "ringback.yaml").write_text(config_of(home.world))
    environment = {"RINGBACK_DATABASE_URL": database_url, "RINGBACK_SECRET_KEY": SECRET_KEY}
    home.world.salesforce.faults.add(Fault(path="/query", effect=Effect.DELAY, delay=0.0))
    home.world.salesforce.faults.add(Fault(path="/query", effect=Effect.DELAY, delay=30.0))
    words = ("sync", "salesforce", "salesforce", "--no-scores")
    dying = Process(words, environment, tmp_path / "first.log")
    dying.wait_for("2000 contacts")
    until(lambda: home.world.salesforce.faults.pending == (), "the second page is asked for")
    dying.kill()
    assert len(home.rows(tables.customers)) == 2_000

    with home.house.database.write() as tx:  # two minutes after
        tx.execute(update(tables.positions).values(taken_until=None))
    before = len(home.world.salesforce.requests)
    assert "40 contacts were taken in" in run(words, environment, tmp_path)
    emails = [row.email for row in home.rows(tables.customers)]
    assert len(emails) == len(set(emails)) == everybody
    assert sum("/query" in each.path for each in home.world.salesforce.requests[before:]) == 2
