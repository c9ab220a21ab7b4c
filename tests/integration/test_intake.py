"""The intake: each delivery is understood once, none holds up another, a batch happens as a whole or not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError

from connector.cli.main import main
from connector.runtime.doorbell import INTAKE
from connector.runtime.intake.deliveries import Intake
from connector.storage.schema import tables
from tests.fixtures import payload
from tests.support.house import (
    SALESFORCE_TOKEN,
    SECRET_KEY,
    Harness,
    a_home,
    a_house,
    a_second_house,
    answer,
    config_of,
    signed_inbound,
)
from tests.support.house_faults import PowerCutError, just_before, power_cut
from tests.support.house_workflows import OPEN_A_TICKET

NEEDS_AN_ORDER = """\
trigger: {event: survey.answered, if: event.order.total > 100}
run: {key: event.response, mode: parallel}
steps:
  - {id: tell, do: alert.send, with: {to: care-team, text: A large order}}
"""


POISON = {
    "nul": '"\\u0000"',
    "half a character": '"\\ud800"',
    "infinity": "1e999",
    "a giant number": "1" * 4000,
    "deep": '{"a": ' * 200 + "1" + "}" * 200,
    "long": '"' + "x" * 100_000 + '"',
}
"""JSON values that one database or the other may refuse."""


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, tickets=OPEN_A_TICKET) as home:
        yield home


def states(home: Harness) -> list[str]:
    return [row.status for row in home.rows(tables.deliveries)]


# --- once ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "in two batches"])
def test_an_event_that_comes_in_two_deliveries_is_applied_once(home: Harness, together: bool) -> None:
    event = answer(3)
    home.deliver(event, id_="first")
    if not together:
        home.settle()
    home.deliver(event, id_="second")
    home.settle()
    assert states(home) == ["done", "done"]
    assert (
        len(home.rows(tables.events))
        == len(home.rows(tables.responses))
        == len(home.world.zendesk.tickets)
        == 1
    )


def test_a_delivery_that_is_replayed_changes_nothing(home: Harness) -> None:
    home.deliver(answer(3))
    home.settle()
    with home.house.database.write() as tx:
        tx.execute(update(tables.deliveries).values(status="new"))
    home.settle()
    assert states(home) == ["done"]
    assert len(home.world.zendesk.tickets) == 1


def test_answers_are_taken_in_the_order_they_came(home: Harness) -> None:
    for number in range(5):
        home.deliver(answer(number, response_id=f"r{number}", email=f"p{number}@example.com"))
    home.settle()
    assert [row.external_id for row in home.rows(tables.events)] == [f"r{number}" for number in range(5)]


def test_more_deliveries_than_a_batch_holds_are_all_taken(home: Harness) -> None:
    home.install(
        tickets=OPEN_A_TICKET.replace("event: survey.answered", "event: survey.answered, if: event.score < 0")
    )
    for number in range(201):
        home.deliver(answer(9, email=f"p{number}@example.com"))
    home.pump(INTAKE)
    assert states(home) == ["done"] * 201


# --- one does not hold up the others ------------------------------------------------------------------------


def test_an_unreadable_body_is_shown_with_its_reason_and_the_others_go_on(home: Harness) -> None:
    home.deliver(answer(3))
    for number, body in enumerate([b"{", b"[]", b'{"type": "survey.answered"}', b"\xff\xfe", b"[" * 5000]):
        home.post("/webhooks/survey-platform", body, signed_inbound(body, f"bad-{number}", home.clock()))
    home.deliver(answer(4))
    home.settle()
    assert states(home) == ["done", *["unreadable"] * 5, "done"]
    reasons = [row.reason for row in home.rows(tables.deliveries) if row.status == "unreadable"]
    assert all(reasons)
    assert "time is missing" in reasons[2]
    assert len(home.world.zendesk.tickets) == 2


def test_a_condition_that_misses_a_field_starts_nothing_and_says_so(home: Harness) -> None:
    home.install(large=NEEDS_AN_ORDER)
    home.deliver(answer(3))
    home.deliver(answer(3, order={"total": 101}))
    home.settle()
    assert states(home) == ["done", "done"]
    first, second = ({each["workflow"]: each for each in row.decisions} for row in home.rows(tables.events))
    assert (first["large"]["starts"], second["large"]["starts"]) == (False, True)
    assert first["large"]["why"].startswith("could not decide: ")
    assert "order" in first["large"]["why"]
    assert (len(home.runs("large")), len(home.runs("tickets"))) == (1, 2)


def test_a_run_key_longer_than_any_key_starts_nothing_and_says_so(home: Harness) -> None:
    by_comment = NEEDS_AN_ORDER.replace(", if: event.order.total > 100", "").replace(
        "event.response", "event.comment"
    )
    home.install(wordy=by_comment)
    home.deliver(answer(3, comment="x" * 301))
    home.deliver(answer(3, comment="x" * 300))
    home.settle()
    assert states(home) == ["done", "done"]
    assert [run.key for run in home.runs("wordy")] == ["x" * 300]
    why = {each["workflow"]: each["why"] for each in home.rows(tables.events)[0].decisions}
    assert "run.key" in why["wordy"]
    assert "300" in why["wordy"]


def test_a_connection_that_is_no_longer_configured_keeps_its_deliveries_for_replay(
    home: Harness, database_url: str
) -> None:
    home.deliver(answer(3))
    without = config_of(home.world).replace("survey-platform:", "another-platform:")
    with a_house(database_url, home.world, clock=home.clock, config=without) as changed:
        changed.settle()
        assert "'survey-platform' is no longer configured" in changed.one(tables.deliveries).reason
    assert states(home) == ["unreadable"]
    ringback(database_url, "deliveries", "replay", "1")
    home.settle()
    assert states(home) == ["done"]
    assert len(home.world.zendesk.tickets) == 1


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
def test_values_that_a_database_may_refuse_harm_only_their_own_delivery(home: Harness, poison: str) -> None:
    home.deliver(answer(3))
    event = (
        json.dumps({"time": home.clock().isoformat(), **answer(3, strange="@")})
        .replace('"@"', poison)
        .encode()
    )
    home.post("/webhooks/survey-platform", event, signed_inbound(event, "poison", home.clock()))
    home.deliver(answer(3))
    home.settle()
    first, poisoned, last = states(home)
    assert (first, last) == ("done", "done")
    assert poisoned in ("done", "unreadable", "failed")
    assert len(home.runs()) == len(home.world.zendesk.tickets) >= 2


def test_one_broken_notification_of_many_costs_only_itself(home: Harness) -> None:
    home.install(changed="trigger: {event: contact.changed}\nsteps:\n"
                 "  - {id: tell, do: alert.send, with: {to: care-team, text: Changed}}\n")  # fmt: skip
    broken = b"<Notification><Id>04l00000000AbCdEAK</Id></Notification>"
    whole = payload("salesforce/contact_changed.xml").replace(
        b"<Notification>", broken + b"<Notification>", 1
    )
    ours = whole.replace(b"00D000000000001EAA", home.world.salesforce.organization_id.encode())
    response = home.post(
        f"/webhooks/salesforce/{SALESFORCE_TOKEN}", ours, {"content-type": "text/xml; charset=utf-8"}
    )
    assert (response.status_code, b"<Ack>true</Ack>" in response.data) == (200, True)
    home.settle()
    [delivery] = home.rows(tables.deliveries)
    assert (delivery.status, len(home.runs("changed"))) == ("done", 1)
    assert "04l00000000AbCdEAK" in delivery.reason


# --- what an admin sees -------------------------------------------------------------------------------------


def ringback(database_url: str, *words: str) -> Any:
    """Run the command. → what it prints as JSON."""
    env = {"RINGBACK_DATABASE_URL": database_url, "RINGBACK_SECRET_KEY": SECRET_KEY}
    result = CliRunner().invoke(main, [*words, "--json"], env=env)
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_the_command_deliveries_tells_the_state_and_the_reason_of_each(home: Harness, database_url: str) -> None:
    home.deliver(answer(3))
    body = b"nonsense"
    home.post("/webhooks/survey-platform", body, signed_inbound(body, "bad", home.clock()))
    home.deliver_zendesk(
        payload("zendesk/ticket_solved.json").replace(b'"previous": "OPEN"', b'"previous": "SOLVED"')
    )
    home.settle()
    home.deliver(answer(4))
    listed = ringback(database_url, "deliveries")
    assert [each["status"] for each in listed] == ["new", "ignored", "unreadable", "done"]
    assert "the status went from" in listed[1]["reason"]
    assert "not JSON" in listed[2]["reason"]
    [bad] = ringback(database_url, "deliveries", "--status", "unreadable")
    assert bad["id"] == 2


# --- whole or not at all ------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["events", "responses", "runs", "history", "effects", "callbacks"])
def test_a_crash_in_the_middle_leaves_the_delivery_new_and_nothing_asked_of_anybody(
    home: Harness, table: str
) -> None:
    home.deliver(answer(3))
    with just_before(home.house.database, f"INSERT INTO {table}", power_cut), pytest.raises(PowerCutError):
        home.pump(INTAKE)
    assert states(home) == ["new"]
    assert home.rows(tables.events) == home.rows(tables.customers) == home.runs() == home.effects() == []
    home.settle()
    assert states(home) == ["done"]
    assert len(home.world.zendesk.tickets) == 1


@pytest.mark.services
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_database_that_drops_the_connection_costs_a_try_and_no_delivery(home: Harness) -> None:
    cuts = []

    def terminate(connection: Any) -> None:
        pid = connection.connection.dbapi_connection.info.backend_pid
        if not cuts:
            cuts.append(pid)
            with home.house.database.read() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})

    for _ in range(3):
        home.deliver(answer(3))
    cut_off = pytest.raises(OperationalError)
    with just_before(home.house.database, "INSERT INTO history", terminate), cut_off:
        home.pump(INTAKE)
    assert states(home) == ["new"] * 3
    home.settle()
    assert states(home) == ["done"] * 3
    assert len(home.world.zendesk.tickets) == 3


def test_a_stored_workflow_that_can_no_longer_be_read_holds_up_no_others(
    home: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    home.install(broken=OPEN_A_TICKET)
    with home.house.database.write() as tx:
        old = update(tables.definitions).where(tables.definitions.c.slug == "broken")
        tx.execute(old.values(body="workflow: broken\nsteps: none of ours"))
    for _ in range(2):
        home.deliver(answer(3))
        home.settle()
    assert (states(home)[0], len(home.world.zendesk.tickets)) == ("done", 2)
    assert caplog.text.count("a stored workflow starts nothing; import it again, mended.") == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_delivery_that_was_taken_between_reading_it_and_having_the_turn_is_not_taken_again(
    home: Harness, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_it_is = Intake._read

    def read(intake: Intake, rows: Any) -> Any:
        monkeypatch.setattr(Intake, "_read", as_it_is)
        with a_second_house(home, database_url) as other:
            other.pump(INTAKE)
        home.deliver(answer(2))  # and one more came since
        return as_it_is(intake, rows)

    home.deliver(answer(3))
    monkeypatch.setattr(Intake, "_read", read)
    home.pump(INTAKE)
    home.pump(INTAKE)
    assert sorted(run.facts["event"]["score"] for run in home.runs()) == [2, 3]
