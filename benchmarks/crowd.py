"""A database with a crowd in it: one run as the product made it, copied as often as wanted by bulk SQL.

A copy differs from its pattern where two runs of one workflow would: in ids, keys, subjects and timers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Connection, Integer, LargeBinary, String, Table, bindparam, select, text

from connector.storage.engine.database import Database
from connector.storage.schema import tables as t

NUMBER = "uuuuuuu"
"""Stands in the pattern's texts where its copies have their number. No id of ours holds this letter, before it or
anywhere else."""

_AT_ONCE = 20_000  # copies that one statement makes
_SERIALS = {"id": {"deliveries"}, "seq": {"events"}, "event_seq": {"runs"}, "delivery_id": {"events"}}
_SQLITE = {
    "numbers": "WITH RECURSIVE numbers(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n < :last)",
    "text": "replace(:{0}, '" + NUMBER + "', printf('%07d', n))",
    "json": "{0}",
    "bytes": "CAST({0} AS BLOB)",
    "timer": "strftime('%Y-%m-%d %H:%M:%S.000000', :timer, (n * :step) || ' seconds')",
}
_POSTGRESQL = {
    "numbers": "WITH numbers AS (SELECT generate_series(CAST(:first AS int), CAST(:last AS int)) AS n)",
    "text": "replace(CAST(:{0} AS text), '" + NUMBER + "', lpad(CAST(n AS text), 7, '0'))",
    "json": "CAST({0} AS jsonb)",
    "bytes": "convert_to({0}, 'UTF8')",
    "timer": "CAST(:timer AS timestamptz) + n * CAST(:step AS int) * interval '1 second'",
}
Rows = list[tuple[Table, Mapping[str, Any]]]


def fill(database: Database, run_id: str, numbers: range, timers_from: datetime, spread: timedelta) -> None:
    """Copy a run and all that belongs to it, for each number. The copies' timers are spread evenly over ``spread``."""
    with database.read() as tx:
        rows = _numbered(list(_pattern(tx, run_id)))
    timers = {"timer": timers_from, "step": int(spread.total_seconds() / max(1, numbers.stop))}
    for first in range(numbers.start, numbers.stop, _AT_ONCE):
        part = {"first": first, "last": min(first + _AT_ONCE, numbers.stop) - 1}
        with database.write() as tx:
            for table, row in rows:
                _copy(tx, table, row, timers | part)
    with database.write() as tx:
        _settle(tx)


def analyse(database: Database) -> None:
    """Let the database look at its tables, as a server does by itself once they have grown."""
    with database.write() as tx:
        tx.execute(text("ANALYZE"))


def _pattern(tx: Connection, run_id: str) -> Iterator[tuple[Table, Mapping[str, Any]]]:
    """The rows to copy, those first that others refer to."""
    run = tx.execute(select(t.runs).where(t.runs.c.id == run_id)).one()
    event = tx.execute(select(t.events).where(t.events.c.seq == run.event_seq)).one()
    belonging = [
        (t.customers, t.customers.c.id == run.customer_id),
        (t.identities, t.identities.c.customer_id == run.customer_id),
        (t.deliveries, t.deliveries.c.id == event.delivery_id),
        (t.events, t.events.c.seq == event.seq),
        (t.runs, t.runs.c.id == run_id),
        *((table, table.c.run_id == run_id) for table in (t.waits, t.history, t.effects)),
    ]
    for table, which in belonging:
        for row in tx.execute(select(table).where(which)):
            yield table, {name: each for name, each in row._mapping.items() if each is not None}


def _numbered(rows: Rows) -> Rows:
    """Our own ids, with the number's place at their end. History numbers itself."""
    ids = [row["id"] for _, row in rows if isinstance(row.get("id"), str)]

    def marked(value: Any) -> Any:
        if isinstance(value, str):
            for id_ in ids:
                value = value.replace(id_, id_[: -len(NUMBER)] + NUMBER)
        return value

    plain = [(table, _as_texts(row)) for table, row in rows]
    return [
        (table, {name: marked(each) for name, each in row.items() if (table, name) != (t.history, "id")})
        for table, row in plain
    ]


def _as_texts(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _as_text(each) for name, each in row.items()}


def _as_text(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value)
    return value.decode() if isinstance(value, bytes) else value


def _copy(tx: Connection, table: Table, row: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    words = _SQLITE if tx.dialect.name == "sqlite" else _POSTGRESQL
    values = {name: _value(table, name, words) for name in row}
    made = ", ".join(values.values())
    columns = ", ".join(f'"{name}"' for name in values)
    statement = text(
        f"INSERT INTO {table.name} ({columns}) {words['numbers']} SELECT {made} FROM numbers"  # noqa: S608  # our words
    )
    types = {"timer": t.UtcDateTime(), **{name: _bound_as(table, name) for name in row}}
    wanted = {name: each for name, each in {**row, **given}.items() if name in statement._bindparams}
    kinds = [bindparam(name, type_=types[name]) for name in wanted if name in types]
    tx.execute(statement.bindparams(*kinds), wanted)


def _bound_as(table: Table, name: str) -> Any:
    kind = table.c[name].type
    return String() if isinstance(kind, JSON | LargeBinary) else kind


def _value(table: Table, name: str, words: Mapping[str, str]) -> str:
    """The SQL of a column's value in copy ``n``."""
    kind, numbered = table.c[name].type, words["text"].format(name)
    if (table, name) == (t.runs, "due_at"):
        return words["timer"]
    if table.name in _SERIALS.get(name, ()):
        return f":{name} + n"
    if isinstance(kind, LargeBinary):
        return words["bytes"].format(numbered)
    if isinstance(kind, JSON):
        return words["json"].format(numbered)
    return numbered if isinstance(kind, String) and not isinstance(kind, Integer) else f":{name}"


def _settle(tx: Connection) -> None:
    """PostgreSQL numbers on from where its sequences are; SQLite from the largest number."""
    if tx.dialect.name == "sqlite":
        return
    for table, column in (("deliveries", "id"), ("events", "seq"), ("history", "id")):
        largest = f"SELECT max({column}) FROM {table}"  # noqa: S608  # our words
        tx.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), ({largest}))"))
