"""Who a record in the CRM is today: its account, the record it was merged into, what its person allows.

Kept for a day, so that an answer costs no look-up of its own; asked for many at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select, update

from connector.feedback.base.event_hooks import IncomingEvent
from connector.feedback.consent import consents
from connector.storage.engine import bulk
from connector.storage.engine.database import Database
from connector.storage.schema.tables import crm_people
from integrations.protocols import CrmPerson, CrmRecords

GOOD_FOR = timedelta(days=1)
"""So long what was seen of a person is believed; a write that fails for it, or an event, ends it sooner."""

_LONG = 8
"""Records merged into one another: more steps than this are a circle."""

_NEVER = timedelta(days=36_500)
_SEEN = bulk.Upsert(crm_people, keys=("connection", "record"), newest="seen_at")
_KNOWN = select(crm_people).where(
    crm_people.c.connection == bindparam("connection"),
    or_(
        crm_people.c.record.in_(bindparam("records", expanding=True)),
        crm_people.c.merged_into.in_(bindparam("records", expanding=True)),
    ),
)
_OF_ACCOUNTS = select(crm_people).where(
    crm_people.c.connection == bindparam("connection"),
    crm_people.c.account.in_(bindparam("accounts", expanding=True)),
)


@dataclass(frozen=True, slots=True)
class CurrentRecord:
    """The people of a batch: by the record that was asked for, the living one; and those that are gone for good."""

    living: Mapping[str, CrmPerson]
    gone: frozenset[str]


def find(database: Database, connection: str, crm: CrmRecords, records: Iterable[str], now: datetime) -> CurrentRecord:
    """The people of these records, asked for where we do not know them well enough. Raises IntegrationError."""
    wanted = {crm.canonical_id(record) for record in records}
    known: dict[str, CrmPerson] = {}
    asked: set[str] = set()
    for _ in range(_LONG):
        ahead = {each.merged_into for each in known.values() if each.merged_into} | wanted
        with database.read() as tx:
            known |= seen(tx, connection, ahead - known.keys(), now - GOOD_FOR)
        missing = ahead - known.keys() - asked
        if not missing:
            break
        asked |= missing
        told = crm.people(sorted(missing))
        keep(database, connection, told, now)
        known |= {each.record: each for each in told}
    return _followed(wanted, known)


def _followed(wanted: Iterable[str], known: Mapping[str, CrmPerson]) -> CurrentRecord:
    living: dict[str, CrmPerson] = {}
    for record in wanted:
        person = known.get(record)
        for _ in range(_LONG):
            if person is None or not person.merged_into:
                break
            person = known.get(person.merged_into)
        if person is not None and not person.gone and not person.merged_into:
            living[record] = person
    return CurrentRecord(living, frozenset(wanted) - living.keys())


def seen(tx: Connection, connection: str, records: Iterable[str], since: datetime) -> dict[str, CrmPerson]:
    """What was seen of these records after ``since``."""
    if not (asked := list(records)):
        return {}
    rows = tx.execute(_KNOWN, {"connection": connection, "records": asked})
    return {row.record: _person(row) for row in rows if row.record in set(asked) and row.seen_at > since}


def keep(database: Database, connection: str, people: Sequence[CrmPerson], now: datetime) -> None:
    """Remember what was seen, and what the people allow."""
    rows = [_row(connection, each, now) for each in people]

    def write(tx: Connection) -> None:
        bulk.execute(tx, _SEEN, rows)
        consents.learn(tx, connection, people, now)

    if rows:
        database.transact(write, lasting=False)


def forget(tx: Connection, connection: str, records: Iterable[str], now: datetime) -> None:
    """Ask again before the next use: something about these records (canonical ids) has changed."""
    c = crm_people.c
    which = update(crm_people).where(c.connection == connection, c.record.in_(list(records)))
    tx.execute(which.values(seen_at=now - _NEVER))


_CHANGES = ("contact.changed", "contact.merged", "contact.deleted", "lead.changed", "lead.converted")


class ForgetChanged:
    """An ``EventHook``: a CRM tells that a person changed, so they are asked for again before they are next written.

    Events carry ids as the CRM writes them; ``canonical`` (connection, id) is the form in which we keep them; None for
    what is no id.
    """

    def __init__(self, canonical: Callable[[str, str], str | None]) -> None:
        self._canonical = canonical

    def __call__(
        self, database: Database, tx: Connection, batch: Sequence[IncomingEvent], now: datetime
    ) -> Sequence[IncomingEvent]:
        changed: dict[str, set[str]] = {}
        for each in batch:
            if each.type in _CHANGES:
                changed.setdefault(each.event.connection, set()).update(self._records(each))
        for connection, records in changed.items():
            forget(tx, connection, records, now)
        return batch

    def _records(self, arrival: IncomingEvent) -> set[str]:
        named = (str(arrival.data.get(name) or "") for name in ("contact", "lead", "into"))
        return {record for each in named if (record := self._canonical(arrival.event.connection, each))}


def merged_into(tx: Connection, connection: str, records: Iterable[str]) -> dict[str, set[str]]:
    """By record: itself and all that were merged into it, as far as we know."""
    whole = {record: {record} for record in records}
    fresh = {record: record for record in whole}
    for _ in range(_LONG):
        if not fresh:
            break
        rows = tx.execute(_KNOWN, {"connection": connection, "records": list(fresh)}).all()
        losers = {row.record: fresh[row.merged_into] for row in rows if row.merged_into in fresh}
        fresh = {record: end for record, end in losers.items() if record not in whole[end]}
        for record, end in fresh.items():
            whole[end].add(record)
    return whole


def of_accounts(tx: Connection, connection: str, accounts: Iterable[str]) -> dict[str, set[str]]:
    """By account: the records of its living people."""
    members: dict[str, set[str]] = {account: set() for account in accounts}
    rows = tx.execute(_OF_ACCOUNTS, {"connection": connection, "accounts": list(members)})
    for row in rows:
        if not row.gone and not row.merged_into:
            members[row.account].add(row.record)
    return members


def _person(row: Any) -> CrmPerson:
    return CrmPerson(
        row.record, row.kind, row.account, row.merged_into, row.gone, "", row.opted_out, row.do_not_call
    )


def _row(connection: str, person: CrmPerson, now: datetime) -> dict[str, Any]:
    return {
        "connection": connection,
        "record": person.record,
        "kind": person.kind,
        "account": person.account,
        "merged_into": person.merged_into,
        "gone": person.gone,
        "opted_out": person.opted_out,
        "do_not_call": person.do_not_call,
        "seen_at": now,
    }
