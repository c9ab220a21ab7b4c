"""One customer across systems: found by ids and e-mail, never by guessing.

Two records are the same person when one source names an id of each and no system contradicts it. Where a
system does contradict (two different ids there), the event goes to the customer of the strongest id and the
conflict is kept for people to look at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, delete, select, update

from connector.ids import new_id
from connector.storage import bulk
from connector.storage import tables as t
from connector.storage.database import Database
from connector.storage.inbox import OWN
from workflows.events import Person

Identity = tuple[str, str]
"""(system, value): ("email", "ann@example.com") or ("zendesk-nl", "4711")."""


@dataclass(frozen=True, slots=True)
class Customer:
    """One person, as conditions and templates see them (``view``)."""

    id: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    locale: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    opted_out_at: datetime | None = None

    def view(self) -> dict[str, Any]:
        """What ``customer.<field>`` reads; a missing name reads as "" so that a greeting can fall back."""
        own = {"id": self.id, "name": self.name or "", "email": self.email, "phone": self.phone}
        rest = {"locale": self.locale, "ids": dict(self.ids), "opted_out": self.opted_out_at is not None}
        return {**self.facts, **own, **rest}


@dataclass(frozen=True, slots=True)
class Conflict:
    """A person whose ids point to several customers that cannot be one."""

    kept: str
    others: tuple[str, ...]


def identities_of(person: Person, kinds: Mapping[str, str]) -> list[Identity]:
    """The person's identities, strongest first. ``kinds`` maps a connection's name to its kind."""
    named = ((system, normal_id(value, kinds.get(system.partition("/")[0]))) for system, value in person.ids.items())
    found = [(system, value) for system, value in named if value]
    if person.email:
        found.append(("email", person.email.strip().lower()))
    return found


def normal_id(value: str | None, kind: str | None) -> str | None:
    """The one name of a record: a Salesforce id is the same with 15 and with 18 characters."""
    return value[:15] if value and kind == "salesforce" else value


def lock_keys(people: Iterable[Person | None], kinds: Mapping[str, str]) -> list[str]:
    """What to lock so that two transactions do not make two customers of one new person."""
    return [f"person:{s}:{v}" for person in people if person for s, v in identities_of(person, kinds)]


class Resolver:
    """Finds or makes the customers of a batch of people: three queries, however many they are.

    The caller holds ``lock_keys`` of all of them.
    """

    def __init__(self, database: Database, tx: Connection, kinds: Mapping[str, str], now: datetime) -> None:
        self._database, self._tx, self._kinds, self._now = database, tx, kinds, now
        self._customers: dict[str, Customer] = {}
        self._owners: dict[Identity, str] = {}
        self._new: dict[str, Customer] = {}
        self._new_identities: list[dict[str, str | None]] = []
        self._changed: dict[str, Customer] = {}

    def resolve(self, people: Sequence[Person | None]) -> list[tuple[Customer | None, Conflict | None]]:
        """One customer (and perhaps a conflict) per person, in order; None for events about nobody."""
        wanted = {identity for person in people if person for identity in identities_of(person, self._kinds)}
        self._load(wanted)
        chosen = [self._one(person) if person else (None, None) for person in people]
        self._store()
        return [(self._customers[c.id] if c else None, conflict) for c, conflict in chosen]

    def _load(self, wanted: set[Identity]) -> None:
        own = {value for system, value in wanted if system == OWN}
        self._owners = _owners(self._tx, {identity for identity in wanted if identity[0] != OWN})
        self._customers = load(self._tx, own | set(self._owners.values()))
        self._owners |= {(OWN, id_): id_ for id_ in own if id_ in self._customers}

    def _one(self, person: Person) -> tuple[Customer | None, Conflict | None]:
        identities = identities_of(person, self._kinds)
        owners = list(dict.fromkeys(self._owners[i] for i in identities if i in self._owners))
        if not identities or (not owners and all(system == OWN for system, _ in identities)):
            return None, None
        first = self._customers[owners[0]] if owners else self._make()
        conflicting = tuple(other for other in owners[1:] if not self._merge(first.id, other))
        if conflicting:  # nothing is learned from it: an address of the one must not become the other's
            return self._customers[first.id], Conflict(first.id, conflicting)
        return self._enrich(self._customers[first.id], person, identities), None

    def _make(self) -> Customer:
        customer = Customer(new_id())
        self._customers[customer.id] = self._new[customer.id] = customer
        return customer

    def _enrich(self, customer: Customer, person: Person, identities: Sequence[Identity]) -> Customer:
        ids = dict(customer.ids)
        for system, value in identities:
            if system != OWN and (system, value) not in self._owners:
                self._owners[system, value] = customer.id
                row = {"system": system, "value": value, "customer_id": customer.id, "gone_at": None}
                self._new_identities.append(row)
                ids.setdefault(system, value)
        told = {n: getattr(person, n) for n in ("name", "email", "phone", "locale") if getattr(person, n)}
        richer = replace(customer, **told, facts={**customer.facts, **person.facts}, ids=ids)
        if richer != customer:
            self._customers[customer.id] = richer
            (self._new if customer.id in self._new else self._changed)[customer.id] = richer
        return richer

    def _merge(self, keep: str, other: str) -> bool:
        """Make two records one if no system contradicts it."""
        kept, gone = self._customers[keep], self._customers[other]
        if contradict(kept, gone):
            return False
        self._store()
        self._customers[keep] = self._changed[keep] = union(kept, gone)
        merge(self._tx, keep, other)
        self._owners = {i: keep if owner == other else owner for i, owner in self._owners.items()}
        self._customers[other] = self._customers[keep]
        return True

    def _store(self) -> None:
        rows = [_row(customer, self._now) | {"created_at": self._now} for customer in self._new.values()]
        bulk.execute(self._tx, _INSERT, rows)
        bulk.execute(self._tx, KNOW, self._new_identities)
        changed = [_row(c, self._now) for id_, c in self._changed.items() if id_ not in self._new]
        bulk.execute(self._tx, _UPDATE, changed)
        self._new, self._new_identities, self._changed = {}, [], {}


_CHANGING = ("name", "email", "phone", "locale", "facts", "opted_out_at", "updated_at")
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_IDENTITIES_OF = select(t.identities).where(t.identities.c.customer_id.in_(_IDS), t.identities.c.gone_at.is_(None))
_CUSTOMERS = select(t.customers).where(t.customers.c.id.in_(_IDS))
_OWNERS = select(t.identities).where(t.identities.c.system == bindparam("system"), t.identities.c.value.in_(_IDS))
_INSERT = bulk.Insert(t.customers)
_UPDATE = bulk.Update(t.customers, where=("id",), new=_CHANGING)
KNOW = bulk.Insert(t.identities, skip_known=True)
"""Remember whose an id is, unless it is known."""


def load(tx: Connection, ids: Iterable[str]) -> dict[str, Customer]:
    """Customers by id, with all their ids elsewhere."""
    wanted = {"ids": list(ids)}
    if not wanted["ids"]:
        return {}
    known: dict[str, dict[str, str]] = {}
    for row in tx.execute(_IDENTITIES_OF, wanted):  # a record that is gone leads to its customer, and is no more theirs
        known.setdefault(row.customer_id, {})[row.system] = row.value
    rows = tx.execute(_CUSTOMERS, wanted)
    return {row.id: _customer(row, known.get(row.id, {})) for row in rows}


def merge(tx: Connection, keep: str, gone: str) -> None:
    """Give everything of ``gone`` to ``keep`` and remove it."""
    for table in (t.identities, t.events, t.runs, t.invitations, t.responses, t.callbacks, t.consents, t.suppressions):
        tx.execute(update(table).where(table.c.customer_id == gone).values(customer_id=keep))
    tx.execute(delete(t.customers).where(t.customers.c.id == gone))


def _owners(tx: Connection, wanted: set[Identity]) -> dict[Identity, str]:
    by_system: dict[str, list[str]] = {}
    for system, value in wanted:
        by_system.setdefault(system, []).append(value)
    asked = ({"system": system, "ids": values} for system, values in by_system.items())
    return {(row.system, row.value): row.customer_id for each in asked for row in tx.execute(_OWNERS, each)}


def contradict(one: Customer, other: Customer, *, but: tuple[str, ...] = ()) -> bool:
    """Whether some system, ``but`` for these, knows the two under different ids."""
    heard = {system: value for system, value in other.ids.items() if system not in but}
    return any(one.ids.get(system, value) != value for system, value in heard.items())


def rewrite(tx: Connection, customer: Customer, now: datetime) -> None:
    """Keep what became of a customer."""
    bulk.execute(tx, _UPDATE, [_row(customer, now)])


def union(kept: Customer, gone: Customer) -> Customer:
    """What is known of two that are one; where both say something, ``kept`` counts."""
    filled = {n: getattr(kept, n) or getattr(gone, n) for n in ("name", "email", "phone", "locale", "opted_out_at")}
    return replace(kept, **filled, facts={**gone.facts, **kept.facts}, ids={**gone.ids, **kept.ids})


def _customer(row: Any, ids: Mapping[str, str]) -> Customer:
    return Customer(row.id, row.name, row.email, row.phone, row.locale, row.facts, ids, row.opted_out_at)


def _row(customer: Customer, now: datetime) -> dict[str, Any]:
    names = ("id", "name", "email", "phone", "locale", "opted_out_at")
    return {n: getattr(customer, n) for n in names} | {"facts": dict(customer.facts), "updated_at": now}
