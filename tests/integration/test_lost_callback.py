"""A callback that the helpdesk refuses is no success: it is told, found, and opened once its cause is mended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.feedback.agent.timeline import Timeline
from connector.feedback.registry import TIMELINE_SOURCES
from connector.observe.backlog import STOPPED
from connector.storage.schema import tables
from connector.storage.stores import run_queries
from tests.support.callbacks import library
from tests.support.house import Harness, a_home, answer

RECOVERY = library("support-recovery")["support-recovery"].replace("type: task", "type: task\n      group: 99", 1)
ABOUT = {"context": {"ticket": "zendesk:4711", "ticket_id": "4711"}}
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, support_recovery=RECOVERY) as home:
        yield home


def refused(home: Harness) -> Any:
    """Somebody wants to be called, and the group that their ticket is for is gone. → the run."""
    home.deliver(answer(2, **ABOUT))
    home.settle()
    return home.run()


def mend(home: Harness) -> None:
    """An admin makes the group."""
    state = home.world.zendesk.desk.state
    with state.lock:
        state.groups[99] = {**next(iter(state.groups.values())), "id": 99, "deleted": False}


def steps(home: Harness) -> list[tuple[str, str]]:
    return [(effect.visit, effect.status) for effect in home.effects()]


def test_it_is_done_with_a_failure_and_says_in_the_vendors_words_why(home: Harness) -> None:
    run = refused(home)
    assert (run.status, run.step) == ("done_with_failure", "callback")
    assert run.reason.startswith("callback: Zendesk answered 422 RecordInvalid to POST")
    assert run.reason.endswith('then retry this step ("Group: 99 is invalid")')
    assert run.slot is None
    assert "What failed on the way, and can be tried again: callback." in home.story(run.id)[-1]


@ON_SQLITE
def test_the_team_hears_who_waits_why_and_where_to_look(home: Harness) -> None:
    run = refused(home)
    first, lost = home.mails("care@acme.example")
    link = f"{home.world.zendesk_url}/agent/tickets/4711"
    assert first.text.strip().endswith(link)
    assert lost.subject == "A callback could not be opened"
    for part in ("Ann Jansen waits for a call", "Group: 99 is invalid", f"ringback runs retry {run.id}", link):
        assert part in lost.text


@ON_SQLITE
def test_it_is_among_the_dead_letters_and_their_count(home: Harness) -> None:
    run = refused(home)
    with home.house.database.read() as tx:
        [line] = run_queries.list_runs(tx, status="done_with_failure")
    assert (line.id, line.step) == (run.id, "callback")
    assert line.status in STOPPED


def test_retried_it_takes_the_failed_step_alone_and_goes_on_as_if_it_had_not_failed(home: Harness) -> None:
    run = refused(home)
    before = steps(home)
    mend(home)
    done = home.house.controls.retry(run.id, "anna")
    assert done.status == "waiting"
    home.settle()
    [ticket] = home.world.zendesk.tickets
    assert ticket["group_id"] == 99
    assert steps(home) == [*before, ("callback#2", "done")]
    assert len(home.mails("care@acme.example")) == 2
    run = home.run()
    assert (run.status, run.step) == ("waiting", "touched")
    [callback] = home.rows(tables.callbacks)
    assert (callback.status, callback.ticket_id) == ("open", str(ticket["id"]))
    home.ticket_event("ticket_solved", str(ticket["id"]))
    home.settle()
    assert home.run().status == "succeeded"


@ON_SQLITE
def test_refused_again_it_is_found_again_and_nobody_is_told_twice(home: Harness) -> None:
    run = refused(home)
    home.house.controls.retry(run.id, "anna")
    home.settle()
    again = home.run()
    assert (again.status, again.step, again.reason) == (run.status, run.step, run.reason)
    assert len(home.mails("care@acme.example")) == 2
    assert len(home.rows(tables.callbacks)) == 1


@ON_SQLITE
def test_who_opened_the_ticket_by_hand_says_so_and_the_run_follows_it(home: Harness) -> None:
    run = refused(home)
    output = {"ticket": "zendesk:12", "ticket_id": "12", "url": "https://acme.example/12"}
    home.house.controls.skip(run.id, "callback", output, "anna")
    home.settle()
    assert (home.run().status, home.run().step) == ("waiting", "touched")


@ON_SQLITE
def test_a_step_that_did_not_fail_cannot_be_retried_alone(home: Harness) -> None:
    run = refused(home)
    with pytest.raises(Exception, match=r"'alert' did not fail in this run. Name one of these: callback."):
        home.house.controls.retry(run.id, "anna", step="alert")
    assert home.run().status == "done_with_failure"


@ON_SQLITE
def test_what_a_vendor_quotes_of_people_stays_out_of_the_log(
    home: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    refused(home)
    assert "Group: 99" not in caplog.text
    assert "422" in caplog.text


@ON_SQLITE
def test_the_customers_timeline_says_that_no_ticket_was_opened(home: Harness) -> None:
    run = refused(home)
    with home.house.database.read() as tx:
        page = Timeline(TIMELINE_SOURCES).page(tx, run.customer_id, 10)
    [details] = [item.details for item in page.items if item.kind == "callback"]
    assert details == {"connection": "zendesk", "status": "not_opened", "cycle": 0, "run": run.id}
