"""Records of vendors whose ids look like nobody's that we know: long, with hyphens, or plain numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select

from connector.feedback.base.event_hooks import IncomingEvent
from connector.feedback.crm.record_merges import RecordMerges
from connector.feedback.customers import identity, review_queue
from connector.feedback.customers.record_ids import PLAIN, IdForm, RecordIds
from connector.storage.engine.database import Database
from connector.storage.schema import tables as t
from workflows.events import Event, Person

NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
HUB = RecordIds({"hub": IdForm()})


def known(database: Database, customer: str, value: str) -> None:
    """A customer whose record at the connection "hub" this is."""
    moments = {"created_at": NOW, "updated_at": NOW}
    with database.write() as tx:
        tx.execute(insert(t.customers).values(id=customer, name="Ann", facts={}, known_at={}, **moments))
        tx.execute(insert(t.identities).values(system="hub", value=value, customer_id=customer, gone_at=None))


def rows(database: Database, table: Any) -> list[Any]:
    with database.read() as tx:
        return list(tx.execute(select(table)).all())


def told(database: Database, type_: str, customer: str, value: str, **data: Any) -> None:
    """The event is taken in as any is."""
    event = Event(f"{type_}-{value}", type_, NOW, "hub", data, Person(ids={"hub": value}))
    with database.write() as tx:
        [who] = identity.load(tx, [customer]).values()
        RecordMerges(HUB)(database, tx, [IncomingEvent("e", event, 1, who, data)], NOW)


@pytest.mark.parametrize("value", [GUID, "4711", "CONTACT-2026-00000000000042"])
def test_a_deleted_record_is_gone_whatever_its_id_looks_like(database: Database, value: str) -> None:
    known(database, "c-1", value)
    told(database, "contact.deleted", "c-1", value, contact=value)
    [row] = rows(database, t.identities)
    assert (row.value, row.gone_at) == (value, NOW)


def test_a_record_that_is_merged_into_one_with_a_long_id_makes_two_customers_one(database: Database) -> None:
    known(database, "c-1", GUID)
    known(database, "c-2", GUID[::-1])
    told(database, "contact.merged", "c-1", GUID, contact=GUID, into=GUID[::-1])
    assert [row.id for row in rows(database, t.customers)] == ["c-2"]
    assert {row.value: row.gone_at for row in rows(database, t.identities)} == {GUID: NOW, GUID[::-1]: None}


@pytest.mark.parametrize("record", ["4711", GUID])
def test_a_case_about_another_vendors_records_can_be_decided(database: Database, record: str) -> None:
    known(database, "c-1", "1")
    review_queue.several(database, "other", "c-1", ["99", record], NOW)
    with database.write() as tx:
        [case] = review_queue.listed(tx)
        review_queue.decide(database, tx, case.id, record, "Ada", NOW, ids=PLAIN)
    assert ("other", record) in {(row.system, row.value) for row in rows(database, t.identities)}
