"""Many rows at once: what is written in bulk is read back as if SQLAlchemy had written it, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from connector.ids import new_id
from connector.storage.engine import bulk
from connector.storage.engine.database import Database
from connector.storage.schema.tables import connections, deliveries, events, identities, writebacks

NOW = datetime(2026, 11, 22, 8, 30, 0, 123456, UTC)

WORDS = [
    "plain", "Zoë Þórsdóttir 🙂", "'; DROP TABLE runs; --", '"quoted" \\ back\nslash\tand {"json": 1}', "%s ?", "",
]  # fmt: skip


def delivery(key: str, **more: Any) -> dict[str, Any]:
    row = {"connection": "shop", "key": key, "received_at": NOW, "content_type": "application/json"}
    return row | {"headers": {}, "body": b"{}", "status": "new"} | more


def an_event(seq: int, data: Any, subject: str | None = None) -> dict[str, Any]:
    row = {"seq": seq, "id": new_id(), "connection": "shop", "external_id": f"e{seq}", "type": "order.shipped"}
    row |= {"subject": subject, "customer_id": None, "time": NOW, "received_at": NOW, "delivery_id": None}
    return row | {"data": data, "decisions": []}


def written(database: Database, table: Any, rows: list[dict[str, Any]], **how: Any) -> int:
    return database.transact(lambda tx: bulk.execute(tx, bulk.Insert(table, **how), rows))


def all_of(database: Database, table: Any) -> list[Any]:
    with database.read() as tx:
        return list(tx.execute(select(table).order_by(*table.primary_key)).all())


@pytest.mark.parametrize("body", [b"", b"\x00\xff'\"\\%s", bytes(range(256)) * 40])
def test_bytes_times_words_and_defaults_come_back_as_they_were(database: Database, body: bytes) -> None:
    rows = [delivery(f"k{place}", body=body, headers={"x": word}) for place, word in enumerate(WORDS)]
    assert written(database, deliveries, rows) == len(WORDS)
    found = all_of(database, deliveries)
    assert [(row.body, row.headers, row.received_at) for row in found] == [(body, {"x": word}, NOW) for word in WORDS]
    assert {(row.reason, row.processed_at) for row in found} == {("", None)}


@pytest.mark.parametrize(
    "data",
    [
        {}, {"a": None, "b": [1, 2.5, True, {"c": "é"}]}, {"big": 2**70, "small": -(2**70)}, {"text": "x" * 100_000},
        {"": "empty name", "1": "a number for a name"}, {"deep": [[[[[{"x": []}]]]]]},
    ],
)  # fmt: skip
def test_json_comes_back_as_it_was(database: Database, data: Any) -> None:
    """Also numbers beyond 64 bits."""
    written(database, events, [an_event(1, data), an_event(2, {"beside": 1})])
    assert [row.data for row in all_of(database, events)] == [data, {"beside": 1}]


def test_both_ways_of_writing_leave_the_same_row(database: Database) -> None:
    one, other = an_event(1, {"a": [None, "ü"]}, "s"), an_event(2, {"a": [None, "ü"]}, "s") | {"external_id": "other"}
    written(database, events, [one])
    with database.write() as tx:
        tx.execute(insert(events), [other])
    first, second = all_of(database, events)
    different = {"seq", "id", "external_id"}
    assert [v for k, v in first._mapping.items() if k not in different] == [
        v for k, v in second._mapping.items() if k not in different
    ]


def test_a_moment_of_any_zone_is_the_same_moment(database: Database) -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    written(database, deliveries, [delivery("a", received_at=elsewhere), delivery("b")])
    assert {row.received_at for row in all_of(database, deliveries)} == {NOW}


def test_a_time_without_a_zone_is_refused_and_nothing_is_written(database: Database) -> None:
    with pytest.raises(ValueError, match="without a zone"):
        written(database, deliveries, [delivery("a"), delivery("b", received_at=NOW.replace(tzinfo=None))])
    assert all_of(database, deliveries) == []


@pytest.mark.services
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_is_too_long_for_its_column_is_refused_and_not_cut(database: Database) -> None:
    with pytest.raises(DBAPIError, match="too long"):
        written(database, deliveries, [delivery("k" * 201)])


@pytest.mark.parametrize("wrong", [NOW, {1, 2}, object()])
def test_what_is_no_json_is_refused(database: Database, wrong: Any) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        written(database, events, [an_event(1, {"x": wrong})])


def test_what_is_known_is_left_out_only_where_that_is_said(database: Database) -> None:
    written(database, deliveries, [delivery("a")])
    again = [delivery("a"), delivery("b"), delivery("b"), delivery("c")]
    with pytest.raises(IntegrityError):
        written(database, deliveries, again)
    assert written(database, deliveries, again, skip_known=True) == 2
    assert sorted(row.key for row in all_of(database, deliveries)) == ["a", "b", "c"]


def test_an_update_touches_only_rows_that_still_are_what_they_were(database: Database) -> None:
    written(database, deliveries, [delivery(key) for key in "abc"])
    numbers = {row.key: row.id for row in all_of(database, deliveries)}
    change = bulk.Update(deliveries, where=("id", "status"), new=("reason", "processed_at"))
    told = [
        {"id": numbers["a"], "status": "new", "reason": "first", "processed_at": NOW},
        {"id": numbers["b"], "status": "done", "reason": "second", "processed_at": NOW},
        {"id": 999, "status": "new", "reason": "third", "processed_at": NOW},
    ]
    assert database.transact(lambda tx: bulk.execute(tx, change, told)) == 1
    assert {row.key: row.reason for row in all_of(database, deliveries)} == {"a": "first", "b": "", "c": ""}


def test_a_column_that_is_raised_counts_up_from_what_it_is(database: Database) -> None:
    row = {"name": "zendesk", "status": "active", "reason": "", "updated_at": NOW}
    written(database, connections, [row])
    change = bulk.Update(connections, where=("name",), new=("reason",), raised=("failures",))
    for reason in ("one", "two"):
        database.transact(lambda tx, why=reason: bulk.execute(tx, change, [{"name": "zendesk", "reason": why}]))
    [found] = all_of(database, connections)
    assert (found.reason, found.failures) == ("two", 2)


def head(response: str, days: int) -> dict[str, Any]:
    place = {"connection": "salesforce", "record": "003", "metric": "nps"}
    return place | {"response_id": response, "answered_at": NOW + timedelta(days=days), "written_at": NOW}


@pytest.mark.parametrize(
    ("batches", "stands"),
    [
        ([[("old", 0)], [("new", 1)]], "new"),
        ([[("new", 1)], [("old", 0)]], "new"),
        ([[("old", 0), ("new", 1), ("older", -1)]], "new"),
        ([[("one", 0)], [("other", 0)]], "other"),
        ([[("one", 0), ("other", 0)]], "other"),
    ],
)
def test_the_newest_stands_whatever_comes_first_or_together(
    database: Database, batches: list[list[tuple[str, int]]], stands: str
) -> None:
    newest = bulk.Upsert(writebacks, keys=("connection", "record", "metric"), newest="answered_at")
    for batch in batches:
        rows = [head(*each) for each in batch]
        database.transact(lambda tx, them=rows: bulk.execute(tx, newest, them))
    [found] = all_of(database, writebacks)
    assert found.response_id == stands


def test_numbers_go_on_from_the_last_and_are_given_once(database: Database) -> None:
    def take(tx: Any) -> list[int]:
        taken = bulk.numbers(tx, events.c.seq, 3)
        bulk.execute(tx, bulk.Insert(events), [an_event(number, {}) for number in taken])
        return taken

    first, second = database.transact(take), database.transact(take)
    assert first == sorted(first)
    assert second == sorted(second)
    assert first[-1] < second[0]
    with database.write() as tx:
        counted = {name: value for name, value in an_event(0, {}).items() if name != "seq"}
        tx.execute(insert(events), [counted])
    assert max(row.seq for row in all_of(database, events)) > second[-1]


def test_no_rows_are_no_statement(database: Database) -> None:
    assert written(database, identities, []) == 0
