"""One customer across systems: found by ids, e-mail and phone, never by guessing.

Two records are the same person when one source names an id of each and no system contradicts it. Where a
system does contradict (two different ids there), the event goes to the customer of the strongest id and the
conflict is kept for people to look at. A phone number is weaker (``matching``): what it leaves open is kept likewise.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, delete, select, update

from connector.feedback.customers import fact_moments, loyalty, matching
from connector.feedback.customers.matching import KnownPerson
from connector.feedback.customers.phone_book import PhoneBook
from connector.feedback.customers.phone_numbers import Number, trait
from connector.feedback.customers.phone_origins import origin_of
from connector.feedback.customers.record_ids import RecordIds
from connector.ids import new_id
from connector.storage.engine import bulk
from connector.storage.engine.database import Database
from connector.storage.schema import tables as t
from connector.storage.stores.inbox import OWN
from integrations import mailboxes
from workflows.events import Person

log = logging.getLogger(__name__)

_SHOWN = 20  # characters of an id that is none

HOME = "NL"
"""The country of phone numbers without +, where nobody says another."""

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
    time_zone: str | None = None  # as a helpdesk knows it; other systems' is among the facts
    facts: Mapping[str, Any] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    opted_out_at: datetime | None = None
    known_at: fact_moments.Known = field(default_factory=dict)
    loyalty: str = ""

    def view(self) -> dict[str, Any]:
        """What ``customer.<field>`` reads; a missing name reads as "" so that a greeting can fall back."""
        own = {"id": self.id, "name": self.name or "", "email": self.email, "phone": self.phone}
        rest = {"locale": self.locale, "time_zone": self.time_zone or self.facts.get("time_zone")}
        rest |= {"ids": dict(self.ids), "opted_out": self.opted_out_at is not None, "loyalty": self.loyalty}
        return {**self.facts, **own, **rest}


@dataclass(frozen=True, slots=True)
class Conflict:
    """A person whose ids point to several customers that cannot be one; or, ``by_phone``, whose number others have
    who may be the same."""

    kept: str
    others: tuple[str, ...]
    by_phone: bool = False


def identities_of(person: Person, ids: RecordIds) -> list[Identity]:
    """The person's identities, strongest first. ``ids`` knows how the connections name their records."""
    named = ((system, ids.canonical(system, value)) for system, value in person.ids.items())
    found = [(system, value) for system, value in named if value]
    if person.email:
        found.append(("email", mailboxes.normal(person.email)))
    return found


def number_of(person: Person, country: str) -> Number | None:
    """Their phone number; ``country`` is where the house is (see ``phone_origins``)."""
    return trait(person.phone, origin_of({**person.facts, "locale": person.locale}, country)) if person.phone else None


def lock_keys(people: Iterable[Person | None], ids: RecordIds, country: str = HOME) -> list[str]:
    """What to lock so that two transactions do not make two customers of one new person."""
    told = [person for person in people if person]
    keys = [f"person:{system}:{value}" for person in told for system, value in identities_of(person, ids)]
    return keys + [f"phone:{number.text}" for person in told if (number := number_of(person, country))]


class Resolver:
    """Finds or makes the customers of a batch of people: four queries, however many they are.

    The caller holds ``lock_keys`` of all of them. ``country`` is where phone numbers without + are from.
    """

    def __init__(
        self, database: Database, tx: Connection, ids: RecordIds, now: datetime, country: str = HOME
    ) -> None:
        self._database, self._tx, self._ids, self._now, self._country = database, tx, ids, now, country
        self._phones = PhoneBook(tx)
        self._customers: dict[str, Customer] = {}
        self._owners: dict[Identity, str] = {}
        self._new: dict[str, Customer] = {}
        self._new_identities: list[dict[str, str | None]] = []
        self._changed: dict[str, Customer] = {}

    def resolve(self, people: Sequence[Person | None]) -> list[tuple[Customer | None, Conflict | None]]:
        """One customer (and perhaps a conflict) per person, in order; None for events about nobody."""
        told = [person for person in people if person]
        wanted = {identity for person in told for identity in identities_of(person, self._ids)}
        self._phones.look_up({n.text for person in told if (n := number_of(person, self._country))})
        self._load(wanted)
        chosen = [self._one(person) if person else (None, None) for person in people]
        self._store()
        return [(self._customers[c.id] if c else None, conflict) for c, conflict in chosen]

    def _load(self, wanted: set[Identity]) -> None:
        own = {value for system, value in wanted if system == OWN}
        self._owners = owners(self._tx, {identity for identity in wanted if identity[0] != OWN})
        self._customers = load(self._tx, own | set(self._owners.values()) | self._phones.holders)
        self._owners |= {(OWN, id_): id_ for id_ in own if id_ in self._customers}

    def _one(self, person: Person) -> tuple[Customer | None, Conflict | None]:
        identities = identities_of(person, self._ids)
        self._tell_faults(person)
        owners = list(dict.fromkeys(self._owners[i] for i in identities if i in self._owners))
        number = number_of(person, self._country)
        if not owners and all(system == OWN for system, _ in identities):  # without any, too
            return self._voice(person, number) if number and not identities else (None, None)
        first = self._customers[owners[0]] if owners else self._by_phone(person, identities, number) or self._make()
        conflicting = tuple(other for other in owners[1:] if not self._merge(first.id, other))
        if conflicting:  # nothing is learned from it: an address of the one must not become the other's
            return self._customers[first.id], Conflict(first.id, conflicting)
        return self._meet(self._enrich(self._customers[first.id], person, identities), number)

    def _tell_faults(self, person: Person) -> None:
        """An id that is none identifies nobody: cut short it might be another person's."""
        for system, value in person.ids.items():
            if wrong := self._ids.fault(system, value):
                where = {"connection": system}
                log.warning("an id is left out, it is none: %s; %s", value[:_SHOWN], wrong, extra=where)

    def _by_phone(self, person: Person, identities: Sequence[Identity], number: Number | None) -> Customer | None:
        if number is None:
            return None
        who = KnownPerson("", person.name, dict(identities))
        same = matching.match(who, self._holders(self._phones.of(number)), personal=number.personal).same
        return self._customers[same] if same else None

    def _meet(self, customer: Customer, number: Number | None) -> tuple[Customer, Conflict | None]:
        """Whoever was seen with the customer's number may be the same person; asked when the number is new of them."""
        if number is None or customer.id in (known := self._phones.of(number)):
            return customer, None
        verdict = matching.match(_known(customer), self._holders(known), personal=number.personal)
        same, perhaps = verdict.same, verdict.perhaps
        if same and not self._merge(customer.id, same):  # one of them is known by more than its ids say
            perhaps = (same,)
        self._phones.add(number, customer.id)
        return self._customers[customer.id], Conflict(customer.id, perhaps, by_phone=True) if perhaps else None

    def _voice(self, person: Person, number: Number) -> tuple[Customer | None, Conflict | None]:
        """Somebody of whom only a number is known, and perhaps a name."""
        known = self._phones.of(number)
        holders = self._holders(known)
        verdict = matching.match(KnownPerson("", person.name), holders, personal=number.personal)
        before = next((each.id for each in holders if not each.ids and _same_name(each.name, person.name)), None)
        if found := verdict.same or before:
            others = tuple(each for each in verdict.perhaps if each != found)
            conflict = Conflict(found, others, by_phone=True) if others else None
            customer = self._customers[found]
            return self._enrich(customer, replace(person, name=customer.name or person.name), []), conflict
        if len(known) >= matching.SHARED or not (number.personal or person.name):
            return None, None  # a switchboard's caller
        return self._meet(self._enrich(self._make(), person, []), number)

    def _holders(self, known: Iterable[str]) -> list[KnownPerson]:
        """Those that are still there, each once: a merge makes one of two."""
        there = [self._customers[id_] for id_ in known if id_ in self._customers]
        return [_known(each) for each in {customer.id: customer for customer in there}.values()]

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
        richer = replace(_learned(customer, person, person.as_of or self._now), ids=ids)
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
        stands = merge(self._tx, keep, other)
        self._customers[keep] = self._changed[keep] = replace(self._changed[keep], loyalty=stands)
        self._owners = {i: keep if owner == other else owner for i, owner in self._owners.items()}
        self._customers[other] = self._customers[keep]
        self._phones.give(other, keep)
        return True

    def _store(self) -> None:
        rows = [_row(customer, self._now) | {"created_at": self._now} for customer in self._new.values()]
        bulk.execute(self._tx, _INSERT, rows)
        bulk.execute(self._tx, KNOW, self._new_identities)
        self._phones.store()
        changed = [_row(c, self._now) for id_, c in self._changed.items() if id_ not in self._new]
        bulk.execute(self._tx, _UPDATE, changed)
        self._new, self._new_identities, self._changed = {}, [], {}


_OWN = ("name", "email", "phone", "locale", "time_zone")
_CHANGING = (*_OWN, "facts", "known_at", "opted_out_at", "updated_at")
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


def merge(tx: Connection, keep: str, gone: str) -> str:
    """Give everything of ``gone`` to ``keep`` and remove it; the answer is where ``keep`` then stands in the loyalty
    matrix."""
    phones = t.phones.c
    held = select(phones.number).where(phones.customer_id == keep).scalar_subquery()
    tx.execute(delete(t.phones).where(phones.customer_id == gone, phones.number.in_(held)))
    for table in t.OF_CUSTOMERS:
        tx.execute(update(table).where(table.c.customer_id == gone).values(customer_id=keep))
    tx.execute(delete(t.customers).where(t.customers.c.id == gone))
    loyalty.keep(tx, stands := loyalty.draw(tx, [keep]))
    return stands[keep]


def owners(tx: Connection, wanted: Iterable[Identity]) -> dict[Identity, str]:
    """Whose these ids are, as far as they are known."""
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


_NO_CALLS = "do_not_call"


def union(kept: Customer, gone: Customer) -> Customer:
    """What is known of two that are one; where both say something the newer counts, else ``kept``. What either
    does not want, the one person does not want."""
    newer = {name for name in gone.known_at if fact_moments.later(kept.known_at, gone.known_at, name)}
    filled = {n: (getattr(gone, n) if n in newer else None) or getattr(kept, n) or getattr(gone, n) for n in _OWN}
    filled["opted_out_at"] = kept.opted_out_at or gone.opted_out_at
    facts = {**gone.facts, **kept.facts, **{n: value for n, value in gone.facts.items() if n in newer}}
    if kept.facts.get(_NO_CALLS) or gone.facts.get(_NO_CALLS):
        facts[_NO_CALLS] = True
    known_at = fact_moments.latest(kept.known_at, gone.known_at)
    return replace(kept, **filled, facts=facts, ids={**gone.ids, **kept.ids}, known_at=known_at)


def _learned(customer: Customer, person: Person, at: datetime) -> Customer:
    """With what is told of them at a moment: what is known of a later one stays, what is not known yet is filled in."""
    told = {name: value for name in _OWN if (value := getattr(person, name))}
    known = {name for name in _OWN if getattr(customer, name)} | customer.facts.keys()
    moment, names = fact_moments.text(at), told.keys() | person.facts.keys()
    taken = fact_moments.fresh(customer.known_at, names, moment) | (names - known)
    if not taken:
        return customer
    own = {name: value for name, value in told.items() if name in taken}
    facts = {**customer.facts, **{name: value for name, value in person.facts.items() if name in taken}}
    return replace(customer, **own, facts=facts, known_at={**customer.known_at, **dict.fromkeys(taken, moment)})


def _known(customer: Customer) -> KnownPerson:
    return KnownPerson(customer.id, customer.name, customer.ids)


def _same_name(one: str | None, other: str | None) -> bool:
    return matching.plain(one) == matching.plain(other)


def _customer(row: Any, ids: Mapping[str, str]) -> Customer:
    own = {name: getattr(row, name) for name in ("id", *_OWN, "facts", "opted_out_at", "loyalty")}
    return Customer(**own, ids=ids, known_at=row.known_at or {})


def _row(customer: Customer, now: datetime) -> dict[str, Any]:
    own = {n: getattr(customer, n) for n in ("id", *_OWN, "opted_out_at")}
    return own | {"facts": dict(customer.facts), "known_at": dict(customer.known_at), "updated_at": now}
