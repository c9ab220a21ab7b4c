"""What is older than its period goes, and nothing that is still needed."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select, update

from connector.cli.main import main
from connector.config.retention import Retention
from connector.feedback.registry import RETENTION_KINDS
from connector.runtime.jobs.retention_job import SLICE, RetentionJob
from connector.runtime.operations.errors import UnknownError
from connector.storage.schema import tables as t
from connector.storage.stores import run_queries
from connector.storage.stores.old_rows import RetentionKind
from tests.support.house import SECRET_KEY, Harness, a_home, answer
from tests.support.house_race import Racers

TELL = """\
trigger: {event: survey.answered}
run: {key: event.response_id, mode: single}
steps:
  - {id: tell, do: alert.send, with: {to: care-team, text: "{{ event.response_id }}"}}
"""
WAIT = """\
trigger: {event: survey.answered}
run: {key: event.response_id, mode: single}
steps:
  - {id: solved, wait: {event: ticket.solved, match: event.ticket == trigger.response_id, timeout: 500 days}}
"""
A_MONTH = timedelta(days=30)
A_YEAR = timedelta(days=400)
BLINK = timedelta(seconds=1)
EVERY_TABLE = (t.deliveries, t.events, t.runs, t.waits, t.history, t.effects)


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, tell=TELL) as home:
        yield home


def keeper(home: Harness, **periods: Any) -> RetentionJob:
    return RetentionJob(home.house.database, replace(Retention(), **periods), RETENTION_KINDS, home.clock)


def counts(home: Harness) -> dict[str, int]:
    with home.house.database.read() as tx:
        return {each.name: tx.execute(select(func.count()).select_from(each)).scalar_one() for each in EVERY_TABLE}


def closed_loop(home: Harness, id_: str = "r1") -> None:
    home.deliver(answer(3, response_id=id_))
    home.settle()


def kind(name: str) -> RetentionKind:
    return next(each for each in RETENTION_KINDS if each.name == name)


# --- the period ----------------------------------------------------------------------------------------------


def test_content_goes_at_its_period_and_not_before(home: Harness) -> None:
    closed_loop(home)
    home.clock.now += A_MONTH - BLINK
    home.house.keeper.tick()
    [delivery, *_] = home.rows(t.deliveries)
    assert (delivery.emptied_at, b"r1" in delivery.body) == (None, True)
    home.clock.now += BLINK
    home.house.keeper.tick()
    [delivery, *_] = home.rows(t.deliveries)
    assert (delivery.emptied_at, delivery.body, delivery.headers) == (home.clock(), b"", {})
    assert (delivery.key, delivery.status) == ("r1", "done")


def test_a_run_goes_with_all_that_was_written_of_it_at_its_period_after_its_end(home: Harness) -> None:
    closed_loop(home)
    before = counts(home)
    home.clock.now += A_YEAR - BLINK
    home.house.keeper.tick()
    assert counts(home) == before
    home.clock.now += BLINK
    home.house.keeper.tick()
    assert counts(home) == dict.fromkeys(before, 0)


def test_the_business_record_stays(home: Harness) -> None:
    closed_loop(home)
    kept = (t.customers, t.identities, t.responses)
    before = [len(home.rows(each)) for each in kept]
    home.clock.now += 10 * A_YEAR
    home.house.keeper.tick()
    assert [len(home.rows(each)) for each in kept] == before
    assert min(before) > 0


def test_forever_is_for_ever(home: Harness) -> None:
    closed_loop(home)
    before = counts(home)
    home.clock.now += 10 * A_YEAR
    keeper(home, contents=None, deliveries=None, runs=None, events=None).tick()
    assert counts(home) == before


# --- what is still needed ------------------------------------------------------------------------------------


def test_a_run_that_lives_keeps_itself_its_event_and_all_events_since(home: Harness) -> None:
    home.install(wait=WAIT)
    home.install(tell=TELL.replace("survey.answered", "nothing.ever"))
    closed_loop(home, "lives")
    closed_loop(home, "later")
    with home.house.database.write() as tx:
        tx.execute(update(t.runs).where(t.runs.c.key == "later").values(status="cancelled", ended_at=home.clock()))
    home.clock.now += A_YEAR + A_MONTH
    home.house.keeper.tick()
    assert [run.key for run in home.runs("wait")] == ["lives"]
    assert [event.external_id for event in home.rows(t.events)] == ["lives", "later"]
    assert len(home.rows(t.waits)) == 1
    home.wait(days=100)  # its time is over, and it ends as any other
    assert home.run("wait").status == "succeeded"


def test_a_delivery_that_nobody_could_read_keeps_its_content_until_the_row_goes(home: Harness) -> None:
    home.deliver({"type": "survey.answered", "id": "odd", "data": {}})
    home.settle()
    home.clock.now += A_YEAR - BLINK
    home.house.keeper.tick()
    assert home.one(t.deliveries).body != b""
    home.clock.now += BLINK
    home.house.keeper.tick()
    assert home.rows(t.deliveries) == []


def test_a_delivery_that_is_not_understood_yet_never_goes(home: Harness) -> None:
    home.deliver(answer(3, response_id="waits"))
    home.clock.now += 10 * A_YEAR
    home.house.keeper.tick()
    home.settle()
    assert [run.key for run in home.runs("tell")] == ["waits"]


@pytest.mark.parametrize("since", [timedelta(days=29, hours=23), timedelta(days=399)])
def test_a_delivery_that_comes_again_is_known_though_its_content_is_gone(home: Harness, since: timedelta) -> None:
    closed_loop(home, "again")
    home.clock.now += since
    shortest = keeper(home, contents=timedelta(days=1))
    shortest.tick()
    assert home.rows(t.deliveries)[0].body == b""
    closed_loop(home, "again")
    assert len(home.mails("care@acme.example")) == 1


def test_an_event_stays_while_its_delivery_could_tell_it_again(home: Harness) -> None:
    closed_loop(home)
    home.clock.now += A_YEAR
    wrong = keeper(home, contents=None)  # the configuration refuses it, and it does no harm
    wrong.tick()
    assert (counts(home)["runs"], counts(home)["events"]) == (0, 1)


# --- what can no longer be done ------------------------------------------------------------------------------


def test_a_run_that_went_is_said_to_have_gone(home: Harness) -> None:
    closed_loop(home)
    run = home.run()
    home.clock.now += 10 * A_YEAR
    home.house.keeper.tick()
    with pytest.raises(UnknownError, match="runs that ended go when their period is over"):
        home.house.controls.restart(run.id, "ann")


def test_a_delivery_without_its_content_is_not_understood_anew(home: Harness, database_url: str) -> None:
    closed_loop(home)
    delivery = home.rows(t.deliveries)[0].id
    home.clock.now += A_MONTH
    home.house.keeper.tick()
    environment = {"RINGBACK_DATABASE_URL": database_url, "RINGBACK_SECRET_KEY": SECRET_KEY}
    said = CliRunner().invoke(main, ["deliveries", "replay", str(delivery)], env=environment)
    assert said.exit_code == 2
    assert "went when its period was over" in said.output
    assert "when their period was over" in CliRunner().invoke(
        main, ["deliveries", "show", str(delivery)], env=environment
    ).output  # fmt: skip
    assert {row.status for row in home.rows(t.deliveries)} == {"done"}


# --- the archive ---------------------------------------------------------------------------------------------


def archived(folder: Path, name: str) -> list[tuple[str, dict[str, Any]]]:
    files = sorted(folder.glob(f"{name}/*.jsonl.gz"))
    lines = [json.loads(line) for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]
    return [(line["table"], line["row"]) for line in lines]


def test_what_goes_is_in_the_archive_whole(home: Harness, tmp_path: Path) -> None:
    closed_loop(home)
    run, body = home.run(), home.rows(t.deliveries)[0].body
    home.clock.now += A_YEAR
    keeper(home, archive=tmp_path).tick()
    contents = archived(tmp_path, "contents")
    assert base64.b64decode(contents[0][1]["body"]) == body
    kept = archived(tmp_path, "runs")
    assert {table for table, _ in kept} == {"runs", "effects", "history"}
    told = next(row for table, row in kept if table == "runs")
    assert (told["id"], told["facts"], told["started_at"]) == (run.id, run.facts, run.started_at.isoformat())
    assert [row["external_id"] for _, row in archived(tmp_path, "events")] == ["r1"]
    assert {file.stat().st_mode & 0o077 for file in tmp_path.glob("*/*")} == {0}


def test_a_crash_between_archive_and_removal_loses_nothing_and_archives_once(home: Harness, tmp_path: Path) -> None:
    closed_loop(home)
    home.clock.now += A_YEAR
    dying = keeper(home, archive=tmp_path)
    dying._take_away = _die  # type: ignore[method-assign]
    dying.tick()
    assert counts(home)["runs"] == 1
    assert len(archived(tmp_path, "runs")) > 0
    keeper(home, archive=tmp_path).tick()
    assert counts(home)["runs"] == 0
    assert len(list(tmp_path.glob("runs/*"))) == 1


def _die(*_: object) -> int:
    raise KeyError("the process ends here")


def test_nothing_goes_while_the_archive_cannot_be_written(
    home: Harness, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    closed_loop(home)
    before = counts(home)
    home.clock.now += A_YEAR
    (tmp_path / "full").write_text("a file where a folder should be")
    keeper(home, archive=tmp_path / "full").tick()
    assert counts(home) == before
    assert "could not be removed" in caplog.text


def test_a_run_that_someone_takes_in_hand_after_it_was_archived_stays(home: Harness, tmp_path: Path) -> None:
    closed_loop(home)
    home.clock.now += A_YEAR
    runs = kind("runs")
    with home.house.database.read() as tx:
        chosen = runs.due(tx, home.clock() - A_YEAR, None, SLICE)
    assert chosen is not None
    home.house.controls.restart(home.run().id, "ann")
    removed = home.house.database.transact(lambda tx: runs.remove(tx, chosen, home.clock()))
    assert (removed, len(home.runs())) == (0, 2)


# --- many, and side by side ----------------------------------------------------------------------------------


def test_more_than_a_slice_goes_in_one_tick(home: Harness) -> None:
    for number in range(SLICE + 1):
        home.deliver(answer(9, response_id=f"r{number}"))
    home.settle()
    home.clock.now += A_YEAR
    home.house.keeper.tick()
    assert counts(home)["runs"] == counts(home)["deliveries"] == 0


@pytest.mark.services
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_keepers_at_once_remove_and_archive_each_row_once(home: Harness, tmp_path: Path) -> None:
    for number in range(3 * SLICE):
        home.deliver(answer(9, response_id=f"r{number}"))
    home.settle()
    runs = {run.id for run in home.runs()}
    home.clock.now += A_YEAR
    first, second = keeper(home, archive=tmp_path), keeper(home, archive=tmp_path)
    with Racers() as racers:
        racers.race(first.tick, second.tick)
    first.tick()  # what one left because the other had it in hand
    assert counts(home) == dict.fromkeys(counts(home), 0)
    assert {row["id"] for table, row in archived(tmp_path, "runs") if table == "runs"} == runs


# --- what people see -----------------------------------------------------------------------------------------


def test_the_command_shows_what_is_due_and_lets_it_go(home: Harness, database_url: str, tmp_path: Path) -> None:
    home.clock.now -= timedelta(days=3000)  # the command has the machine's own clock
    closed_loop(home)
    config = tmp_path / "ringback.yaml"
    config.write_text("retention: {runs: 60 days, suppressions: forever}")
    environment = {"RINGBACK_DATABASE_URL": database_url, "RINGBACK_CONFIG": str(config),
                   "RINGBACK_SECRET_KEY": SECRET_KEY}  # fmt: skip
    shown = CliRunner().invoke(main, ["retention"], env=environment).output
    lines = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line}
    assert lines["runs"] == ["60", "days", "1"]
    assert lines["suppressions"] == ["forever", "0"]
    went = CliRunner().invoke(main, ["retention", "--run", "--json"], env=environment).output
    assert json.loads(went)["runs"] == 1
    assert counts(home) == dict.fromkeys(counts(home), 0)


def test_what_went_is_counted(home: Harness) -> None:
    closed_loop(home)
    home.clock.now += A_YEAR
    home.house.keeper.tick()
    shown = home.client.get("/metrics").text
    assert 'ringback_rows_removed_total{kind="runs"} 1.0' in shown


def test_runs_that_wait_for_a_person_are_a_figure(home: Harness) -> None:
    closed_loop(home)
    with home.house.database.write() as tx:
        tx.execute(update(t.runs).values(status="dead"))
    shown = home.client.get("/metrics").text
    assert 'ringback_runs_stopped{status="dead"} 1.0' in shown
    assert 'ringback_runs_stopped{status="failed"} 0.0' in shown
    with home.house.database.read() as tx:
        assert run_queries.list_runs(tx, status="dead")
