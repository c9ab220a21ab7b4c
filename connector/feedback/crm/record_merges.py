"""Contacts and leads that are gone from the CRM: deleted, merged into another, or converted into a contact. And the
users of a helpdesk, whom agents merge daily: a call and an e-mail make two users of one person.

The id of one that is gone still leads to its customer, but no longer counts as the customer's record there: nothing is
written on it. Merged into another, that one is the customer's record; if it was another customer's, the two become one,
unless some third system says they are not. So it is with a lead that became a contact. The event then carries the
customer's newest score, for who writes it there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from connector.feedback.base.event_hooks import IncomingEvent
from connector.feedback.customers import identity as customers
from connector.feedback.customers import review_queue
from connector.feedback.customers.identity import Customer
from connector.feedback.customers.record_ids import PLAIN, RecordIds
from connector.feedback.responses import store as responses
from connector.storage.engine import bulk
from connector.storage.engine.database import Database
from connector.storage.schema.tables import events, identities

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
        _restore(tx, self._ids, [arrival for arrival in batch if arrival.type in _BACK])
        restored = self._restored(tx, batch)
        following = _Following(database, tx, self._ids, now)
        followed = [arrival if arrival.id in restored else following.followed(arrival) for arrival in batch]
        return [following.pointed(arrival) for arrival in followed]

    def _restored(self, tx: Connection, batch: Sequence[IncomingEvent]) -> set[str]:
        """Deletions of records that have changed since, so that they are back from the recycle bin already."""
        deleted = {each.id: self._forms(each) for each in batch if each.type == "contact.deleted"}
        if not deleted:
            return set()
        c, wanted = events.c, {form for forms in deleted.values() for form in forms}
        asked = select(c.connection, c.subject, func.max(c.time)).where(c.type.in_(_BACK), c.subject.in_(wanted))
        rows = [tuple(row) for row in tx.execute(asked.group_by(c.connection, c.subject))]
        rows += [(each.event.connection, str(each.subject), each.event.time) for each in batch if each.type in _BACK]
        gone = [each for each in batch if each.id in deleted]
        return {each.id for each in gone if any(_later(each, deleted[each.id], *row) for row in rows)}

    def _forms(self, arrival: IncomingEvent) -> Sequence[str]:
        return self._ids.forms(arrival.event.connection, str(arrival.subject))


def _later(deleted: IncomingEvent, forms: Sequence[str], connection: str, subject: str, at: datetime) -> bool:
    return connection == deleted.event.connection and subject in forms and at > deleted.event.time


class _Following:
    """One batch's merges, in the order in which they came."""

    def __init__(self, database: Database, tx: Connection, ids: RecordIds, now: datetime) -> None:
        self._database, self._tx, self._ids, self._now = database, tx, ids, now
        self._became: dict[str, str] = {}  # customers that are no more → whom each of them became

    def followed(self, arrival: IncomingEvent) -> IncomingEvent:
        rule = self._rule(arrival)
        return rule(self.pointed(arrival)) if rule else arrival

    def pointed(self, arrival: IncomingEvent) -> IncomingEvent:
        """The arrival with its customer of now: another event of the batch may have made them one with somebody."""
        customer = arrival.customer
        return arrival if customer is None or customer.id not in self._became else self._of(arrival, customer.id)

    def _rule(self, arrival: IncomingEvent) -> Callable[[IncomingEvent], IncomingEvent] | None:
        if arrival.type == _CONVERTED:
            return self._convert
        if arrival.type not in _LEAVING:
            return None
        person, into = arrival.event.person, arrival.data.get("into")
        is_told_of_who_stays = person is None or into in person.ids.values()
        return self._follow_user if is_told_of_who_stays else self._follow

    def _follow_user(self, arrival: IncomingEvent) -> IncomingEvent:
        """A helpdesk tells of the user who stays, and names the one who is gone; of a deleted one it tells no more."""
        system, into, at = arrival.event.connection, arrival.data.get("into"), arrival.event.time
        loser = (system, str(arrival.data.get("contact")))
        self._database.lock(self._tx, [f"person:{system}:{loser[1]}"])
        owner = _owner(self._tx, loser)
        self._tx.execute(_this(*loser).where(identities.c.gone_at.is_(None)).values(gone_at=at))
        if not into or arrival.customer is None:
            return self._of(arrival, owner)
        if owner is None:  # so that what is told late of that user still finds who they are
            row = {"system": system, "value": loser[1], "customer_id": arrival.customer.id, "gone_at": at}
            bulk.execute(self._tx, customers.KNOW, [row])
        return self._with_newest(arrival, self.join(owner or arrival.customer.id, (system, str(into)), arrival.id))

    def _follow(self, arrival: IncomingEvent) -> IncomingEvent:
        if arrival.customer is None or arrival.event.person is None:
            return arrival
        system, value = next(iter(arrival.event.person.ids.items()))
        loser, into = self._named(system, value), arrival.data.get("into")
        self._tx.execute(_this(*loser).values(gone_at=arrival.event.time))
        if into:
            return self._with_newest(arrival, self.join(arrival.customer.id, self._named(system, into), arrival.id))
        told = self._of(arrival, arrival.customer.id)
        return replace(told, data={**told.data, "response": None})

    def _convert(self, arrival: IncomingEvent) -> IncomingEvent:
        """A lead that was written on is known under the connection's own name, one that was told of under that of
        leads."""
        connection, contact = arrival.event.connection, arrival.data.get("contact")
        if arrival.customer is None or not contact:
            return arrival
        leads = [self._named(system, arrival.data.get("lead")) for system in (connection, f"{connection}/lead")]
        owners = [_owner(self._tx, lead) for lead in leads]
        for lead in leads:
            self._tx.execute(_this(*lead).values(gone_at=arrival.event.time))
        owner = next(filter(None, owners), arrival.customer.id)
        return self._with_newest(arrival, self.join(owner, self._named(connection, contact), arrival.id))

    def _named(self, system: str, value: object) -> customers.Identity:
        """A record under its one name."""
        return system, self._ids.canonical(system, str(value)) or str(value)

    def join(self, owner: str, winner: customers.Identity, event_id: str) -> str:
        """Whose the winner's record is from now on."""
        self._database.lock(self._tx, [f"person:{winner[0]}:{winner[1]}"])
        other = _owner(self._tx, winner)
        if other is None:
            row = {"system": winner[0], "value": winner[1], "customer_id": owner, "gone_at": None}
            bulk.execute(self._tx, customers.KNOW, [row])
            return owner
        if other == owner:
            return owner
        both = customers.load(self._tx, [owner, other])
        if customers.contradict(both[other], both[owner], but=(winner[0], "email")):  # a person may have two addresses
            review_queue.keep_conflict(self._tx, review_queue.ReviewMatch(event_id, other, (owner,), self._now))
            return other
        self._become_one(both[other], both[owner])
        return other

    def _become_one(self, kept: Customer, gone: Customer) -> None:
        customers.rewrite(self._tx, customers.union(kept, gone), self._now)
        customers.merge(self._tx, kept.id, gone.id)
        review_queue.settle(self._tx, kept.id, gone.id, self._now)
        self._became[gone.id] = kept.id

    def _of(self, arrival: IncomingEvent, owner: str | None) -> IncomingEvent:
        while owner in self._became:
            owner = self._became[owner]
        found = customers.load(self._tx, [owner]).get(owner) if owner else None
        return replace(arrival, customer=found, data={**arrival.data, "customer": owner})

    def _with_newest(self, arrival: IncomingEvent, owner: str) -> IncomingEvent:
        told = self._of(arrival, owner)
        return replace(told, data={**told.data, "response": _newest(self._tx, owner)})


def records_of(tx: Connection, customer_id: str) -> Mapping[str, str]:
    """What records of the customer are gone, by system."""
    c = identities.c
    rows = tx.execute(select(identities).where(c.customer_id == customer_id, c.gone_at.is_not(None)))
    return {row.system: row.value for row in rows}


def replaced(database: Database, tx: Connection, system: str, old: str, new: str, now: datetime) -> None:
    """A record that is gone, and the one that lives in its stead: found without the vendor having told of it."""
    database.lock(tx, [f"person:{system}:{old}"])
    tx.execute(_this(system, old).where(identities.c.gone_at.is_(None)).values(gone_at=now))
    tx.execute(_this(system, new).values(gone_at=None))
    if owner := _owner(tx, (system, old)):
        _Following(database, tx, PLAIN, now).join(owner, (system, new), "")


def found_by_address(
    database: Database, tx: Connection, system: str, records: Mapping[str, str], now: datetime
) -> None:
    """Customer → the record that the vendor names for their own e-mail address: it is theirs. Who was known by that
    record alone (a helpdesk's events tell no address) is the same person, unless their ids elsewhere say otherwise."""
    rows = [{"system": system, "value": record, "customer_id": owner} for owner, record in records.items()]
    bulk.execute(tx, customers.KNOW, list({row["value"]: row for row in rows}.values()))
    known = customers.owners(tx, [(system, record) for record in records.values()])
    following = _Following(database, tx, PLAIN, now)
    for owner, record in records.items():
        if known[system, record] != owner:
            following.join(owner, (system, record), "")


def _restore(tx: Connection, known: RecordIds, changed: Sequence[IncomingEvent]) -> None:
    """A record that changed after it was deleted is back from the recycle bin."""
    for arrival in changed:
        user = {arrival.event.connection: str(arrival.data.get("contact"))}  # of a helpdesk's nothing else is told
        ids: Mapping[str, str] = arrival.event.person.ids if arrival.event.person else user
        for system, value in ids.items():
            name = known.canonical(system, value) or value
            back = _this(system, name).where(identities.c.gone_at < arrival.event.time)
            tx.execute(back.values(gone_at=None))


def _owner(tx: Connection, identity: customers.Identity) -> str | None:
    c = identities.c
    known: str | None = tx.execute(
        select(c.customer_id).where(c.system == identity[0], c.value == identity[1])
    ).scalar_one_or_none()
    return known


def _this(system: str, value: str) -> Any:
    return update(identities).where(identities.c.system == system, identities.c.value == value)


def _newest(tx: Connection, customer_id: str) -> str | None:
    """The newest answer whose score stands on records."""
    found = responses.of_customers(tx, [customer_id], most=50).get(customer_id, [])
    return next((row.id for row in found if row.metric == _METRIC), None)
