"""One customer's moments on one line, newest first: surveys, answers, callbacks, tickets, messages, opt-outs.

What happened stands in several tables; each is a ``TimelineSource`` that reads a page of it by the customer's index,
and the pages are merged. So a page costs one query a source, however long the line is, and a cursor finds the place
again when new moments have arrived meanwhile.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_

from connector.feedback.base.timeline_source import TimelineSource


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """One moment. ``kind`` says which ``details`` it has; see the source of that kind."""

    at: datetime
    kind: str
    id: str
    details: Mapping[str, Any]
    place: int = field(default=0, compare=False)  # which source, for the order of what happened at once


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """A part of the line. ``next`` finds what follows; None: there is nothing older."""

    items: tuple[TimelineItem, ...]
    next: str | None


class CursorError(ValueError):
    """A cursor that none of our pages gave."""


_Cursor = tuple[datetime, int, str]


class Timeline:
    """The line, made of ``sources``. Their order is that of moments at the same time, and their place stands in
    cursors: a new one belongs at the end."""

    def __init__(self, sources: Sequence[TimelineSource]) -> None:
        self._sources = tuple(sources)

    def page(self, tx: Connection, customer_id: str, limit: int, before: str | None = None) -> TimelinePage:
        """``limit`` moments of the customer, from ``before`` (the page before's ``next``) on. Raises CursorError."""
        cursor = _read_cursor(before, len(self._sources)) if before else None
        parts = [
            list(_part(tx, place, source, customer_id, limit + 1, cursor)) for place, source in enumerate(self._sources)
        ]
        found = list(islice(heapq.merge(*parts, key=_order, reverse=True), limit + 1))
        more = len(found) > limit
        return TimelinePage(tuple(found[:limit]), _write_cursor(found[limit - 1]) if more else None)


def _part(
    tx: Connection, place: int, source: TimelineSource, customer_id: str, limit: int, cursor: _Cursor | None
) -> Iterator[TimelineItem]:
    mine = source.rows.where(source.customer == customer_id)
    if cursor:
        mine = mine.where(_older(source, place, cursor))
    for row in tx.execute(mine.order_by(source.at.desc(), source.id.desc()).limit(limit)):
        yield TimelineItem(row._mapping[source.at], source.kind, row._mapping[source.id], source.tell(row), place)


def _older(source: TimelineSource, place: int, cursor: _Cursor) -> ColumnElement[bool]:
    """What comes after the cursor. Of one moment's items those of later sources come later."""
    at, its_place, id_ = cursor
    if place > its_place:
        return source.at <= at
    if place < its_place:
        return source.at < at
    return and_(source.at <= at, or_(source.at < at, source.id < id_))


def _order(item: TimelineItem) -> tuple[datetime, int, str]:
    return (item.at, -item.place, item.id)


def _write_cursor(item: TimelineItem) -> str:
    return f"{item.at.astimezone(UTC):%Y%m%dT%H%M%S.%f}-{item.place}-{item.id}"


def _read_cursor(text: str, places: int) -> _Cursor:
    try:
        at, place, id_ = text.split("-", 2)
        moment = datetime.strptime(at, "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)
        if not (place.isascii() and place.isdigit() and int(place) < places and id_.isascii() and id_.isalnum()):
            raise ValueError(text)
    except (ValueError, OverflowError) as error:
        raise CursorError(text) from error
    return moment, int(place), id_
