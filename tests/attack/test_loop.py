"""A workflow that answers its own comments, at a helpdesk that does not say whom we act as."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.runtime.intake import brake
from connector.storage.schema import tables
from tests.support.house import Harness, a_home

ECHO = """\
trigger: {event: ticket.commented}
run: {key: event.id, mode: parallel}
steps:
  - {id: end, stop: done}
"""

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def home(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Harness]:
    monkeypatch.setattr(brake, "MOST", 5)
    with a_home(database_url, echo=ECHO) as home:
        yield home


def _comment(home: Harness, number: int, ticket: str = "their-desk:1") -> None:
    home.deliver({"type": "ticket.commented", "id": f"c{number}", "data": {"ticket": ticket}})
    home.settle()


def test_a_loop_ends_after_so_many_runs_and_says_why(home: Harness) -> None:
    for number in range(12):
        _comment(home, number)
    assert len(home.runs()) == 5
    [decision] = home.rows(tables.events)[-1].decisions
    assert not decision["starts"]
    assert "does it answer itself?" in decision["why"]


def test_other_records_go_on_and_so_does_this_one_an_hour_later(home: Harness) -> None:
    for number in range(8):
        _comment(home, number)
    _comment(home, 20, "their-desk:2")
    assert len(home.runs()) == 6
    home.wait(minutes=61)
    _comment(home, 21)
    assert len(home.runs()) == 7
