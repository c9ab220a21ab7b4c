"""The machine's clock steps, forward and back, by an hour and by a year: work goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import requests
from apscheduler.schedulers import base
from sqlalchemy import update

from connector.observe.backlog import read_backlog
from connector.observe.stored import check_senders_clocks, check_work
from connector.runtime.jobs import scheduler
from connector.runtime.jobs.job import Job
from connector.storage.schema import tables
from tests.integration.test_door import served
from tests.support.house import Harness, a_home, answer, signed_inbound
from tests.support.processes import until

PATIENCE = 5  # seconds

TELL = """\
trigger: {event: survey.answered}
run: {key: event.response_id, mode: parallel}
steps:
  - {id: tell, do: alert.send, with: {to: care-team, text: "{{ event.response_id }}"}}
"""


class WallClock(datetime):
    """The machine's clock as the scheduler reads it, some time off."""

    off = timedelta()

    @classmethod
    def now(cls, tz=None):  # type: ignore[no-untyped-def]
        return datetime.now(tz) + cls.off


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[WallClock]]:
    monkeypatch.setattr(base, "datetime", WallClock)
    monkeypatch.setattr("apscheduler.triggers.interval.datetime", WallClock)
    monkeypatch.setattr(scheduler, "datetime", WallClock, raising=False)
    yield WallClock
    WallClock.off = timedelta()


class Ticks:
    """Counts ticks; ``more`` says whether there come some more."""

    def __init__(self) -> None:
        self._ticked = threading.Semaphore(0)

    def __call__(self) -> None:
        self._ticked.release()

    def more(self) -> bool:
        while self._ticked.acquire(blocking=False):
            pass
        return all(self._ticked.acquire(timeout=PATIENCE) for _ in range(3))


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(days=1), timedelta(days=365)])
def test_the_clock_steps_forward_and_back_and_the_ticks_go_on(wall: type[WallClock], step: timedelta) -> None:
    ticks = Ticks()
    ticker = scheduler.Ticker([Job(name="tick", run=ticks, every=0.05)])
    ticker.start()
    try:
        assert ticks.more()
        wall.off = step
        assert ticks.more()
        wall.off = timedelta()
        assert ticks.more()
        wall.off = -step
        assert ticks.more()
    finally:
        ticker.stop()


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, tell=TELL) as home:
        home.house.sweep.tick()
        yield home


def told(home: Harness) -> list[str]:
    return sorted(mail.text.strip() for mail in home.mails("care@acme.example"))


STEPS = pytest.mark.parametrize("step", [{"hours": 1}, {"days": 365}])


def _step(home: Harness, step: dict[str, float], way: int) -> None:
    home.clock.move(**{unit: way * value for unit, value in step.items()})


@STEPS
def test_calls_that_were_asked_for_in_the_wrong_hour_leave_when_the_clock_is_right_again(
    home: Harness, step: dict[str, float]
) -> None:
    _step(home, step, 1)
    home.house.sweep.tick()
    home.deliver(answer(3, response_id="r1"))
    home.pump("intake")
    _step(home, step, -1)
    home.tick()
    assert told(home) == ["r1"]


@STEPS
def test_a_rate_that_was_counted_in_the_wrong_hour_holds_nobody_up(home: Harness, step: dict[str, float]) -> None:
    _step(home, step, 1)
    home.house.sweep.tick()
    ahead = {"budget_until": home.clock() + timedelta(seconds=5), "blocked_until": home.clock() + timedelta(seconds=5)}
    row = {"name": "mail", "status": "active", "reason": "", "updated_at": home.clock(), **ahead}
    with home.house.database.write() as tx:
        tx.execute(tables.connections.insert().values(row))
    _step(home, step, -1)
    home.house.sweep.tick()
    home.deliver(answer(3, response_id="r1"))
    home.settle()
    assert told(home) == ["r1"]


@STEPS
def test_a_call_whose_process_died_in_the_wrong_hour_is_given_back_after_one_lease(
    home: Harness, step: dict[str, float]
) -> None:
    _step(home, step, 1)
    home.house.sweep.tick()
    home.deliver(answer(3, response_id="r1"))
    home.pump("intake")
    lost = {"status": "performing", "lease_until": home.clock() + timedelta(seconds=60), "epoch": 1}
    with home.house.database.write() as tx:
        tx.execute(update(tables.effects).values(lost))
    _step(home, step, -1)
    home.wait(seconds=1)
    home.wait(seconds=61)
    [effect] = home.effects()
    assert effect.status != "performing"


def test_work_that_is_late_shows_in_readyz_and_doctor(home: Harness) -> None:
    assert home.client.get("/readyz").status_code == 200
    home.deliver(answer(3, response_id="r1"))
    home.clock.move(seconds=31)
    said = home.client.get("/readyz")
    assert (said.status_code, said.get_json()["status"]) == (503, "not ready")
    assert "31 s" in said.get_json()["why"]
    with home.house.database.read() as tx:
        backlog = read_backlog(tx, {}, lambda _name: None, home.clock())
    [late] = check_work(backlog, home.clock())
    assert "wait to be understood" in late.says
    home.tick()
    assert home.client.get("/readyz").status_code == 200


@pytest.mark.parametrize(("off", "said"), [({"hours": 1}, "3600 s behind"), ({"hours": -1}, "3600 s ahead of")])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_genuine_webhooks_that_a_wrong_clock_refuses_are_told_by_the_doctor(
    home: Harness, off: dict[str, float], said: str
) -> None:
    body, right = b'{"type": "survey.answered"}', home.clock()
    home.clock.move(**off)
    with served(home) as port:
        headers = signed_inbound(body, "r1", right)
        refused = requests.post(f"http://127.0.0.1:{port}/webhooks/survey-platform", body, headers=headers, timeout=30)
        assert refused.status_code == 401
        until(lambda: clocks(home), "the doctor's word on the clock")
    [told] = clocks(home)
    assert said in told
    home.clock.now = right
    assert clocks(home) == []


def clocks(home: Harness) -> list[str]:
    with home.house.database.read() as tx:
        return [each.says for each in check_senders_clocks(tx, home.clock())]
