"""What Prometheus sees: the present of the database, what a process counted, and who may look."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import pytest
import requests
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Connection, event, insert, text, update

from connector.cli.serve.metrics_server import exposed
from connector.config.settings import Settings, SettingsError
from connector.observe.backlog import read_backlog
from connector.observe.counters import Counters
from connector.observe.measured import Measured
from connector.runtime.doorbell import INTAKE
from connector.storage.engine.database import Database, LostRaceError
from connector.storage.flow_control.rate_budget import Budget
from connector.storage.schema import tables
from connector.web import metrics
from sandbox.faults import Fault
from tests.integration.stories import NOW, deliver
from tests.support.house import Harness, a_home, answer
from tests.support.house_workflows import OPEN_A_TICKET, WRITE_TO_THE_CUSTOMER
from tests.support.processes import running

TOKEN = "a-token-for-prometheus"


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, callback=OPEN_A_TICKET) as home:
        home.know()
        yield home


class Figures:
    """A scrape, read back: ``figures("effects_due", connection="mail")`` is the sample's value, or None."""

    def __init__(self, exposition: str) -> None:
        families = text_string_to_metric_families(exposition)
        self.samples = [sample for family in families for sample in family.samples]

    def __call__(self, name: str, **labels: str) -> float | None:
        found = [s.value for s in self.samples if s.name == f"ringback_{name}" and s.labels == labels]
        assert len(found) < 2
        return found[0] if found else None


def scrape(home: Harness) -> Figures:
    response = home.client.get("/metrics")
    assert response.status_code == 200
    return Figures(response.text)


# --- what waits


def test_a_house_at_rest_shows_zeros_for_everything_that_is_configured(home: Harness) -> None:
    figures = scrape(home)
    assert figures("database_up") == 1
    assert (figures("deliveries_waiting"), figures("deliveries_oldest_seconds")) == (0, 0)
    assert (figures("runs_due"), figures("runs_due_lag_seconds")) == (0, 0)
    for connection in ("zendesk", "salesforce", "mail", "survey-platform"):
        assert figures("effects_due", connection=connection) == 0
        assert figures("dead_letters", connection=connection, status="failed") == 0
        assert figures("connection_state", connection=connection, state="active") == 1


def test_deliveries_that_wait_are_counted_and_the_oldest_has_an_age(home: Harness) -> None:
    home.deliver(answer(3))
    home.clock.move(seconds=90)
    home.deliver(answer(4))
    home.clock.move(seconds=10)
    figures = scrape(home)
    assert (figures("deliveries_waiting"), figures("deliveries_oldest_seconds")) == (2, 100)
    home.settle()
    figures = scrape(home)
    assert (figures("deliveries_waiting"), figures("deliveries_oldest_seconds")) == (0, 0)


def test_a_delivery_that_was_set_aside_is_counted(home: Harness) -> None:
    home.deliver({"type": "survey.answered", "id": "no-data"})
    home.settle()
    assert scrape(home)("deliveries_set_aside") == 1


def test_calls_that_are_due_are_counted_by_connection_with_their_lag(home: Harness) -> None:
    home.deliver(answer(3))
    home.pump(INTAKE)
    home.clock.move(seconds=30)
    figures = scrape(home)
    assert figures("effects_due", connection="zendesk") == 1
    assert figures("effects_due_lag_seconds", connection="zendesk") == 30
    assert figures("effects_due", connection="mail") == 0


def test_a_timer_counts_from_the_moment_it_is_due(home: Harness) -> None:
    home.install(patient="trigger: {event: survey.answered}\nsteps:\n  - {id: later, wait: 1 hour}\n")
    home.deliver(answer(9))
    home.settle()
    home.clock.move(minutes=59)
    assert scrape(home)("runs_due") == 0
    home.clock.move(minutes=3)
    figures = scrape(home)
    assert (figures("runs_due"), figures("runs_due_lag_seconds")) == (1, 120)


def test_a_call_that_ends_badly_is_a_dead_letter(home: Harness) -> None:
    home.world.zendesk.faults.add(
        Fault(path="/api/v2/tickets", method="POST", status=422, body={"error": "x"})
    )
    home.deliver(answer(3))
    home.settle()
    figures = scrape(home)
    assert figures("dead_letters", connection="zendesk", status="failed") == 1
    assert figures("dead_letters", connection="zendesk", status="review") == 0


@pytest.mark.parametrize(
    ("status", "blocked", "shown"),
    [
        ("active", None, "active"),
        ("active", timedelta(seconds=-1), "active"),
        ("active", timedelta(seconds=1), "held"),
        ("paused", timedelta(minutes=1), "paused"),
        ("probing", None, "probing"),
        ("stopped", None, "stopped"),
    ],
)
def test_a_connection_is_in_one_state(home: Harness, status: str, blocked: timedelta | None, shown: str) -> None:
    until = home.clock() + blocked if blocked else None
    _set_connection(home, status=status, blocked_until=until)
    states = {s.labels["state"]: s.value for s in scrape(home).samples
              if s.name == "ringback_connection_state" and s.labels["connection"] == "zendesk"}  # fmt: skip
    assert {name for name, value in states.items() if value} == {shown}


def _set_connection(home: Harness, **columns: Any) -> None:
    with home.house.database.write() as tx:
        row = {"name": "zendesk", "status": "active", "reason": "", "updated_at": home.clock()}
        tx.execute(home.house.database.insert_new(tables.connections), [row])
        tx.execute(update(tables.connections).where(tables.connections.c.name == "zendesk").values(columns))


def test_the_rate_budget_shows_how_much_of_its_burst_is_used(database: Database) -> None:
    budget = Budget(60)  # a request a second, five at once
    with database.write() as tx:
        row = {"name": "zendesk", "status": "active", "reason": "", "updated_at": NOW,
               "budget_until": NOW + timedelta(seconds=2)}  # fmt: skip
        tx.execute(insert(tables.connections), [row])
    with database.read() as tx:
        found = read_backlog(tx, ["zendesk", "mail"], {"zendesk": budget}.get, NOW).connections
    assert {each.name: each.budget_used for each in found} == {"mail": None, "zendesk": pytest.approx(0.4)}


# --- what was counted


def test_deliveries_are_counted_by_what_they_were(home: Harness) -> None:
    event_ = answer(3)
    home.deliver(event_)
    home.deliver(event_)
    figures = scrape(home)
    assert figures("deliveries_total", connection="survey-platform", outcome="new") == 1
    assert figures("deliveries_total", connection="survey-platform", outcome="duplicate") == 1


def test_a_forged_delivery_is_counted_as_refused(home: Harness) -> None:
    assert home.post("/webhooks/survey-platform", b"{}", {"webhook-id": "x"}).status_code == 401
    figures = scrape(home)
    assert figures("deliveries_refused_total", connection="survey-platform", reason="not_genuine") == 1
    assert figures("deliveries_total", connection="survey-platform", outcome="new") is None


def test_names_that_a_stranger_makes_up_are_one_series(home: Harness) -> None:
    for number in range(20):
        assert home.post(f"/webhooks/made-up-{number}", b"", {}).status_code == 404
        assert home.client.get(f"/webhooks/other-{number}/token-{number}").status_code == 405
    refused = [s for s in scrape(home).samples if s.name == "ringback_deliveries_refused_total"]
    assert [(s.labels, s.value) for s in refused] == [
        ({"connection": "unknown", "reason": "unknown_connection"}, 20),
        ({"connection": "unknown", "reason": "wrong_method"}, 20),
    ]


def test_a_body_that_is_too_large_is_counted_as_such(home: Harness) -> None:
    assert home.post("/webhooks/zendesk", b"x" * 1_000_001, {}).status_code == 413
    assert scrape(home)("deliveries_refused_total", connection="zendesk", reason="too_large") == 1


def test_a_call_is_counted_by_its_outcome_and_timed(home: Harness) -> None:
    home.world.zendesk.faults.add(Fault(path="/api/v2/tickets", method="POST", status=503))
    home.deliver(answer(3))
    home.settle()
    home.wait(minutes=10)
    figures = scrape(home)
    tried = {"connection": "zendesk", "action": "ticket.open"}
    assert figures("effects_total", **tried, outcome="transient") == 1
    assert figures("effects_total", **tried, outcome="done") == 1
    assert figures("call_seconds_count", connection="zendesk", outcome="done") == 1
    assert figures("call_seconds_bucket", connection="zendesk", outcome="done", le="40.0") == 1
    assert 0 < (figures("call_seconds_sum", connection="zendesk", outcome="done") or 0) < 40


def test_an_error_of_our_own_is_counted_as_a_bug_and_raised() -> None:
    class Broken:
        def perform(self, effects: Any, now: Any) -> Any:
            raise KeyError("ours")

    class Asked:
        connection, action = "zendesk", "ticket.open"

    counters = Counters()
    handler: Any = Measured(Broken(), counters)  # type: ignore[arg-type]  # only ``perform`` is asked for
    with pytest.raises(KeyError):
        handler.perform([Asked()], NOW)
    labels = {"connection": "zendesk", "action": "ticket.open", "outcome": "bug"}
    assert counters.registry.get_sample_value("ringback_effects_total", labels) == 1


def test_a_transaction_that_lost_a_race_is_counted(home: Harness) -> None:
    lost = iter((True, True, False))

    def work(_tx: Connection) -> str:
        if next(lost):
            raise LostRaceError("someone was faster")
        return "won"

    assert home.house.database.transact(work) == "won"
    assert scrape(home)("transactions_retried_total") == 2


def test_no_figure_names_a_person(database_url: str) -> None:
    with a_home(database_url, callback=OPEN_A_TICKET, note=WRITE_TO_THE_CUSTOMER) as home:
        home.deliver(answer(3))
        home.settle()
        shown = home.client.get("/metrics").text
    assert "ringback_effects_total" in shown
    assert not [word for word in ("ann", "jansen", "example.com", "waited a week") if word in shown.lower()]


# --- a scrape stays cheap


def test_a_scrape_reads_nothing_but_indexes_of_live_rows(database: Database) -> None:
    deliver(database)
    indexes = {
        "ix_deliveries_new", "ix_deliveries_trouble", "ix_runs_ready", "ix_runs_timers", "ix_runs_stopped",
        "ix_effects_due", "ix_effects_leases", "ix_effects_serial", "ix_effects_trouble",
    }  # fmt: skip
    with database.read() as tx:
        plans = _plans(tx, lambda: read_backlog(tx, ["zendesk"], lambda _name: None, NOW))
    assert len(plans) > 8
    big = [plan for plan in plans if "connections" not in plan]
    for plan in big:
        assert set(re.findall(r"\bix_\w+", plan)) <= indexes, plan
        assert re.search(r"\bix_\w+", plan), plan
        assert not re.search(r"Seq Scan|SCAN (deliveries|runs|effects)(?! USING)", plan), plan


def _plans(tx: Connection, work: Callable[[], object]) -> list[str]:
    """How the database would do each statement of ``work``."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        seen.append((statement, parameters))

    event.listen(tx.engine, "before_cursor_execute", note)
    work()
    event.remove(tx.engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN"
    if tx.dialect.name == "postgresql":
        explain = "EXPLAIN"
        tx.execute(text("SET LOCAL enable_seqscan = off"))  # a small table is read through otherwise
    told = [tx.exec_driver_sql(f"{explain} {statement}", parameters) for statement, parameters in seen]
    return ["\n".join(str(row[-1]) for row in each) for each in told]


def test_a_queue_longer_than_is_counted_shows_the_most(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.observe.backlog.MOST_COUNTED", 3)
    for number in range(5):
        deliver(database, key=f"d{number}", status="new", received_at=NOW - timedelta(seconds=number))
    with database.read() as tx:
        waiting = read_backlog(tx, [], lambda _name: None, NOW).deliveries
    assert (waiting.waiting, waiting.lag(NOW)) == (3, 0)  # the first to arrive is the first to be served


def test_without_a_database_the_process_still_shows_what_it_counted(home: Harness) -> None:
    home.deliver(answer(3))
    with home.house.database.write() as tx:
        tx.execute(text("ALTER TABLE effects RENAME TO elsewhere"))
    figures = scrape(home)
    assert figures("database_up") == 0
    assert figures("deliveries_waiting") is None
    assert figures("deliveries_total", connection="survey-platform", outcome="new") == 1


# --- who may look


@contextmanager
def a_page(token: str | None, base_url: str) -> Iterator[Any]:
    app = Flask("test")
    metrics.install(app, Counters(), token, base_url)
    with app.test_client() as client:
        yield client


LOCAL, PUBLIC = "http://127.0.0.1:8000", "https://feedback.example.org"


@pytest.mark.parametrize(
    ("base_url", "caller", "status"),
    [(LOCAL, "127.0.0.1", 200), ("http://localhost:8000", "::1", 200), (LOCAL, "192.0.2.7", 403),
     (PUBLIC, "127.0.0.1", 403), (PUBLIC, "192.0.2.7", 403)],
)  # fmt: skip
def test_without_a_token_only_a_machine_of_its_own_is_answered(
    base_url: str, caller: str, status: int
) -> None:
    with a_page(None, base_url) as client:
        response = client.get("/metrics", environ_overrides={"REMOTE_ADDR": caller})
    assert response.status_code == status
    assert ("RINGBACK_METRICS_TOKEN" in response.text) == (status == 403)


@pytest.mark.parametrize(
    ("header", "status"),
    [(f"Bearer {TOKEN}", 200), (f"bearer {TOKEN}", 200), (None, 401), ("Bearer ", 401),
     (f"Bearer {TOKEN}x", 401), (f"Bearer {TOKEN[:-1]}", 401), (f"Basic {TOKEN}", 401),
     ("Bearer \u00e9\u00e9", 401)],
)  # fmt: skip
def test_with_a_token_nobody_is_answered_who_does_not_bring_it(header: str | None, status: int) -> None:
    with a_page(TOKEN, LOCAL) as client:
        response = client.get("/metrics", headers={"Authorization": header} if header else {})
    assert response.status_code == status
    assert TOKEN not in response.text


@pytest.mark.parametrize("token", ["x" * 15, "é" * 16])
def test_a_token_that_can_be_guessed_or_not_be_sent_is_refused(token: str) -> None:
    with pytest.raises(
        SettingsError, match="RINGBACK_METRICS_TOKEN: must have 16 characters or more"
    ) as refused:
        Settings.from_environment({"RINGBACK_METRICS_TOKEN": token})
    assert token not in str(refused.value)


def test_a_token_is_no_part_of_what_the_settings_show() -> None:
    settings = Settings.from_environment({"RINGBACK_METRICS_TOKEN": TOKEN})
    assert settings.metrics_token == TOKEN
    assert TOKEN not in repr(settings)


def test_a_scraper_that_prefers_open_metrics_gets_it(home: Harness) -> None:
    response = home.client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert response.content_type.startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")


def test_a_process_without_a_web_side_shows_its_figures_on_a_port(caplog: pytest.LogCaptureFixture) -> None:
    counters = Counters()
    counters.tried("zendesk", "ticket.open", "done")
    with caplog.at_level("INFO"), exposed(counters.registry, "127.0.0.1", 0):
        url = caplog.messages[-1].removeprefix("metrics at ")
        figures = Figures(requests.get(url, timeout=30).text)
    assert figures("effects_total", connection="zendesk", action="ticket.open", outcome="done") == 1
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=30)


def test_the_whole_program_shows_its_figures_at_both_addresses(tmp_path: Path) -> None:
    environment = {
        "RINGBACK_DATABASE_URL": f"sqlite:///{tmp_path}/ringback.db",
        "RINGBACK_METRICS_TOKEN": TOKEN,
    }
    command = (("serve", "--port", "0", "--metrics-port", "0"), "listening on")
    with running([command], environment, tmp_path) as [process]:
        aside, front = re.findall(r"(?:metrics at|listening on) (http://\S+)", process.log)
        assert Figures(requests.get(aside, timeout=30).text)("database_up") == 1
        assert requests.get(f"{front}/metrics", timeout=30).status_code == 401
        opened = requests.get(f"{front}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
        assert Figures(opened.text)("database_up") == 1
        assert TOKEN not in process.log


def test_a_metrics_port_that_is_taken_is_said_with_the_remedy(caplog: pytest.LogCaptureFixture) -> None:
    registry = Counters().registry
    with caplog.at_level("INFO"), exposed(registry, "127.0.0.1", 0):
        port = int(caplog.messages[-1].split(":")[2].split("/")[0])
        with pytest.raises(
            click.ClickException, match=r"--metrics-port: .* cannot be used .* Choose another"
        ):
            exposed(registry, "127.0.0.1", port).__enter__()
