"""Every way a callback ticket may live, told late, twice and in any order: nobody is asked twice about one solve, and
nobody about a ticket that is merged, deleted, spam or open again.

The stand-in is the truth. What it would send is kept back and delivered when the example says, as often as it says.
"""

from __future__ import annotations

import heapq
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sandbox.zendesk.errors import ApiError
from tests.support.callbacks import check_requests, detractor, library
from tests.support.house import Harness, a_home

WORKFLOWS = {
    **library("retention-survey", "retention-answered"),
    "open": """\
trigger: {event: survey.answered, if: event.survey == "after-support"}
run: {key: event.response, mode: parallel}
steps:
  - {id: callback, do: ticket.open, with: {connection: zendesk, subject: Call back}}
""",
}
ALIVE = ("solved", "closed")
EXAMPLES = int(os.environ.get("RINGBACK_TEST_EXAMPLES", "15"))
"""How many lives on each database; more for a longer search."""
_numbers = count(1)


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    """One house for all examples of a test: each has a customer and a ticket of its own."""
    with a_home(database_url, **WORKFLOWS) as home:
        home.house.own_users.learn()
        yield home
        check_requests(home)


@dataclass
class Life:
    """One ticket: what really happens to it, what is told of it and when, and what its customer gets."""

    home: Harness
    number: int
    ticket: str
    delays: list[int]
    solves: int = 0
    asked: list[int] = field(default_factory=list)  # after how many solves
    _told: int = 0
    _queue: list[tuple[datetime, int, dict[str, Any] | str]] = field(default_factory=list)

    def plan(self, moves: list[tuple[str, int]]) -> None:
        at = self.home.clock()
        for move, minutes in moves:
            at += timedelta(minutes=minutes)
            self._put(at, move)

    def play(self) -> None:
        while self._queue:
            at, _, what = heapq.heappop(self._queue)
            self.home.clock.now = max(self.home.clock.now, at)
            self.home.tick()
            self._look()
            if isinstance(what, str):
                self._happens(what)
            else:
                self.home.deliver_zendesk(json.dumps(what).encode())
                self.home.settle()
            self._look()
        for hours in (1, 1, 24, 24 * 7):
            self.home.wait(hours=hours)
            self._look()

    def _put(self, at: datetime, what: dict[str, Any] | str) -> None:
        heapq.heappush(self._queue, (at, next(_numbers), what))

    def _happens(self, move: str) -> None:
        """What Zendesk does not allow does not happen."""
        zendesk, before = self.home.world.zendesk, self._status
        zendesk.desk.webhooks.publish = self._hold_back
        try:
            zendesk.act(move, self.ticket, into=self._other)
        except ApiError:
            return
        if self._status in ALIVE and before not in (*ALIVE, "deleted") and not self._is_merged:
            self.solves += 1

    def _hold_back(self, envelope: dict[str, Any]) -> None:
        if envelope["detail"]["id"] != self.ticket:
            return
        for _ in range(1 + self._next_delay() % 2):
            self._put(self.home.clock() + timedelta(minutes=self._next_delay()), envelope)

    def _next_delay(self) -> int:
        self._told += 1
        return self.delays[self._told % len(self.delays)]

    def _look(self) -> None:
        """Of each mail that has just left: is it about a solve that stands, and the first about it?"""
        for _ in self.home.mails(f"c{self.number}@example.com")[len(self.asked) :]:
            assert self._status in ALIVE, f"asked about a ticket that is {self._status}"
            assert not self._is_merged, "asked about a ticket that was merged"
            assert self.solves not in self.asked, "asked twice about one solve"
            self.asked.append(self.solves)

    @property
    def _status(self) -> str:
        return str(self.home.world.zendesk.ticket(self.ticket)["status"])

    @property
    def _is_merged(self) -> bool:
        return "closed_by_merge" in self.home.world.zendesk.ticket(self.ticket)["tags"]

    @property
    def _other(self) -> int:
        zendesk = self.home.world.zendesk
        return int(zendesk.write_in("Other", f"other{self.number}@example.com", "Other", "x")["id"])


def live(home: Harness, moves: list[tuple[str, int]], delays: list[int]) -> Life:
    number = next(_numbers)
    life = Life(home, number, detractor(home, number).ticket_id, delays)
    life.plan(moves)
    life.play()
    return life


NAMES = ["solve", "reopen", "solve", "reopen", "merge", "delete", "restore", "spam", "close", "assign"]
MOVES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from([1, 20, 59, 61, 200])), min_size=2, max_size=6)
DELAYS = st.lists(st.sampled_from([0, 1, 2, 30, 61, 150, 3000]), min_size=3, max_size=12)
SOLVED_TWICE = [("solve", 1), ("reopen", 20), ("solve", 20)]


@given(MOVES, DELAYS)
@example([*SOLVED_TWICE, ("merge", 20)], [0, 61, 2])
@example([*SOLVED_TWICE, ("delete", 59)], [150, 1, 0])
@example([("solve", 1), ("delete", 20), ("restore", 20)], [0, 1, 61])
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_nobody_is_asked_twice_about_a_solve_or_about_a_ticket_that_is_gone(
    home: Harness, moves: list[tuple[str, int]], delays: list[int]
) -> None:
    live(home, moves, delays)


def test_each_solve_that_stands_is_asked_about_once(home: Harness) -> None:
    """Else the test above might hold because nobody is ever asked."""
    told_in_order = [0]
    assert live(home, [("solve", 1), ("reopen", 200), ("solve", 20)], told_in_order).asked == [1, 2]
    assert live(home, SOLVED_TWICE, told_in_order).asked == [2]
    assert live(home, [("solve", 1), ("merge", 20)], told_in_order).asked == []
