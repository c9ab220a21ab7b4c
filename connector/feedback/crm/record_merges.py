"""Contacts and leads that are gone from the CRM: deleted, merged into another, or converted into a contact.

The id of one that is gone still leads to its customer, but no longer counts as the customer's record there: nothing is
written on it. Merged into another, that one is the customer's record; if it was another customer's, the two become one,
unless some third system says they are not. So it is with a lead that became a contact. The event then carries the
customer's newest score, for who writes it there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from connector.feedback.base.event_hooks import IncomingEvent
from connector.feedback.customers import identity as customers
from connector.feedback.customers import review_queue
from connector.feedback.customers.identity import Customer
from connector.feedback.customers.record_ids import RecordIds
from connector.feedback.responses import store as responses
from connector.storage.engine import bulk
from connector.storage.engine.database import Database
from connector.storage.schema.tables import identities

_LEAVING, _BACK = ("contact.merged", "contact.deleted"), ("contact.changed", "lead.changed")
_CONVERTED = "lead.converted"
_METRIC = "nps"


class RecordMerges:
    """The hook that follows deletions, merges and restorations. ``ids`` knows how the connections name records."""

    def __init__(self, ids: RecordIds) -> None:
        self._ids = ids

    def __call__(
        self, database: Database, tx: Connection, batch: Sequence[IncomingEvent], now: datetime
    ) -> Sequence[IncomingEvent]:
        if not any(arrival.type in (*_LEAVING, *_BACK, _CONVERTED) for arrival in batch):
            return batch
        self._restore(tx, [arrival for arrival in batch if arrival.type in _BACK])
        return [self._followed(database, tx, arrival, now) for arrival in batch]

    def _followed(self, database: Database, tx: Connection, arrival: IncomingEvent, now: datetime) -> IncomingEvent:
        if arrival.type == _CONVERTED:
            return self._convert(database, tx, arrival, now)
        return self._follow(database, tx, arrival, now) if arrival.type in _LEAVING else arrival

    def _follow(self, database: Database, tx: Connection, arrival: IncomingEvent, now: datetime) -> IncomingEvent:
        if arrival.customer is None or arrival.event.person is None:
            return arrival
        system, value = next(iter(arrival.event.person.ids.items()))
        loser, into = self._named(system, value), arrival.data.get("into")
        tx.execute(_this(*loser).values(gone_at=arrival.event.time))
        owner = arrival.customer.id
        if into:
            owner = _join(database, tx, owner, self._named(system, into), arrival, now)
        [customer] = customers.load(tx, [owner]).values()
        newest = _newest(tx, owner) if into else None
        data = {**arrival.data, "customer": owner, "response": newest}
        return replace(arrival, customer=customer, data=data)

    def _convert(self, database: Database, tx: Connection, arrival: IncomingEvent, now: datetime) -> IncomingEvent:
        """A lead that was written on is known under the connection's own name, one that was told of under that of
        leads."""
        connection, contact = arrival.event.connection, arrival.data.get("contact")
        if arrival.customer is None or not contact:
            return arrival
        leads = [self._named(system, arrival.data.get("lead")) for system in (connection, f"{connection}/lead")]
        owners = [_owner(tx, lead) for lead in leads]
        for lead in leads:
            tx.execute(_this(*lead).values(gone_at=arrival.event.time))
        owner = next(filter(None, owners), arrival.customer.id)
        owner = _join(database, tx, owner, self._named(connection, contact), arrival, now)
        [customer] = customers.load(tx, [owner]).values()
        data = {**arrival.data, "customer": owner, "response": _newest(tx, owner)}
        return replace(arrival, customer=customer, data=data)

    def _restore(self, tx: Connection, changed: Sequence[IncomingEvent]) -> None:
        """A record that changed after it was deleted is back from the recycle bin."""
        for arrival in changed:
            ids: Mapping[str, str] = arrival.event.person.ids if arrival.event.person else {}
            for system, value in ids.items():
                back = _this(*self._named(system, value)).where(identities.c.gone_at < arrival.event.time)
                tx.execute(back.values(gone_at=None))

    def _named(self, system: str, value: object) -> customers.Identity:
        """A record under its one name."""
        return system, self._ids.canonical(system, str(value)) or str(value)


def _owner(tx: Connection, identity: customers.Identity) -> str | None:
    c = identities.c
    known: str | None = tx.execute(
        select(c.customer_id).where(c.system == identity[0], c.value == identity[1])
    ).scalar_one_or_none()
    return known


def _join(
    database: Database, tx: Connection, owner: str, winner: customers.Identity, arrival: IncomingEvent, now: datetime
) -> str:
    """Whose the winner's record is from now on."""
    database.lock(tx, [f"person:{winner[0]}:{winner[1]}"])
    other = _owner(tx, winner)
    if other is None:
        row = {"system": winner[0], "value": winner[1], "customer_id": owner, "gone_at": None}
        bulk.execute(tx, customers.KNOW, [row])
        return owner
    if other == owner:
        return owner
    both = customers.load(tx, [owner, other])
    if customers.contradict(both[other], both[owner], but=(winner[0], "email")):  # a person may have two addresses
        review_queue.keep_conflict(tx, review_queue.ReviewMatch(arrival.id, other, (owner,), now))
        return other
    _become_one(tx, both[other], both[owner], now)
    return other


def _become_one(tx: Connection, kept: Customer, gone: Customer, now: datetime) -> None:
    customers.rewrite(tx, customers.union(kept, gone), now)
    customers.merge(tx, kept.id, gone.id)
    review_queue.settle(tx, kept.id, gone.id, now)


def _this(system: str, value: str) -> Any:
    return update(identities).where(identities.c.system == system, identities.c.value == value)


def _newest(tx: Connection, customer_id: str) -> str | None:
    """The newest answer whose score stands on records."""
    found = responses.of_customers(tx, [customer_id], most=50).get(customer_id, [])
    return next((row.id for row in found if row.metric == _METRIC), None)
