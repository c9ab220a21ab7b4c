"""Traces of visits: what was touched, from which network, and how. They go after thirty days.

A trace is one row per invitation, network, thing and two minutes, however often it was touched, so that no visitor can
fill the table. It holds no address, no agent and nothing that would know a visitor again elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from connector.ids import new_id
from connector.storage.schema.tables import press_traces

SLOT_SECONDS = 120
"""What happens within such a span, counted from midnight, is one row. Shorter than the pause that ends a visit
(``signals.PAUSE``): else one row would bridge it, and a scanner would speak against who comes after it."""

_CLOSED = 100_000_000
"""More slots than there will be: a closed row has a number below zero, and a later touch begins a row of its own."""

_REPORT = re.compile(r"(\d{1,6})\.(\d{1,6})\.(\d{1,9})", re.ASCII)


class Touched(StrEnum):
    """What was touched."""

    PAGE = "page"  # the survey page was fetched
    SCORE = "score"  # the same, by the link of a score; the trace's value is the score
    TRAP = "trap"  # the link that people do not see
    WAY_OUT = "way out"  # the page that asks whether surveys should stop
    SEEN = "seen"  # the page's script noticed a first touch
    GIVEN = "given"  # an answer was saved or sent; the value is the score, empty while there is none
    LEFT = "left"  # the button of the way out was pressed
    CONFIRMED = "confirmed"  # "Yes, that was me" was pressed


ANSWERS = frozenset((Touched.GIVEN,))
PRESSES = frozenset((Touched.SEEN, Touched.GIVEN, Touched.LEFT, Touched.CONFIRMED))
"""What somebody does on a page, in contrast to fetching one."""


@dataclass(frozen=True, slots=True)
class Hand:
    """What the page's script noticed before a press: touches and clicks, keys, and for how long the page was to be
    seen, in milliseconds. Events that a script made itself are not counted."""

    pointers: int
    keys: int
    seen_ms: int

    @property
    def moved(self) -> bool:
        """Whether anybody touched anything while the page could be seen."""
        return self.pointers + self.keys > 0 and self.seen_ms > 0


def read_hand(report: str) -> Hand | None:
    """The script's report, as "3.0.5200"; None where there is none, as from a browser without JavaScript."""
    found = _REPORT.fullmatch(report)
    return Hand(*map(int, found.groups())) if found else None


@dataclass(frozen=True, slots=True)
class Trace:
    """One thing that was touched from one network: first, last, and what was noticed."""

    touched: Touched
    network: str
    first_at: datetime
    last_at: datetime
    value: str = ""
    scanner: bool = False  # by a program that says that it is one
    trapped: bool = False  # with the field filled in that people do not see
    hand: Hand | None = None  # None: no report, which is no sign of anything


def touch(
    touched: Touched, network: str, at: datetime, *,
    value: str = "", scanner: bool = False, trapped: bool = False, hand: Hand | None = None,
) -> Trace:  # fmt: skip
    """A trace of one touch."""
    return Trace(touched, network, at, at, value, scanner, trapped, hand)


def keep(tx: Connection, invitation_id: str, trace: Trace) -> None:
    """Keep it, or add it to the row that is there: one statement."""
    hand = trace.hand
    values = {
        "id": new_id(), "invitation_id": invitation_id, "network": trace.network, "touched": trace.touched.value,
        "value": trace.value, "slot": int(trace.first_at.timestamp()) // SLOT_SECONDS, "times": 1,
        "first_at": trace.first_at, "last_at": trace.last_at, "scanner": trace.scanner, "trapped": trace.trapped,
        "pointers": hand.pointers if hand else None, "strokes": hand.keys if hand else None,
        "seen_ms": hand.seen_ms if hand else None,
    }  # fmt: skip
    tx.execute(_statement(tx.dialect.name), values)


@cache
def _statement(dialect: str) -> Any:
    table: Any = (sqlite if dialect == "sqlite" else postgresql).insert(press_traces)
    c, new = press_traces.c, table.excluded
    return table.values({column.name: bindparam(column.name) for column in c}).on_conflict_do_update(
        index_elements=[c.invitation_id, c.network, c.touched, c.value, c.slot],
        set_={
            "last_at": new.last_at, "times": c.times + 1, "scanner": or_(c.scanner, new.scanner),
            "trapped": or_(c.trapped, new.trapped),
            "pointers": new.pointers, "strokes": new.strokes, "seen_ms": new.seen_ms,
        },
    )  # fmt: skip


def of_invitations(tx: Connection, ids: Iterable[str]) -> dict[str, Sequence[Trace]]:
    """The open traces of each of these invitations, oldest first."""
    c = press_traces.c
    found: dict[str, list[Trace]] = {}
    rows = select(press_traces).where(c.invitation_id.in_(list(ids)), c.slot > 0).order_by(c.first_at, c.id)
    for row in tx.execute(rows):
        found.setdefault(row.invitation_id, []).append(_trace(row))
    return dict(found)


def close(tx: Connection, invitation_id: str, times: int) -> None:
    """What was touched so far speaks against nobody who comes later. ``times``: how often this was said, from 1."""
    c = press_traces.c
    open_ones = update(press_traces).where(c.invitation_id == invitation_id, c.slot > 0)
    tx.execute(open_ones.values(slot=c.slot - times * _CLOSED))


def _trace(row: Any) -> Trace:
    hand = None if row.seen_ms is None else Hand(row.pointers, row.strokes, row.seen_ms)
    return Trace(
        Touched(row.touched), row.network, row.first_at, row.last_at, row.value, row.scanner, row.trapped, hand
    )  # fmt: skip
