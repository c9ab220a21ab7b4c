"""From traces to signals: what speaks against a person, each with a name and its words. Pure.

Looks count against whoever pressed only when they belong to the same visit: the same network, without a long pause. A
scanner at the door of an office shares the office's network, and must not speak against who reads the mail later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from connector.feedback.surveys.who_pressed.traces import ANSWERS, PRESSES, Hand, Touched, Trace

PAUSE = timedelta(minutes=3)
"""A longer one ends a visit."""

AT_DELIVERY = timedelta(minutes=2)
"""After the mail was handed over: scanners come from several networks at once, so then all looks are taken together."""

SOON = timedelta(seconds=15)
"""After the hand-over: nobody has got, opened and answered a mail by then."""

SCORES_WITHIN = timedelta(seconds=10)
MOST_OPENED = 2
"""Links of different scores that somebody opens within ``SCORES_WITHIN``, having hit the wrong one first."""
MOST_GIVEN = 3
"""Different scores that a finger gives on the page within ``SCORES_WITHIN``, for the same reason."""
EVERY_SCORE = 4
"""As many links of different scores stand for all of them: the shortest scale has five."""


class Signal(StrEnum):
    """What speaks against a person."""

    SCORES_OPENED = "scores_opened"
    SCORES_GIVEN = "scores_given"
    TRAP_LINK = "trap_link"
    TRAP_FIELD = "trap_field"
    TOO_SOON = "too_soon"
    UNTOUCHED = "untouched"
    EVERY_LINK = "every_link"
    SCANNER_AGENT = "scanner_agent"


WORDS: Mapping[Signal, str] = {
    Signal.SCORES_OPENED: "the links of several different scores were opened within seconds",
    Signal.SCORES_GIVEN: "several different scores were given within seconds",
    Signal.TRAP_LINK: "the link in the mail was opened that people do not see",
    Signal.TRAP_FIELD: "the field on the page was filled in that people do not see",
    Signal.TOO_SOON: "it came within seconds of the mail, and nobody had touched the page",
    Signal.UNTOUCHED: "the page's script ran, and nobody had touched the page",
    Signal.EVERY_LINK: "every link of the mail was opened",
    Signal.SCANNER_AGENT: "it came from a program that says that it visits by itself",
}
"""What each means, for people."""


@dataclass(frozen=True, slots=True)
class Press:
    """A press and what belongs to it. ``own`` are its presses, ``looks`` the looks of the same visit."""

    own: Sequence[Trace]
    looks: Sequence[Trace]
    sent_at: datetime | None  # when the mail was handed over; None: that is not known yet

    @property
    def first_at(self) -> datetime:
        return min(trace.first_at for trace in self.own)

    @property
    def hand(self) -> Hand | None:
        """The latest report of the page's script; None: there is none."""
        told = [trace for trace in self.own if trace.hand is not None]
        return max(told, key=lambda trace: trace.last_at).hand if told else None

    @property
    def is_soon(self) -> bool:
        return self.sent_at is None or self.first_at <= self.sent_at + SOON


def last_press(
    traces: Iterable[Trace], sent_at: datetime | None,
    kinds: frozenset[Touched] = ANSWERS,
) -> Press | None:  # fmt: skip
    """The newest press of these kinds, with its visit; None: there is none."""
    known = list(traces)
    newest = max((t for t in known if t.touched in kinds), key=lambda t: t.last_at, default=None)
    if newest is None:
        return None
    visit = _visit(known, newest)
    own = [trace for trace in visit if trace.touched in kinds]
    looks = [trace for trace in visit if trace.touched not in PRESSES]
    start = min(trace.first_at for trace in own)
    if sent_at is None or start <= sent_at + AT_DELIVERY:
        near = (t for t in known if t.touched not in PRESSES and t.first_at <= newest.last_at + AT_DELIVERY)
        looks = list({id(trace): trace for trace in (*looks, *near)}.values())
    return Press(own, looks, sent_at)


def _visit(known: Iterable[Trace], newest: Trace) -> list[Trace]:
    """What the network of ``newest`` touched before and after it without a long pause."""
    same = sorted((t for t in known if t.network == newest.network), key=lambda t: t.first_at)
    start, end = newest.first_at, newest.last_at
    for trace in reversed(same):
        if trace.last_at >= start - PAUSE and trace.first_at <= end:
            start = min(start, trace.first_at)
    for trace in same:
        if trace.first_at <= end + PAUSE and trace.last_at >= start:
            end = max(end, trace.last_at)
    return [trace for trace in same if trace.last_at >= start and trace.first_at <= end]


def read(press: Press) -> frozenset[Signal]:
    """What speaks against a person having pressed."""
    touched = {trace.touched for trace in press.looks}
    opened = [trace for trace in press.looks if trace.touched is Touched.SCORE]
    hand = press.hand
    found = {
        Signal.SCORES_OPENED: _in_a_burst(opened) > MOST_OPENED,
        Signal.SCORES_GIVEN: _given_at_once(press, hand),
        Signal.TRAP_LINK: Touched.TRAP in touched,
        Signal.TRAP_FIELD: any(trace.trapped for trace in press.own),
        Signal.TOO_SOON: press.is_soon and not (hand and hand.moved),
        Signal.UNTOUCHED: hand is not None and not hand.moved,
        Signal.EVERY_LINK: {Touched.TRAP, Touched.WAY_OUT} <= touched and len(_values(opened)) >= EVERY_SCORE,
        Signal.SCANNER_AGENT: any(trace.scanner for trace in press.own),
    }
    return frozenset(signal for signal, is_there in found.items() if is_there)


def _given_at_once(press: Press, hand: Hand | None) -> bool:
    """Whether more scores were given in a burst than a finger gives. Arrow keys go through a scale quickly."""
    given = [trace for trace in press.own if trace.touched is Touched.GIVEN and trace.value]
    count = _in_a_burst(given)
    return count > MOST_GIVEN and not (hand is not None and hand.keys >= count)


def _in_a_burst(traces: Sequence[Trace]) -> int:
    """How many different values were first touched within ``SCORES_WITHIN``, wherever that span begins."""
    return max((len(_values(_from(traces, each.first_at))) for each in traces), default=0)


def _from(traces: Sequence[Trace], start: datetime) -> list[Trace]:
    return [trace for trace in traces if start <= trace.first_at <= start + SCORES_WITHIN]


def _values(traces: Sequence[Trace]) -> set[str]:
    return {trace.value for trace in traces}
