"""Many rows with one statement, in the fewest words: the writes of the hot path.

SQLAlchemy's own way of executing with many rows turns every value of every row through its machinery, which costs
more than the database does. Here a table's columns say once how their values are written; then SQLite takes the rows
as tuples, and PostgreSQL all of them as one JSON text, in a statement that works on the whole set.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Column, Connection, LargeBinary, Table
from sqlalchemy import types as sql
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from connector.storage.engine import json_codec
from connector.storage.schema.tables import UtcDateTime

Row = Mapping[str, Any]
_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
_Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Insert:
    """New rows; ``skip_known``: those that a unique column refuses are left out in silence. Each row gives
    the same columns; a column no row gives takes its default."""

    table: Table
    skip_known: bool = False


@dataclass(frozen=True, slots=True)
class Upsert:
    """New rows, or where the ``keys`` are known new values of the other columns, unless ``newest`` of the stored row is
    greater. Of several rows with the same keys the one with the greatest ``newest`` counts."""

    table: Table
    keys: tuple[str, ...]
    newest: str


@dataclass(frozen=True, slots=True)
class Update:
    """New values of the ``new`` columns where the ``where`` columns equal those given; ``raised`` ones count up."""

    table: Table
    where: tuple[str, ...]
    new: tuple[str, ...]
    raised: tuple[str, ...] = ()


Bulk = Insert | Upsert | Update


def execute(tx: Connection, statement: Bulk, rows: Sequence[Row]) -> int:
    """Execute for all rows; → how many rows of the table it touched."""
    if not rows:
        return 0
    if isinstance(statement, Upsert):
        rows = _newest(statement, rows)
    run = _on_sqlite if tx.dialect.name == "sqlite" else _on_postgresql
    return run(tx, statement, rows)


def numbers(tx: Connection, column: Column[Any], count: int) -> list[int]:
    """The next ``count`` numbers of a column that counts by itself, taken; in a write transaction."""
    table = column.table.name
    if tx.dialect.name == "sqlite":  # its writer is alone
        last = tx.exec_driver_sql(f"SELECT max({column.name}) FROM {table}").scalar() or 0  # noqa: S608  # names of ours
        return list(range(last + 1, last + 1 + count))
    taken = "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)"
    return sorted(tx.exec_driver_sql(taken, (table, column.name, count)).scalars())


def _on_sqlite(tx: Connection, statement: Bulk, rows: Sequence[Row]) -> int:
    names = _names(statement, rows[0])
    columns = [_written(statement.table.c[name], _sqlite_form, rows) for name in names]
    return tx.exec_driver_sql(_sqlite_text(statement, names), list(zip(*columns, strict=True))).rowcount


def _on_postgresql(tx: Connection, statement: Bulk, rows: Sequence[Row]) -> int:
    names = _names(statement, rows[0])
    columns = [_written(statement.table.c[name], _json_form, rows) for name in names]
    told = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    return tx.exec_driver_sql(_postgresql_text(statement, names), (json_codec.dumps(told),)).rowcount


def _names(statement: Bulk, row: Row) -> tuple[str, ...]:
    if isinstance(statement, Update):
        return (*statement.new, *statement.where)
    return (*row, *(name for name in _defaults(statement.table) if name not in row))


@cache
def _defaults(table: Table) -> Mapping[str, Any]:
    """What columns hold when a row does not say: the same for every row."""
    return {str(c.name): c.default.arg for c in table.c if isinstance(c.default, ScalarElementColumnDefault)}


def _newest(statement: Upsert, rows: Sequence[Row]) -> Sequence[Row]:
    """PostgreSQL refuses to change a row twice in one statement."""
    best: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        place = tuple(row[key] for key in statement.keys)
        if place not in best or row[statement.newest] >= best[place][statement.newest]:
            best[place] = row
    return list(best.values())


def _written(column: Column[Any], form: Callable[[Column[Any]], _Convert | None], rows: Sequence[Row]) -> list[Any]:
    """One column's values, as the database takes them."""
    default = _defaults(column.table).get(column.name)
    values = [row.get(column.name, default) for row in rows]
    convert = form(column)
    return [convert(value) for value in values] if convert else values


# --- how values are written ---------------------------------------------------------------------------------------


@cache
def _sqlite_form(column: Column[Any]) -> _Convert | None:
    if isinstance(column.type, UtcDateTime):
        return _sqlite_moment
    if isinstance(column.type, sql.JSON):
        return lambda value: None if value is None else json_codec.dumps(value)
    return None


@cache
def _json_form(column: Column[Any]) -> _Convert | None:
    if isinstance(column.type, UtcDateTime):
        return _json_moment
    if isinstance(column.type, LargeBinary):
        return lambda value: base64.b64encode(value).decode()
    return None


@lru_cache(maxsize=4096)
def _sqlite_moment(value: datetime | None) -> str | None:
    """As SQLAlchemy's DATETIME reads it. A batch writes the same moment many times."""
    utc = _utc(value)
    return None if utc is None else utc.replace(tzinfo=None).isoformat(" ", "microseconds")


@lru_cache(maxsize=4096)
def _json_moment(value: datetime | None) -> str | None:
    utc = _utc(value)
    return None if utc is None else utc.isoformat()


def _utc(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is UTC:
        return value
    if value.tzinfo is None:
        raise ValueError(f"a time without a zone: {value!r}")
    return value.astimezone(UTC)


# --- the statements -----------------------------------------------------------------------------------------------


@cache
def _sqlite_text(statement: Bulk, names: tuple[str, ...]) -> str:
    if isinstance(statement, Update):
        changes = [f"{_quoted(name)} = ?" for name in statement.new]
        changes += [f"{_quoted(name)} = {_quoted(name)} + 1" for name in statement.raised]
        same = " AND ".join(f"{_quoted(name)} = ?" for name in statement.where)
        return f"UPDATE {statement.table.name} SET {', '.join(changes)} WHERE {same}"  # noqa: S608  # names of ours
    into = f"INSERT INTO {statement.table.name} ({', '.join(map(_quoted, names))})"
    return f"{into} VALUES ({', '.join('?' * len(names))}){_on_conflict(statement, names)}"


@cache
def _postgresql_text(statement: Bulk, names: tuple[str, ...]) -> str:
    source = f"json_to_recordset(%s::json) AS r({', '.join(_typed(statement.table.c[name]) for name in names)})"
    given = {name: _from_json(statement.table.c[name]) for name in names}
    if isinstance(statement, Update):
        changes = [f"{_quoted(name)} = {given[name]}" for name in statement.new]
        changes += [f"{_quoted(name)} = t.{_quoted(name)} + 1" for name in statement.raised]
        same = " AND ".join(f"t.{_quoted(name)} = {given[name]}" for name in statement.where)
        return f"UPDATE {statement.table.name} AS t SET {', '.join(changes)} FROM {source} WHERE {same}"  # noqa: S608
    into = f"INSERT INTO {statement.table.name} ({', '.join(map(_quoted, names))})"
    return f"{into} SELECT {', '.join(given.values())} FROM {source}{_on_conflict(statement, names)}"  # noqa: S608


def _on_conflict(statement: Insert | Upsert, names: Sequence[str]) -> str:
    if isinstance(statement, Insert):
        return " ON CONFLICT DO NOTHING" if statement.skip_known else ""
    changes = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in names if name not in statement.keys)
    newest = f"{statement.table.name}.{_quoted(statement.newest)} <= excluded.{_quoted(statement.newest)}"
    return f" ON CONFLICT ({', '.join(map(_quoted, statement.keys))}) DO UPDATE SET {changes} WHERE {newest}"


def _typed(column: Column[Any]) -> str:
    """Text without a length: too long a value is refused by the table, and not cut here."""
    if isinstance(column.type, (LargeBinary, sql.String)):
        return f"{_quoted(column.name)} text"
    return f"{_quoted(column.name)} {column.type.compile(_POSTGRESQL)}"


def _from_json(column: Column[Any]) -> str:
    name = f"r.{_quoted(column.name)}"
    return f"decode({name}, 'base64')" if isinstance(column.type, LargeBinary) else name


def _quoted(name: str) -> str:
    """"key" and "time" are words of SQL."""
    return f'"{name}"'
