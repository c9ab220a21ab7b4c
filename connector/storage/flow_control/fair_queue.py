"""Fair shares: when much waits, every lane (a connection's deliveries, a workflow's calls) gets as much as the others.

Within a lane the oldest comes first. Rows are reached through an index that begins with the lane, so that it does not
matter how long a lane is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, bindparam, func, select

from connector.storage.engine.index_skip_scan import IndexSkipScan

T = TypeVar("T")

Take = Callable[[str, int, Sequence[T]], Sequence[T]]
"""(lane, how many, those of it that were taken before) → the oldest others of the lane."""


def share_out(lanes: Sequence[str], limit: int, take: Take[T]) -> list[T]:
    """Up to ``limit`` rows, the lanes by turns. What a short lane leaves of its share goes to the long ones; when there
    are fewer places than lanes, the first lanes get them."""
    taken: dict[str, list[T]] = {lane: [] for lane in lanes}
    hungry, room = list(lanes), limit
    while hungry and room > 0:
        share, odd = divmod(room, len(hungry))
        left = []
        for place, lane in enumerate(hungry):
            count = share + (place < odd)
            found = take(lane, count, taken[lane]) if count else ()
            taken[lane].extend(found)
            room -= len(found)
            left += [lane] if len(found) == count else []
        hungry = left
    return _interleaved(list(taken.values()))


def _interleaved(lanes: Sequence[Sequence[T]]) -> list[T]:
    """The first of each, then the second of each, ..."""
    longest = max(map(len, lanes), default=0)
    return [lane[place] for place in range(longest) for lane in lanes if place < len(lane)]


def after(turn: str, lanes: Iterable[str]) -> list[str]:
    """The lanes, beginning with the one that follows ``turn``."""
    return sorted(lanes, key=lambda lane: (lane <= turn, lane))


class Oldest:
    """The first rows of a lane as ``which`` orders them; those that were taken are left out by their ``id``. Not by
    their number: between two questions others commit, so rows come in before them and go, and the same place is
    another row. Made once; what ``which`` leaves open (``bindparam``) is given with each use."""

    def __init__(self, which: Select[Any], id_: Column[Any]) -> None:
        self._first = which.limit(bindparam("count"))
        self._others = self._first.where(id_.not_in(bindparam("taken", expanding=True)))

    def rows(self, tx: Connection, count: int, taken: Sequence[Row[Any]], **given: Any) -> Sequence[Row[Any]]:
        if not taken:
            return tx.execute(self._first, {**given, "count": count}).all()
        return tx.execute(self._others, {**given, "count": count, "taken": [row.id for row in taken]}).all()


class FairQueue:
    """The lanes among the rows that ``which`` names, and the first moment of all of them: one look into the index for
    each. Made once; what ``which`` leaves open (``bindparam``) is given with each use."""

    def __init__(self, lane: Column[str], moment: Column[datetime], *which: ColumnElement[bool]) -> None:
        self._names = IndexSkipScan(lane, *which)
        self._first = select(func.min(moment)).where(lane == bindparam("lane"), *which)

    def names(self, tx: Connection, **given: Any) -> list[str]:
        return list(self._names.values(tx, **given))

    def oldest(self, tx: Connection, **given: Any) -> datetime | None:
        firsts = [tx.execute(self._first, {**given, "lane": name}).scalar() for name in self.names(tx, **given)]
        return min((first for first in firsts if first is not None), default=None)
