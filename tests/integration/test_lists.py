"""Lists say what people look for: whose run it is, what a delivery told, and that something was known already."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from connector.cli.main import main
from connector.storage.stores import page_queries, run_queries
from tests.support.house import Harness, a_home, answer
from tests.support.house_workflows import OPEN_A_TICKET


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, it=OPEN_A_TICKET) as home:
        yield home


def lines(home: Harness) -> list[tuple[str, str, tuple[str, ...]]]:
    """Status, reason and events of each delivery of others, the first first."""
    with home.house.database.read() as tx:
        found = run_queries.list_deliveries(tx, connection="survey-platform")
        told = page_queries.event_types(tx, [each.id for each in found])
    return [(each.status, each.reason, told.get(each.id, ())) for each in reversed(found)]


def test_a_delivery_that_tells_nothing_new_says_what_it_is_known_as(home: Harness) -> None:
    told = answer(3)
    home.deliver(told, id_="msg-1")
    home.settle()
    home.deliver(told, id_="msg-2")
    home.settle()
    with home.house.database.read() as tx:
        first = run_queries.list_deliveries(tx, connection="survey-platform")[-1].id
    assert lines(home) == [
        ("done", "", ("survey.answered",)),
        ("done", f"already known as survey.answered of delivery {first}", ()),
    ]


def test_two_of_one_batch_are_told_apart_and_one_that_is_replayed_is_no_double_of_itself(home: Harness) -> None:
    told = answer(3)
    home.deliver(told, id_="msg-1")
    home.deliver(told, id_="msg-2")
    home.settle()
    assert [events for _, _, events in lines(home)] == [("survey.answered",), ()]
    with home.house.database.write() as tx:
        ids = [each.id for each in run_queries.list_deliveries(tx, connection="survey-platform")]
        run_queries.replay_deliveries(tx, ids)
    home.settle()
    assert [reason.partition(" of ")[0] for _, reason, _ in lines(home)] == ["", "already known as survey.answered"]


def test_a_run_is_listed_with_what_its_customer_is_called(home: Harness) -> None:
    home.deliver(answer(3))
    home.settle()
    with home.house.database.read() as tx:
        [run] = run_queries.list_runs(tx)
        assert page_queries.names(tx, [run.customer_id]) == {run.customer_id: "Ann Jansen"}


def test_a_delivery_shows_the_condition_that_decided_in_words_beside_it(
    home: Harness, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGBACK_DATABASE_URL", database_url)
    trigger = 'trigger: {event: survey.answered, if: event.band == "promoter"}\n'
    home.install(thanks=trigger + "steps: [{id: end, stop: nothing}]\n")
    home.deliver(answer(3))
    home.settle()
    with home.house.database.read() as tx:
        [line] = run_queries.list_deliveries(tx, connection="survey-platform")
    said = CliRunner().invoke(main, ["deliveries", "show", str(line.id)]).output
    assert 'does not start thanks version 1: event.band == "promoter" is false (event.band is "detractor")' in said
    assert "it asks that band is promoter." in said
