"""What Zendesk did while its webhooks did not reach us: found, told once, and never more often than we may ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import insert

from connector.cli.main import main
from connector.ids import new_id
from connector.runtime.effects.background_calls import BackgroundCallBudget, NoBudgetError
from connector.storage.engine.database import Database
from connector.storage.flow_control import connection_state
from connector.storage.flow_control.rate_budget import Budget
from connector.storage.schema import tables
from connector.storage.stores import provisioned
from connector.storage.stores.provisioned import Made
from connector.vendors.zendesk.reconcile import (
    callbacks as reconcile_callbacks,
)
from connector.vendors.zendesk.reconcile import (
    deliveries as reconcile_deliveries,
)
from sandbox.clock import HandClock
from sandbox.faults import Fault
from tests.oracles import SHARED
from tests.support.house import (
    SECRET_KEY,
    ZENDESK_SECRET,
    Harness,
    a_home,
    a_second_house,
    answer,
    config_of,
    signed_zendesk,
)
from tests.support.house_workflows import OPEN_A_TICKET
from tests.support.openapi import check_request

NOBODY = "http://127.0.0.1:9/webhooks/zendesk"
EVENTS = ("ticket.created", "ticket.status_changed", "ticket.comment_added", "ticket.merged", "ticket.soft_deleted")


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    """With one callback, and readings that have begun."""
    with a_home(database_url, tickets=OPEN_A_TICKET) as home:
        home.deliver(answer(3))
        home.settle()
        look(home, minutes=0)
        yield home
        if SHARED.is_dir():
            for each in home.world.zendesk.requests:
                check_request(each.method, each.path, each.json() if each.body else None)


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what the database has no part in."""


def callback(home: Harness) -> Any:
    return home.one(tables.callbacks)


def listening(home: Harness, endpoint: str = NOBODY) -> Any:
    """A webhook that provisioning made; by default nobody is at its address."""
    hook = home.world.zendesk.subscribe(endpoint, *EVENTS)
    now = home.clock()
    made = Made("webhook", "events", hook["id"], True, now, now)
    home.house.database.transact(lambda tx: provisioned.remember(home.house.database, tx, "zendesk", made))
    return hook


def look(home: Harness, *, minutes: float = 16) -> None:
    """Time passes, the scheduler looks, and what it found is understood."""
    home.world.zendesk.settle()
    home.clock.move(minutes=minutes)
    home.run_job("reconcile zendesk")
    home.settle()


def told(home: Harness, kind: str) -> list[Any]:
    """The events of a type."""
    return home.rows(tables.events, tables.events.c.type == kind)


def asked(home: Harness, path: str) -> int:
    """How often Zendesk was asked this."""
    return sum(path in each.path for each in home.world.zendesk.requests)


# --- webhooks that never came ---------------------------------------------------------------------------------------


def test_a_webhook_that_nobody_received_is_found_and_understood(home: Harness) -> None:
    listening(home)
    home.world.zendesk.solve(callback(home).ticket_id)
    look(home)
    assert (callback(home).status, callback(home).cycle) == ("solved", 1)
    [lost] = [each for each in home.world.zendesk.deliveries if each.json()["type"].endswith("status_changed")]
    [kept] = home.rows(tables.deliveries, tables.deliveries.c.key == lost.invocation)
    assert kept.body == lost.body.encode()
    assert kept.headers["x-zendesk-webhook-invocation-id"] == lost.invocation


def test_what_was_found_and_comes_by_its_webhook_after_all_is_one_fact(home: Harness) -> None:
    listening(home)
    home.world.zendesk.solve(callback(home).ticket_id)
    look(home)
    before = len(home.rows(tables.deliveries))
    for lost in home.world.zendesk.deliveries:
        body = lost.body.encode()
        headers = signed_zendesk(body, lost.invocation, home.clock())
        assert home.post("/webhooks/zendesk", body, headers).status_code == 200
    home.settle()
    look(home)
    assert len(home.rows(tables.deliveries)) == before
    assert len(told(home, "ticket.solved")) == 1
    assert callback(home).cycle == 1


def test_webhooks_that_arrived_are_not_asked_for_again(home: Harness) -> None:
    with home.on_the_network() as url:
        hook = listening(home, f"{url}/webhooks/zendesk")
        home.world.zendesk.rotate_secret(hook["id"], ZENDESK_SECRET)
        home.world.zendesk.solve(callback(home).ticket_id)
        look(home)
    assert asked(home, "/invocations") == 1
    assert asked(home, "/attempts") == 0
    assert callback(home).cycle == 1


def test_our_own_write_is_recognised_also_when_it_is_found_later(home: Harness) -> None:
    home.house.own_users.learn()
    listening(home)
    home.deliver(answer(2, email="bo@example.com", customer={"email": "bo@example.com", "name": "Bo"}))
    home.settle()  # we open a ticket
    look(home)
    found = home.rows(tables.deliveries, tables.deliveries.c.connection == "zendesk")
    assert {(each.status, each.reason) for each in found} == {("ignored", "our own write")}


@on_sqlite
def test_a_reading_that_is_cut_short_goes_on_where_it_stopped(home: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile_deliveries, "MOST", 2)
    listening(home)
    for number in range(5):
        home.world.zendesk.write_in(f"Customer {number}", f"c{number}@example.com", "Help", "It broke")
    look(home)
    seen = [len(told(home, "ticket.created"))]
    for _ in range(3):
        look(home, minutes=6)
        seen.append(len(told(home, "ticket.created")))
    assert seen == [2, 4, 5, 5]


@on_sqlite
def test_an_invocation_that_is_still_being_tried_is_left_alone(home: Harness) -> None:
    listening(home)
    home.world.zendesk.solve(callback(home).ticket_id)
    look(home, minutes=0)
    assert callback(home).status == "open"


# --- solves that no webhook could tell ------------------------------------------------------------------------------


def test_a_solved_ticket_nobody_told_of_is_found_in_the_export_once(home: Harness) -> None:
    ticket = home.world.zendesk.write_in("Bo", "bo@example.com", "Invoice", "Where is it?")
    home.clock.move(minutes=1)
    home.world.zendesk.solve(ticket["id"])
    for _ in range(3):
        look(home)
    [event] = told(home, "ticket.solved")
    assert event.subject == f"zendesk:{ticket['id']}"
    assert event.data["reconciled"] is True
    assert event.customer_id


def test_what_was_solved_before_we_began_is_none_of_our_business(home: Harness) -> None:
    ticket = home.world.zendesk.write_in("Bo", "bo@example.com", "Invoice", "Where is it?")
    home.world.zendesk.solve(ticket["id"])
    home.house.database.transact(lambda tx: tx.execute(tables.positions.delete()))
    home.clock.move(minutes=30)
    look(home, minutes=0)  # the first reading ever
    home.world.zendesk.act("close", ticket["id"])
    look(home)
    assert told(home, "ticket.solved") == []


def test_a_merged_ticket_is_not_taken_for_a_solved_one(home: Harness) -> None:
    one = home.world.zendesk.write_in("Bo", "bo@example.com", "Invoice", "Where is it?")
    other = home.world.zendesk.write_in("Bo", "bo@example.com", "Invoice", "And now?")
    home.clock.move(minutes=1)
    home.world.zendesk.act("merge", one["id"], into=other["id"])
    look(home)
    assert told(home, "ticket.solved") == []


@on_sqlite
def test_a_user_who_is_no_admin_is_said_once_and_the_callbacks_are_compared_all_the_same(
    home: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    home.world.zendesk.desk.integration["role"] = "agent"
    home.world.zendesk.solve(callback(home).ticket_id)
    look(home)
    look(home)
    assert callback(home).status == "solved"
    assert sum("its tickets cannot be read" in each.message for each in caplog.records) == 1


# --- callbacks ------------------------------------------------------------------------------------------------------


def test_a_callback_follows_its_ticket_without_any_webhook(home: Harness) -> None:
    ticket, seen = callback(home).ticket_id, []
    for action in ("solve", "reopen", "solve"):
        home.world.zendesk.act(action, ticket)
        look(home)
        look(home)
        seen.append((callback(home).status, callback(home).cycle))
    assert seen == [("solved", 1), ("reopened", 1), ("solved", 2)]


def test_a_callback_whose_ticket_was_deleted_is_deleted(home: Harness) -> None:
    home.world.zendesk.act("delete", callback(home).ticket_id)
    look(home)
    assert callback(home).status == "deleted"
    before = asked(home, "show_many")
    look(home)
    assert asked(home, "show_many") == before, "nobody asks for it again"


def test_a_callback_whose_ticket_was_merged_is_merged(home: Harness) -> None:
    other = home.world.zendesk.write_in("Bo", "bo@example.com", "Invoice", "And now?")
    home.world.zendesk.act("merge", callback(home).ticket_id, into=other["id"])
    look(home)
    assert callback(home).status == "merged"


@on_sqlite
def test_a_ticket_that_changed_just_now_is_left_to_its_webhook(home: Harness) -> None:
    home.clock.move(minutes=30)
    home.world.zendesk.solve(callback(home).ticket_id)
    look(home, minutes=1)
    assert callback(home).status == "open"


def test_hundreds_of_callbacks_are_compared_a_hundred_at_a_time(home: Harness) -> None:
    row = dict(callback(home)._mapping)
    tickets = [home.world.zendesk.write_in("Bo", f"b{n}@example.com", "Call", "Me") for n in range(230)]
    more = [row | {"id": new_id(), "external_id": f"mark-{t['id']}", "ticket_id": str(t["id"])} for t in tickets]
    home.house.database.transact(lambda tx: tx.execute(insert(tables.callbacks), more))
    home.world.zendesk.desk.integration["role"] = "agent"  # who may not read the export
    for ticket in tickets[::50]:
        home.world.zendesk.solve(ticket["id"])
    before = asked(home, "show_many")
    look(home)
    assert asked(home, "show_many") - before == 3
    assert len(home.rows(tables.callbacks, tables.callbacks.c.status == "solved")) == 5


@on_sqlite
def test_a_comparison_goes_on_behind_the_last_callback_and_begins_anew_at_the_end(
    home: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile_callbacks, "BATCHES", 1)
    monkeypatch.setattr(reconcile_callbacks, "MOST_TICKETS", 1)
    statement = reconcile_callbacks._HERE.limit(None).limit(1)
    monkeypatch.setattr(reconcile_callbacks, "_HERE", statement)
    home.deliver(answer(2, email="bo@example.com", customer={"email": "bo@example.com", "name": "Bo"}))
    home.settle()
    first, second = home.rows(tables.callbacks)
    for row in (first, second):
        home.world.zendesk.solve(row.ticket_id)
    seen = []
    for _ in range(4):
        look(home)
        seen.append(sum(row.status == "solved" for row in home.rows(tables.callbacks)))
    assert seen[-1] == 2
    assert seen == sorted(seen)


# --- no more than we may --------------------------------------------------------------------------------------------


def test_of_two_processes_one_reads(home: Harness, database_url: str) -> None:
    listening(home)
    home.world.zendesk.solve(callback(home).ticket_id)
    home.world.zendesk.settle()
    home.clock.move(minutes=16)
    before = len(home.world.zendesk.requests)
    with a_second_house(home, database_url) as other:
        for each in (home, other, home, other):
            each.run_job("reconcile zendesk")
    now = [each.path for each in home.world.zendesk.requests[before:]]
    assert sum("/invocations" in path and "/attempts" not in path for path in now) == 1
    assert len(now) == len(set(now)), "nothing was asked twice"


@on_sqlite
def test_a_paused_connection_is_left_alone_and_read_on_when_it_works_again(home: Harness) -> None:
    listening(home)
    home.world.zendesk.solve(callback(home).ticket_id)
    database, now = home.house.database, home.clock()
    database.transact(lambda tx: connection_state.stop(database, tx, "zendesk", "a test", now))
    before = len(home.world.zendesk.requests)
    look(home)
    assert len(home.world.zendesk.requests) == before
    database.transact(lambda tx: connection_state.resume(tx, "zendesk", now))
    look(home)
    assert callback(home).status == "solved"


@on_sqlite
def test_a_busy_account_holds_up_the_connection_as_long_as_it_says(home: Harness) -> None:
    home.world.zendesk.faults.add(
        Fault("/incremental/", status=429, headers={"Retry-After": "40"}, body={"error": "APIRateLimitExceeded"})
    )
    look(home)
    row = home.one(tables.connections, tables.connections.c.name == "zendesk")
    assert (row.blocked_until - home.clock()).total_seconds() == 40


def test_readings_leave_half_of_the_budget_to_the_effects(database: Database) -> None:
    clock = HandClock()
    database.transact(lambda tx: connection_state.ensure(database, tx, ["zendesk"], clock()))
    permits = BackgroundCallBudget(database, "zendesk", Budget(120), clock)  # ten in a burst of five seconds
    for _ in range(5):
        permits.take()
    with pytest.raises(NoBudgetError):
        permits.take()
    clock.move(seconds=1)
    permits.take()


@on_sqlite
def test_the_command_looks_at_once_and_says_what_it_found(
    home: Harness, database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "ringback.yaml").write_text(config_of(home.world))
    environment = {"RINGBACK_DATABASE_URL": database_url, "RINGBACK_SECRET_KEY": SECRET_KEY,
                   "RINGBACK_CONFIG": str(tmp_path / "ringback.yaml")}  # fmt: skip
    home.world.zendesk.solve(callback(home).ticket_id)
    shown = CliRunner().invoke(main, ["sync", "zendesk", "zendesk", "--json"], env=environment)
    assert shown.exit_code == 0, shown.output
    assert {each["reading"]: each["missed"] for each in json.loads(shown.stdout)}["callbacks"] == 1
    refused = CliRunner().invoke(main, ["sync", "zendesk", "salesforce"], env=environment)
    assert refused.exit_code == 2
    assert "'salesforce' is no Zendesk connection. Known are: zendesk." in refused.output
    home.settle()
    assert callback(home).status == "solved"
