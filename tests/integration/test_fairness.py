"""Fairness and backpressure: a flood waits for itself; what others send, ask for or wait for goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table, event

from connector.feedback.base.actions import Effect
from connector.runtime.doorbell import INTAKE, effects_queue
from connector.runtime.effects import claims
from connector.runtime.effects.claims import ClaimPolicy
from connector.runtime.runs.timers import Timers
from connector.storage.engine.database import Database
from connector.storage.flow_control.fair_queue import after, share_out
from connector.storage.schema import tables
from connector.storage.stores import inbox
from sandbox.faults import Effect as Happens
from sandbox.faults import Fault
from tests.support.house import Harness, a_home, answer
from tests.support.house_workflows import OPEN_A_TICKET
from tests.support.processes import PATIENCE

A_SECOND_TICKET = OPEN_A_TICKET.replace("survey.answered", "order.delivered").replace("event.response", "event.id")
PAUSE = """\
trigger: {event: survey.answered}
run: {key: event.response, mode: parallel}
steps:
  - {id: pause, wait: 1 day}
"""


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, tickets=OPEN_A_TICKET, orders=A_SECOND_TICKET) as home:
        yield home


def order(home: Harness, name: str) -> None:
    home.deliver({"type": "order.delivered", "id": name, "data": {"customer": {"email": "a@b.example"}}})


def workflows(home: Harness, effects: list[Effect]) -> list[str]:
    by_id = {row.id: row.workflow for row in home.effects()}
    return [by_id[effect.id] for effect in effects]


def claim(home: Harness, limit: int) -> list[Effect]:
    database, now, who = home.house.database, home.clock(), ClaimPolicy("zendesk", "one")
    calls = database.transact(lambda tx: claims.claim(database, tx, who, now, limit))
    return [effect for call in calls for effect in call]


# --- the rule -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lengths", "limit", "taken"),
    [
        ({"a": 9, "b": 9}, 4, "abab"),
        ({"a": 9, "b": 1}, 4, "abaa"),
        ({"a": 1, "b": 9}, 4, "abbb"),
        ({"a": 9, "b": 9, "c": 9}, 4, "abca"),
        ({"a": 9, "b": 9, "c": 9}, 2, "ab"),
        ({"a": 2, "b": 0, "c": 1}, 9, "aca"),
        ({}, 4, ""),
        ({"a": 9}, 0, ""),
    ],
)
def test_lanes_take_turns_and_what_a_short_one_leaves_goes_to_the_long_ones(
    lengths: dict[str, int], limit: int, taken: str
) -> None:
    rows = {lane: [f"{lane}{place}" for place in range(length)] for lane, length in lengths.items()}
    found = share_out(list(rows), limit, lambda lane, count, taken: rows[lane][len(taken) : len(taken) + count])
    assert sorted(each[0] for each in found) == sorted(taken)
    for lane, own in rows.items():
        assert [each for each in found if each[0] == lane] == own[: taken.count(lane)]


def test_the_turn_goes_round() -> None:
    assert [after(turn, ["a", "c"]) for turn in ("", "a", "b", "c")] == [
        ["a", "c"], ["c", "a"], ["c", "a"], ["a", "c"],
    ]  # fmt: skip


# --- what comes in ------------------------------------------------------------------------------------------


def test_a_flood_from_one_connection_does_not_hold_up_a_delivery_of_another(home: Harness) -> None:
    for _ in range(25):
        home.deliver(answer(3))
    home.ticket_event("ticket_solved", "7")
    with home.house.database.write() as tx:
        ids = [row.id for row in inbox.take_new(tx, 10)]
    flood = home.rows(tables.deliveries, tables.deliveries.c.connection == "survey-platform")
    [single] = home.rows(tables.deliveries, tables.deliveries.c.connection == "zendesk")
    assert ids == [*(row.id for row in flood[:9]), single.id]


def test_a_vendor_that_is_stuck_keeps_nobody_waiting_who_tells_us_something(home: Harness) -> None:
    home.world.zendesk.faults.add(Fault(path="/tickets$", effect=Happens.DELAY, delay=PATIENCE, times=99))
    home.deliver(answer(3))
    home.pump(INTAKE)
    stuck = threading.Thread(target=lambda: home.pump(effects_queue("zendesk")))
    stuck.start()
    try:
        assert [home.deliver(answer(3)) for _ in range(40)] == [200] * 40
        home.pump(INTAKE)
        assert len(home.rows(tables.events)) == 41
        assert {row.status for row in home.rows(tables.deliveries)} == {"done"}
        assert stuck.is_alive()
    finally:
        home.world.zendesk.release()
        stuck.join(PATIENCE)
    assert not stuck.is_alive()


# --- what goes out ------------------------------------------------------------------------------------------


def test_a_flood_of_one_workflow_leaves_another_its_share_of_the_calls(home: Harness) -> None:
    for _ in range(30):
        home.deliver(answer(3))
    home.pump(INTAKE)
    home.clock.move(seconds=1)
    order(home, "o1")
    home.pump(INTAKE)
    assert workflows(home, claim(home, 10)).count("orders") == 1


def test_with_room_for_one_call_the_workflows_take_turns(home: Harness) -> None:
    for number in range(3):
        home.deliver(answer(3))
        order(home, f"o{number}")
    home.pump(INTAKE)
    taken = [name for _ in range(6) for name in workflows(home, claim(home, 1))]
    assert taken in (["orders", "tickets"] * 3, ["tickets", "orders"] * 3)


def test_within_a_workflow_the_oldest_goes_first(home: Harness) -> None:
    for number in range(6):
        home.clock.move(seconds=1)
        home.deliver(answer(3)) if number % 2 else order(home, f"o{number}")
        home.pump(INTAKE)
    by_id = {row.id: (row.workflow, row.due_at) for row in home.effects()}
    taken = [by_id[effect.id] for _ in range(6) for effect in claim(home, 1)]
    for workflow in ("tickets", "orders"):
        ages = [due_at for name, due_at in taken if name == workflow]
        assert (len(ages), ages) == (3, sorted(ages))


def test_a_backlog_of_one_connection_is_nothing_to_the_claims_of_another_and_to_the_sweep(home: Harness) -> None:
    """What each of them reads does not grow with what waits elsewhere: as many statements, as many rows."""
    home.deliver(answer(3))
    home.pump(INTAKE)
    [effect] = home.effects()
    columns = {c.name: getattr(effect, c.name) for c in tables.effects.c}
    many = [columns | {"id": f"copy{n:04}", "key": f"key{n}", "connection": "elsewhere"} for n in range(2000)]
    with home.house.database.write() as tx:
        tx.execute(tables.effects.insert(), many)
    with home.house.database.read() as tx:
        assert claims.due_connections(tx, home.clock()) == {"zendesk", "elsewhere"}
    assert [each.id for each in claim(home, 50)] == [effect.id]


# --- what is waited for -------------------------------------------------------------------------------------


@contextmanager
def a_flood_and_another(database_url: str) -> Iterator[Harness]:
    other = PAUSE.replace("survey.answered", "order.delivered").replace("event.response", "event.id")
    with a_home(database_url, flood=PAUSE, other=other) as home:
        yield home


def timers_of(home: Harness, database: Database | None = None) -> Timers:
    open_desk, calendar = home.house.pumps._outcomes._open_desk, home.house.config.calendar
    return Timers(database or home.house.database, open_desk, calendar, home.clock)


def test_a_flood_of_timers_leaves_another_workflow_its_turn(database_url: str) -> None:
    with a_flood_and_another(database_url) as home:
        for _ in range(12):  # each of an age of its own: among equals nobody is promised a place
            home.deliver(answer(3))
            home.pump(INTAKE)
            home.clock.move(seconds=1)
        order(home, "o1")
        home.pump(INTAKE)
        home.clock.move(days=2)
        assert timers_of(home).take(6)[0] == 6
        assert [run.status for run in home.runs("other")] == ["succeeded"]
        assert [run.status for run in home.runs("flood")] == ["succeeded"] * 5 + ["waiting"] * 7


# --- while others commit ------------------------------------------------------------------------------------


def between_two_questions(database: Database, table: Table, add: Callable[[], Sequence[Mapping[str, Any]]]) -> None:
    """Once rows of the table were taken, and before more are asked for, another worker commits these."""
    waiting = [add]

    def add_them(_connection: Any, _cursor: Any, question: str, *_more: Any) -> None:
        if waiting and f"FROM {table.name}" in question and "SKIP LOCKED" in question:
            rows = waiting.pop()()
            with database.write() as tx:
                tx.execute(table.insert(), list(rows))

    event.listen(database.engine, "after_cursor_execute", add_them)


def copies(table: Table, row: Any, **own: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows like this one, with values of their own."""
    same = {column.name: getattr(row, column.name) for column in table.c}
    return [same | dict(zip(own, values, strict=True)) for values in zip(*own.values(), strict=True)]


@pytest.fixture
def flooded(home: Harness) -> Harness:
    """Nine of one lane and one of another: of eight places four are shared out first, and then three more."""
    for number in range(9):
        order(home, f"o{number}")
    home.deliver(answer(3))
    return home


on_postgresql = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.services)], indirect=True
)  # SQLite has one writer at a time


@on_postgresql
def test_a_call_is_claimed_once_though_earlier_ones_come_meanwhile(flooded: Harness) -> None:
    flooded.pump(INTAKE)
    first = next(row for row in flooded.effects() if row.workflow == "orders")
    before = [first.due_at - timedelta(seconds=1)] * 2
    names = ["one", "two"]
    between_two_questions(
        flooded.house.database,
        tables.effects,
        lambda: copies(tables.effects, first, id=names, key=names, due_at=before),
    )
    claimed = [effect.id for effect in claim(flooded, 8)]
    assert len(set(claimed)) == len(claimed) == 8


@on_postgresql
def test_a_delivery_is_taken_once_though_earlier_ones_come_meanwhile(flooded: Harness) -> None:
    flooded.ticket_event("ticket_solved", "7")
    first = flooded.rows(tables.deliveries)[0]
    between_two_questions(
        flooded.house.database,
        tables.deliveries,
        lambda: copies(tables.deliveries, first, id=[-2, -1], key=["one", "two"]),
    )
    with flooded.house.database.write() as tx:
        taken = [row.id for row in inbox.take_new(tx, 8)]
    assert len(set(taken)) == len(taken) == 8


@on_postgresql
def test_a_timer_is_taken_once_though_earlier_ones_come_meanwhile(database_url: str) -> None:
    with a_flood_and_another(database_url) as home:
        for _ in range(9):
            home.deliver(answer(3))
        order(home, "o1")
        home.pump(INTAKE)
        first, retried = home.runs("flood")[0], list[bool]()
        before = [first.due_at - timedelta(seconds=1)] * 2
        home.clock.move(days=2)
        with closing(Database(database_url, pool_size=2, retried=lambda: retried.append(True))) as database:
            between_two_questions(
                database, tables.runs, lambda: copies(tables.runs, first, id=["one", "two"], due_at=before)
            )
            assert timers_of(home, database).take(8)[0] == 8
    assert retried == []  # a run that is taken twice is a race that is lost, and the batch is done again
