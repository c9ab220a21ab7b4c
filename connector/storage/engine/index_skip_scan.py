"""The different values of an indexed column, by one look into the index for each: DISTINCT would read all of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, bindparam, func, select


class IndexSkipScan:
    """The values of ``column`` among the rows that ``which`` names, in order. An index must begin with the columns
    of ``which`` and then the column. Made once; what ``which`` leaves open (``bindparam``) is given with each use."""

    def __init__(self, column: Column[str], *which: ColumnElement[bool]) -> None:
        self._following = select(func.min(column)).where(column > bindparam("passed"), *which)

    def values(self, tx: Connection, **given: Any) -> Iterator[str]:
        value = ""
        while following := tx.execute(self._following, {**given, "passed": value}).scalar():
            value = following
            yield value


def distinct(tx: Connection, column: Column[str], *which: ColumnElement[bool]) -> Iterator[str]:
    """``IndexSkipScan`` for a question that is asked seldom."""
    return IndexSkipScan(column, *which).values(tx)
