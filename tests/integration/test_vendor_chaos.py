"""Vendors that refuse, limit, fail and fall silent, each at one request in five: nothing is lost, nothing is done
twice, and no vendor is asked more often than was agreed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from sandbox.clock import HandClock
from sandbox.faults import Effect, Fault
from sandbox.world import World
from tests.support.house import Harness, a_house, answer, config_of

SHARE = 0.2
A_MINUTE = timedelta(minutes=1)
PER_MINUTE, BURST = 60, 5  # requests; the burst is what five seconds allow

LIMITED = Fault(path="", status=429, headers={"Retry-After": "20"})
FAILED = Fault(path="", status=500, body={"error": "InternalError"})
DONE_AND_SILENT = Fault(path="", effect=Effect.COMMIT_THEN_DROP)
RESET = Fault(path="", effect=Effect.DROP_BEFORE)

WORKFLOW = """\
trigger: {event: survey.answered}
run: {key: event.response, mode: parallel}
steps:
  - id: callback
    do: ticket.open
    with: {connection: zendesk, subject: "Call {{ event.response_id }}"}
    retry: {attempts: 50, longest: 10 minutes}
  - id: note
    do: ticket.comment
    with: {ticket: "{{ steps.callback.ticket }}", body: "Noted {{ event.response_id }}."}
    retry: {attempts: 50, longest: 10 minutes}
  - id: score
    do: score.write
    with: {connection: salesforce}
    retry: {attempts: 50, longest: 10 minutes}
"""


class Storm:
    """A fault plan that rolls the dice for each request; asking for a token is left in peace."""

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self._faults, self._chance = faults, Random(seed)  # noqa: S311  # it has to be the same again
        self.seen = Counter[Fault]()

    def take(self, _method: str, path: str) -> Fault | None:
        place = int(self._chance.random() / SHARE)
        if "oauth" in path or place >= len(self._faults):
            return None
        self.seen[self._faults[place].effect, self._faults[place].status] += 1  # type: ignore[index]
        return self._faults[place]


@pytest.mark.parametrize(
    ("faults", "count"),
    [([LIMITED], 12), ([FAILED], 12), ([DONE_AND_SILENT], 12), ([RESET], 12),
     ([LIMITED, FAILED, DONE_AND_SILENT, RESET], 20)],
    ids=["limited", "failing", "silent", "resetting", "all of it"],
)  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_whatever_the_vendors_do_each_answer_is_handled_once(
    database_url: str, faults: Sequence[Fault], count: int
) -> None:
    _weather_the_storm(database_url, faults, count)


@pytest.mark.services
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_on_postgresql_too(database_url: str) -> None:
    _weather_the_storm(database_url, [LIMITED, FAILED, DONE_AND_SILENT, RESET], 10)


def _weather_the_storm(database_url: str, faults: Sequence[Fault], count: int) -> None:
    clock = HandClock()
    with World(clock=clock) as world:
        calm = config_of(world)
        careful = calm.replace("    kind: zendesk\n", f"    kind: zendesk\n    requests_per_minute: {PER_MINUTE}\n")
        with a_house(database_url, world, {"storm": WORKFLOW}, clock=clock, config=careful) as home:
            storms = [Storm(faults, 1), Storm(faults, 2)]
            world.zendesk.gateway.faults, world.salesforce.gateway.faults = storms  # type: ignore[assignment]
            _answer(home, count)
            _until_all_is_done(home)
            assert len(storms[0].seen) == len(faults), "the storm was too short to prove anything"
            _expect_each_once(home, count)
            _expect_the_pace_was_kept(home)


def _answer(home: Harness, count: int) -> None:
    for number in range(count):
        home.world.salesforce.add_contact("Jansen", f"p{number}@example.com")
        home.deliver(answer(3, response_id=f"a{number}", email=f"p{number}@example.com"))


def _until_all_is_done(home: Harness) -> None:
    home.settle()
    for _ in range(2000):
        if {run.status for run in home.runs()} == {"succeeded"}:
            return
        home.wait(seconds=15)
    raise AssertionError(f"not done: {Counter((e.action, e.status, e.error) for e in home.effects())}")


def _expect_each_once(home: Harness, count: int) -> None:
    tickets = home.world.zendesk.tickets
    assert sorted(ticket["subject"] for ticket in tickets) == sorted(f"Call a{number}" for number in range(count))
    for ticket in tickets:
        words = [each["body"] for each in home.world.zendesk.comments(ticket["id"])]
        assert words[1:] == [f"Noted {ticket['subject'].removeprefix('Call ')}."]
    assert [contact["NPS_Score__c"] for contact in home.world.salesforce.contacts] == [3] * count


def _expect_the_pace_was_kept(home: Harness) -> None:
    """In no minute, wherever it begins, were there more requests than a minute and the burst allow."""
    moments = [each.at for each in home.world.zendesk.requests if "oauth" not in each.path]
    most = max(_within_a_minute(moments, begin) for begin in moments)
    assert most <= PER_MINUTE + BURST


def _within_a_minute(moments: Sequence[Any], begin: Any) -> int:
    return sum(begin <= moment < begin + A_MINUTE for moment in moments)
