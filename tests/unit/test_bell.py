"""The doorbell: rings are collected, passed on once, and never cost the one who rings."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

import pytest

from connector.runtime.doorbell import Doorbell, effects_queue

PATIENCE = 60  # seconds
_CLOSING = "closing"


class Street:
    """Hears what the bell passes on. ``broken`` makes it raise, as a broker away does; ``gate`` holds it."""

    def __init__(self) -> None:
        self.heard: SimpleQueue[str] = SimpleQueue()
        self.gate = threading.Event()
        self.gate.set()
        self.broken = False

    def __call__(self, queue: str) -> None:
        self.heard.put(queue)
        assert self.gate.wait(PATIENCE)
        if self.broken:
            raise ConnectionError("no broker")

    def next(self) -> str:
        return self.heard.get(timeout=PATIENCE)


@contextmanager
def hung(street: Street) -> Iterator[Doorbell]:
    bell = Doorbell(street)
    try:
        yield bell
    finally:
        street.gate.set()
        bell.close()


def test_a_ring_is_passed_on() -> None:
    street = Street()
    with hung(street) as bell:
        bell.ring("intake")
        assert street.next() == "intake"


def test_many_rings_of_one_queue_while_the_bell_is_busy_become_one() -> None:
    street = Street()
    street.gate.clear()
    with hung(street) as bell:
        bell.ring("intake")
        assert street.next() == "intake"  # the bell is busy with it now
        for _ in range(1000):
            bell.ring("intake", "timers")
        street.gate.set()
        assert sorted([street.next(), street.next()]) == ["intake", "timers"]
        bell.ring(_CLOSING)
        assert street.next() == _CLOSING  # and nothing between


def test_whoever_rings_never_waits_for_a_slow_broker() -> None:
    street = Street()
    street.gate.clear()
    with hung(street) as bell:
        bell.ring("intake")
        street.next()
        bell.ring("timers")  # returns although the first ring is still under way
        street.gate.set()
        assert street.next() == "timers"


def test_whoever_is_away_is_said_once_and_the_bell_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    street = Street()
    street.broken = True
    with hung(street) as bell, caplog.at_level(logging.WARNING):
        for name in ("a", "b", "c"):
            bell.ring(name)
            assert street.next() == name
        street.broken = False
        bell.ring("intake")
        assert street.next() == "intake"
    [said] = [record.getMessage() for record in caplog.records]
    assert said.startswith("the broker, or another process of ours, does not answer (ConnectionError); work is")


def test_a_bell_that_was_closed_stays_silent() -> None:
    street = Street()
    with hung(street) as bell:
        bell.close()
        bell.ring("intake")
        bell.ring()
    with pytest.raises(Empty):
        street.heard.get_nowait()


def test_each_connection_has_a_queue_of_its_own() -> None:
    street = Street()
    with hung(street) as bell:
        bell.ring(*map(effects_queue, ["zendesk", "mail"]))
        assert {street.next(), street.next()} == {effects_queue("zendesk"), effects_queue("mail")}
