"""A sender with a good signature tells what is not its own, and what has not happened yet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connector.runtime.intake.telling import EVERYBODYS, OF_RECORDS, OURS
from connector.storage.schema import tables
from tests.support.house import Harness, a_home, answer
from workflows.events import EVENT_TYPES

RECOVERY = """\
trigger: {event: survey.answered}
run: {key: event.response_id, mode: parallel}
steps:
  - id: end
    wait: {event: callback.changed, match: 'event.ticket == "zendesk:1"', timeout: 3 days}
  - {id: tell, do: alert.send, with: {to: care-team, text: "ended"}}
"""


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, recovery=RECOVERY) as home:
        yield home


def reasons(home: Harness) -> list[tuple[str, str]]:
    return [(row.status, row.reason) for row in home.rows(tables.deliveries)]


def test_a_survey_platform_cannot_end_a_recovery(home: Harness) -> None:
    home.deliver(answer(1))
    home.settle()
    forged = {"type": "callback.changed", "id": "f1", "data": {"ticket": "zendesk:1", "status": "solved"}}
    assert home.deliver(forged) < 300  # it is kept, and shown
    home.settle()
    assert home.run().status == "waiting"
    status, reason = reasons(home)[-1]
    assert status == "unreadable"
    assert "callback.changed is told by Ringback's own features alone" in reason


def test_nobody_tells_of_a_record_of_another_connection(home: Harness) -> None:
    for kind in sorted(OF_RECORDS):
        home.deliver({"type": kind, "id": kind, "data": {str(EVENT_TYPES[kind].subject): "zendesk:1"}})
    home.settle()
    assert home.rows(tables.events) == []
    assert {status for status, _ in reasons(home)} == {"unreadable"}
    assert all("a record of the connection zendesk" in reason for _, reason in reasons(home))


def test_what_is_theirs_they_may_tell(home: Harness) -> None:
    for number, kind in enumerate([*sorted(EVERYBODYS - {"survey.answered"}), "parcel.lost"]):
        home.deliver({"type": kind, "id": f"e{number}", "data": {"survey": "x"}})
    home.deliver({"type": "ticket.solved", "id": "own", "data": {"ticket": "their-desk:1"}})
    home.settle()
    assert {row.status for row in home.rows(tables.deliveries)} == {"done"}


def test_the_table_knows_every_type() -> None:
    assert EVENT_TYPES.keys() == OURS | OF_RECORDS | EVERYBODYS
    assert not OURS & OF_RECORDS
    assert not EVERYBODYS & (OURS | OF_RECORDS)


def test_an_answer_names_no_invitation_of_ours(home: Harness) -> None:
    home.deliver(answer(1, invitation="an-invitation-of-ours", revision=7, previous="promoter"))
    home.settle()
    [row] = home.rows(tables.responses)
    assert row.invitation_id is None
    data = home.run().facts["event"] if "event" in home.run().facts else home.rows(tables.events)[0].data
    assert (data["revision"], data["previous"]) == (1, None)


FAR = datetime(9999, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize("field", ["time", "answered_at"])
def test_an_answer_of_the_year_9999_counts_as_of_its_arrival(home: Harness, field: str) -> None:
    now = home.clock()
    if field == "time":
        home.deliver({**answer(0), "time": FAR.isoformat()})
    else:
        home.deliver(answer(0, answered_at=FAR.isoformat()))
    home.settle()
    home.clock.move(minutes=1)
    home.deliver(answer(10))
    home.settle()
    first, second = home.rows(tables.responses)
    assert first.answered_at <= now
    assert first.answered_at < second.answered_at
    status, reason = reasons(home)[0]
    assert status == "done"
    assert "9999" in reason
    assert "arrival" in reason


def test_a_clock_that_is_a_little_ahead_is_set_right_without_a_word(home: Harness) -> None:
    home.deliver({**answer(0), "time": (home.clock() + timedelta(seconds=30)).isoformat()})
    home.settle()
    assert home.rows(tables.events)[0].time == home.clock()
    assert reasons(home) == [("done", "")]
