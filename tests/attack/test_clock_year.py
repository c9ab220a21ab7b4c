"""A year in which the machine's clock is set again and again: no timer is lost, and none fires twice.

The year is played by a true clock that only goes forward; the house sees the machine's, which is off by whatever it was
set. Orders come all year, each begins a timer of every kind, and each timer says once that it fired.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from connector.runtime.doorbell import INTAKE
from tests.support.house import Harness, a_home

SPANS = {"hours": "6 hours", "days": "3 days", "weeks": "6 weeks", "working": "2 business days"}
_SAY = 'do: alert.send, with: {{to: care-team, text: "{what} {{{{ trigger.id }}}}"}}'
_BEGIN = "trigger: {event: order.delivered}\nrun: {key: event.id, mode: parallel}\nsteps:\n"
TIMERS = {
    name: f"{_BEGIN}  - {{id: pause, wait: {span}}}\n  - {{id: say, {_SAY.format(what=name)}}}\n"
    for name, span in SPANS.items()
}
EITHER_OR = f"""{_BEGIN}  - id: answer
    wait: {{event: order.returned, match: event.order == trigger.id, timeout: 5 days}}
    on_timeout:
      - {{id: late, {_SAY.format(what="either")}}}
      - {{id: end, stop: nobody came}}
  - {{id: came, {_SAY.format(what="either")}}}
"""
AT_ONCE = """trigger: {event: order.called}
run: {key: event.id, mode: parallel}
steps:
  - {id: say, do: alert.send, with: {to: care-team, text: "now {{ trigger.name }}"}}
"""
KINDS = (*SPANS, "either")

HOUR, DAY, YEAR = timedelta(hours=1), timedelta(days=1), timedelta(days=365)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
SET = {
    20: HOUR, 21: -HOUR,  # a wrong hour, and right again
    40: -HOUR, 41: HOUR,
    88: HOUR, 298: -HOUR,  # a machine that keeps summer time by setting its clock
    120: DAY, 122: -DAY,
    150: -DAY, 151: DAY,
    200: YEAR, 201: -YEAR,
    260: -YEAR, 261: YEAR,
}  # fmt: skip
"""On which day of the year the clock is set, and by how much."""


@dataclass
class Year:
    """The true time, the machine's, and what came."""

    home: Harness
    now: datetime = NEW_YEAR
    off: timedelta = timedelta()
    fired: Counter[str] = field(default_factory=Counter)
    at: dict[str, datetime] = field(default_factory=dict)
    _read: int = 0

    def go(self, by: timedelta) -> None:
        """Time goes on; then the scheduler's tick."""
        self.now += by
        self._show()
        self.home.tick()
        self.read()

    def set(self, by: timedelta) -> None:
        """Somebody sets the clock; the next tick comes a second later: ticks go by a clock that only goes forward."""
        self.off += by
        self.go(timedelta(seconds=1))

    def order(self, name: str) -> None:
        self._send("order.delivered", name, {"customer": {"email": "ann@example.com"}})

    def answer(self, name: str) -> None:
        self._send("order.returned", f"{name}-back", {"order": name})

    def ask_for_a_call(self, name: str) -> None:
        """A call that is asked for and not yet made."""
        self.home.deliver({"type": "order.called", "id": f"{name}-now", "data": {"name": name}})
        self.home.pump(INTAKE)

    def _send(self, type_: str, id_: str, data: dict[str, object]) -> None:
        assert self.home.deliver({"type": type_, "id": id_, "data": data}) < 300
        self.home.settle()

    def _show(self) -> None:
        self.home.clock.now = self.now + self.off

    def read(self) -> None:
        mails = self.home.mails("care@acme.example")
        for mail in mails[self._read :]:
            told = mail.text.strip()
            self.fired[told] += 1
            self.at.setdefault(told, self.now)
        self._read = len(mails)


@pytest.fixture
def year(database_url: str) -> Iterator[Year]:
    with a_home(database_url, **TIMERS, either=EITHER_OR, now=AT_ONCE) as home:
        home.clock.now = NEW_YEAR
        home.house.sweep.tick()
        yield Year(home)


def orders(day: int) -> str:
    return f"order-{day:03}"


def was_set_between(first: int, last: int) -> bool:
    return any(first <= day <= last for day in SET)


@pytest.mark.timeout(300)
def test_no_timer_is_lost_none_fires_twice_and_no_call_is_held_up(year: Year) -> None:
    asked = set()
    for day in range(365):
        if day in SET:
            year.ask_for_a_call(f"{orders(day)}")
            year.set(SET[day])
            asked.add(f"now {orders(day)}")
            assert year.fired[f"now {orders(day)}"] == 1, f"a call of day {day} was held up by the clock"
        if day % 2 == 0 or day in SET:
            year.now = NEW_YEAR + day * DAY
            year.go(HOUR)
        if day % 10 == 0:
            year.order(orders(day))
            asked |= {f"{kind} {orders(day)}" for kind in KINDS}
        if day % 20 == 2:  # half of the orders are answered in time
            year.answer(orders(day - 2))
        assert max(year.fired.values(), default=0) <= 1, f"twice by day {day}"
    assert year.off == timedelta()
    for _ in range(14):  # what began in the year ahead ends there: late by the step, and not lost
        year.go(timedelta(days=31))
    assert len(asked) == 37 * len(KINDS) + len(SET)
    assert set(year.fired) == asked
    assert set(year.fired.values()) == {1}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_timer_whose_clock_was_right_all_the_time_fires_at_the_first_tick_after_its_end(year: Year) -> None:
    for day in range(70):
        year.go(DAY)
        if day in SET:
            year.set(SET[day])
        if day % 4 == 0:
            year.order(orders(day))
    for day in range(0, 60, 4):
        began = NEW_YEAR + (day + 1) * DAY
        told = year.at[f"days {orders(day)}"]
        if not was_set_between(day, day + 4):
            assert timedelta(days=3) <= told - began <= timedelta(days=4)
        else:
            assert timedelta(days=2) <= told - began <= timedelta(days=5)
