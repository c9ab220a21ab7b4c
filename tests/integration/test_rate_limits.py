"""Zendesk's rate limits, kept: thousands of callbacks while others use the account, on a clock that is moved by hand.

The real client asks the real stand-in, which counts as Zendesk does and would refuse; but for the sockets between them.
"""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter
from sqlalchemy import insert
from werkzeug.test import Client, EnvironBuilder

from connector.ids import new_id
from connector.runtime.doorbell import INTAKE
from connector.storage.schema import tables
from sandbox.clock import HandClock
from sandbox.faults import Fault
from sandbox.world import World
from sandbox.zendesk.errors import ApiError
from sandbox.zendesk.limits import Limits
from tests.support.callbacks import check_requests, provision
from tests.support.house import Harness, a_house, answer, config_of

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Limits are counted by the same statements on both databases; the large proof runs on both, the rest need one."""

CALLBACKS = {"sqlite": 2_000, "postgresql": 2_000 if os.environ.get("RINGBACK_TEST_RATES") == "whole" else 400}
"""How many on each database; ``RINGBACK_TEST_RATES=whole`` does all of them on both."""
LOOP = """\
trigger: {event: survey.answered}
run: {key: event.response, mode: parallel}
steps:
  - {id: callback, do: ticket.open, with: {connection: zendesk, subject: "Call {{ event.response_id }}"}}
  - id: show
    if: event.score == 1
    do: ticket.update
    with: {ticket: "{{ steps.callback.ticket }}", tags: [late], custom_fields: {ringback_loop_status: contacted}}
  - {id: score, if: event.score == 0, do: score.write, with: {connection: zendesk}}
"""


NOTE = """\
trigger: {event: note.wanted}
run: {key: event.id, mode: parallel}
steps:
  - {id: note, do: ticket.comment, with: {ticket: "zendesk:TICKET", body: Noted}}
"""


class Inside(BaseAdapter):
    """Hands requests to a WSGI application in this process."""

    def __init__(self, app: Any) -> None:
        super().__init__()
        self._client = Client(app)

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        body = request.body or b""
        data = body.encode() if isinstance(body, str) else body
        headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
        path, _, query = request.path_url.partition("?")
        made = EnvironBuilder(path=path, query_string=query, method=request.method, data=data, headers=headers)
        given = self._client.open(made)
        answer = requests.Response()
        answer.status_code, answer.raw = given.status_code, io.BytesIO(given.get_data())
        answer.headers.update(given.headers)
        answer.url, answer.request = str(request.url), request
        return answer

    def close(self) -> None:
        pass


def on_plan(database_url: str, limits: Limits, plan: str) -> Iterator[Harness]:
    clock = HandClock()
    with World(clock=clock, limits=limits) as world:
        config = config_of(world).replace("plan: unlimited", f"plan: {plan}")
        with a_house(database_url, world, {"loop": LOOP}, clock=clock, config=config) as home:
            session = home.house.connections.helpdesk("zendesk").session  # type: ignore[attr-defined]
            session.mount(world.zendesk_url, Inside(world.zendesk))
            yield home
            check_requests(home)


@pytest.fixture
def enterprise(database_url: str) -> Iterator[Harness]:
    yield from on_plan(database_url, Limits(), "enterprise")


@pytest.fixture
def trial(database_url: str) -> Iterator[Harness]:
    limits = Limits(requests_per_minute=200, ticket_updates_per_minute=20, tickets_per_minute=20)
    yield from on_plan(database_url, limits, "trial")


def answers(home: Harness, scores: list[int]) -> None:
    """So many detractors at once, all of them known to the helpdesk."""
    known = [str(home.world.zendesk.add_user(f"C {n}", f"c{n}@example.com")["id"]) for n in range(20)]
    rows, now = [], home.clock()
    for number, user in enumerate(known):
        customer = {"id": new_id(), "name": f"C {number}", "email": f"c{number}@example.com", "facts": {}}
        rows.append((customer | {"created_at": now, "updated_at": now}, user))
    with home.house.database.write() as tx:
        tx.execute(insert(tables.customers), [row for row, _ in rows])
        named = [{"system": "zendesk", "value": user, "customer_id": row["id"]} for row, user in rows]
        tx.execute(insert(tables.identities), named)
    for number, score in enumerate(scores):
        customer = {"zendesk_user_id": known[number % 20]}
        home.deliver(answer(score, response_id=f"a{number}", customer=customer))
    home.pump(INTAKE)


class Others:
    """Agents and other apps on the same account. Their own refusals would be ours to answer for."""

    def __init__(self, home: Harness, requests_a_minute: int, updates_a_minute: int, seed: int = 1) -> None:
        self._home, self._chance = home, Random(seed)  # noqa: S311 - the same story every time
        self._requests, self._updates = requests_a_minute, updates_a_minute
        self._left: dict[str, int] = {}
        self._minute = -1
        self.refused = 0

    def act(self) -> None:
        now = self._home.clock()
        if self._minute != now.minute:
            self._minute, self._left = now.minute, {"requests": self._requests, "updates": self._updates}
        limiter = self._home.world.zendesk.desk.limiter
        for _ in range(self._some("requests")):
            self._try(lambda: limiter.request(now))
        for _ in range(self._some("updates")):
            self._try(lambda: limiter.ticket_update(1, self._chance.randrange(10**6), now))

    def _some(self, what: str) -> int:
        """In bursts: mostly nothing, sometimes all that is left of their minute."""
        count = self._chance.choice((0, 0, self._left[what] // 3, self._left[what]))
        self._left[what] -= count
        return count

    def _try(self, call: Any) -> None:
        try:
            call()
        except ApiError:
            self.refused += 1


def live(home: Harness, others: Others, seconds: int = 5, most: int = 4_000) -> int:
    """Until all runs are done. → how many seconds it took."""
    for step in range(most):
        others.act()
        home.wait(seconds=seconds)
        if not step % 20 and {run.status for run in home.runs()} == {"succeeded"}:
            return step * seconds
    raise AssertionError(f"not done: {Counter((e.action, e.status, e.error) for e in home.effects())}")


def statuses(home: Harness) -> Counter[int]:
    return Counter(each.status for each in home.world.zendesk.requests)


def test_2000_callbacks_never_exceed_a_limit_while_others_use_the_account(enterprise: Harness) -> None:
    provision(enterprise)
    count = CALLBACKS["sqlite" if enterprise.house.database.is_sqlite else "postgresql"]
    scores = [1 if number % 10 == 0 else 0 if number % 100 == 1 else 3 for number in range(count)]
    answers(enterprise, scores)
    others = Others(enterprise, requests_a_minute=140, updates_a_minute=19)  # their fifth of the account
    live(enterprise, others)
    assert set(statuses(enterprise)) == {200, 201}
    assert others.refused == 0
    tickets = enterprise.world.zendesk.tickets
    assert len({ticket["subject"] for ticket in tickets}) == len(tickets) == count
    assert sum("late" in ticket["tags"] for ticket in tickets) == scores.count(1)


@ON_SQLITE
def test_a_trial_account_gets_its_twenty_tickets_a_minute_and_no_more(trial: Harness) -> None:
    answers(trial, [3] * 100)
    took = live(trial, Others(trial, 30, 0))
    assert set(statuses(trial)) == {200, 201}
    per_minute = Counter(each.at.replace(second=0) for each in trial.world.zendesk.requests if each.method == "POST")
    assert max(per_minute.values()) <= 20
    assert 300 <= took <= 600


@ON_SQLITE
def test_when_others_take_more_than_their_part_we_hear_of_it_and_hold_back(enterprise: Harness) -> None:
    answers(enterprise, [3] * 400)
    others = Others(enterprise, requests_a_minute=450, updates_a_minute=0)  # two thirds of the account
    live(enterprise, others, seconds=2)
    assert set(statuses(enterprise)) <= {200, 201}
    assert len(enterprise.world.zendesk.tickets) == 400


@ON_SQLITE
def test_what_waits_for_its_limit_holds_up_nothing_else(enterprise: Harness) -> None:
    answers(enterprise, [1] * 60)
    enterprise.tick()
    enterprise.wait(seconds=1)
    updated = [each for each in enterprise.effects("ticket.update") if each.status == "done"]
    assert len(updated) < 10
    enterprise.deliver(answer(3, response_id="later", customer={"email": "c1@example.com"}))
    enterprise.wait(seconds=1)
    assert "Call later" in [each["subject"] for each in enterprise.world.zendesk.tickets]


@ON_SQLITE
def test_a_refused_kind_of_request_holds_only_its_kind(enterprise: Harness) -> None:
    headers = {"Retry-After": "40", "x-rate-limit": "700", "x-rate-limit-remaining": "600"}
    refusal = {"status": 429, "headers": headers, "body": {"error": "APIRateLimitExceeded"}}
    enterprise.world.zendesk.faults.add(Fault(path=r"/tickets/\d+", method="PUT", **refusal))
    answers(enterprise, [1, 1])
    enterprise.settle()
    row = enterprise.one(tables.connections, tables.connections.c.name == "zendesk")
    assert row.blocked_until is None
    assert row.spent["!tickets-update"] == (enterprise.clock() + timedelta(seconds=40)).isoformat()
    enterprise.deliver(answer(3, response_id="later", customer={"email": "c1@example.com"}))
    enterprise.settle()
    assert len(enterprise.world.zendesk.tickets) == 3
    enterprise.wait(seconds=41)
    assert {run.status for run in enterprise.runs()} == {"succeeded"}


@ON_SQLITE
def test_one_ticket_is_not_changed_more_often_than_the_vendor_takes_it(enterprise: Harness) -> None:
    ticket = enterprise.world.zendesk.write_in("C", "c@example.com", "Lamp", "Broken")["id"]
    enterprise.install(note=NOTE.replace("TICKET", str(ticket)))
    for number in range(40):
        enterprise.deliver({"type": "note.wanted", "id": f"note-{number}", "data": {}})
    enterprise.pump(INTAKE)
    live(enterprise, Others(enterprise, 0, 0), seconds=10)
    assert set(statuses(enterprise)) == {200}
    assert len(enterprise.world.zendesk.comments(ticket)) == 41
