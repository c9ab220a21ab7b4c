"""The line between two processes: words arrive, figures are told, and the other's end is heard."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from connector.cli.serve import process_link
from connector.cli.serve.process_link import RING, ProcessLink
from connector.observe.figures import Shown, told
from connector.runtime.doorbell import Doorbell

PATIENCE = 60  # seconds


class End:
    """One end of a line, and what was heard there."""

    def __init__(self, line: socket.socket) -> None:
        self.heard: SimpleQueue[tuple[str, str]] = SimpleQueue()
        self.ends: SimpleQueue[str] = SimpleQueue()
        self.partner = ProcessLink(line, lambda *said: self.heard.put(said), lambda: self.ends.put("gone"))

    def next(self) -> tuple[str, str]:
        return self.heard.get(timeout=PATIENCE)


@pytest.fixture
def ends() -> Iterator[tuple[End, End]]:
    both = [End(each) for each in socket.socketpair()]
    yield both[0], both[1]
    for each in both:
        each.partner.close()
        assert each.ends.get(timeout=PATIENCE) == "gone"


def test_a_ring_in_one_process_is_heard_in_the_other(ends: tuple[End, End]) -> None:
    web, engine = ends
    bell = Doorbell(web.partner.ring)
    bell.ring("intake", "effects:zendesk")
    assert sorted([engine.next(), engine.next()]) == [(RING, "effects:zendesk"), (RING, "intake")]
    bell.close()


def test_whoever_asks_gets_what_the_other_has_counted(
    ends: tuple[End, End], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_link, "_PATIENCE", PATIENCE)  # a page that misses figures is no fault of a busy machine
    web, engine = ends
    engine.partner.show(lambda: [["effects", 3]])
    assert web.partner.figures() == [["effects", 3]]
    assert engine.partner.figures() == []  # the other has nothing to show yet


def test_the_end_of_the_other_process_is_heard_even_in_the_middle_of_a_word() -> None:
    ours, theirs = socket.socketpair()
    end = End(ours)
    theirs.sendall(b'["ring", "intake"]\n["ring", "tim')
    theirs.close()
    assert end.ends.get(timeout=PATIENCE) == "gone"
    assert end.next() == (RING, "intake")
    assert end.partner.figures() == []
    with pytest.raises(OSError):  # noqa: PT011 - its number differs with the moment
        end.partner.ring("intake")


# --- the page of both


def counted(effects: int) -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("ringback_effects", "Effects.", ("connection",), registry=registry).labels("zendesk").inc(effects)
    Histogram("ringback_call_seconds", "Calls.", registry=registry, buckets=(1,)).observe(effects)
    return registry


def page(shown: Shown) -> Any:
    registry = CollectorRegistry()
    registry.register(shown)
    return registry


def test_one_process_shows_its_figures_as_they_are() -> None:
    shown = page(Shown(counted(2)))
    assert shown.get_sample_value("ringback_effects_total", {"connection": "zendesk"}) == 2


def test_processes_are_told_apart_on_one_page() -> None:
    shown = Shown(counted(0))
    shown.beside("web", lambda: [("engine", told(counted(2)))])
    both = page(shown)
    for process, number in (("web", 0), ("engine", 2)):
        labels = {"connection": "zendesk", "process": process}
        assert both.get_sample_value("ringback_effects_total", labels) == number
        assert both.get_sample_value("ringback_call_seconds_sum", {"process": process}) == number
    assert generate_latest(both).count(b"# TYPE ringback_effects_total counter") == 1


def test_a_process_that_does_not_answer_is_left_out() -> None:
    shown = Shown(counted(5))
    shown.beside("web", list)
    assert page(shown).get_sample_value("ringback_effects_total", {"connection": "zendesk", "process": "web"}) == 5
