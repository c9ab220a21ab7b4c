"""What a CRM says a person allows, known before we ask or call: its opt-out of e-mail, and "do not call".

It is learned whenever a person is looked up, and from messages about them. ``customer.do_not_call`` is there for
conditions and for who calls; an opt-out is never undone by what a CRM says: only the person can. What is older than
what was told last changes nothing (``fact_moments``): of an opt-out each record tells its own, of calls the person's
records tell together. What is not told is unknown, and neither sets nor clears anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from connector.feedback.base.event_hooks import IncomingEvent
from connector.feedback.customers import fact_moments
from connector.storage.engine import bulk
from connector.storage.schema.tables import customers, identities
from integrations.protocols import CrmPerson

DO_NOT_CALL = "do_not_call"
_OPTED_OUT = "opted_out"  # in ``known_at``, with the record behind it

_OWNERS = select(identities).where(
    identities.c.system == bindparam("connection"), identities.c.value.in_(bindparam("records", expanding=True))
)
_KNOWN = select(customers.c.id, customers.c.facts, customers.c.known_at, customers.c.opted_out_at).where(
    customers.c.id.in_(bindparam("ids", expanding=True))
)
_LEARNED = bulk.Update(customers, where=("id",), new=("facts", "known_at", "opted_out_at", "updated_at"))


@dataclass(frozen=True, slots=True)
class Said:
    """What a record said of its person at a moment; None: nothing."""

    customer: str
    record: str
    opted_out: bool | None
    do_not_call: bool | None
    at: datetime


def said(customer: str, connection: str, consent: Mapping[str, Any], at: datetime) -> Said:
    """From {record: its one name, opted_out, do_not_call}; what is left out is unknown."""
    record = f"{connection}:{consent.get('record') or ''}"
    return Said(customer, record, _yes(consent, "opted_out"), _yes(consent, "do_not_call"), at)


def learn(tx: Connection, connection: str, people: Iterable[CrmPerson], now: datetime) -> None:
    """From people as they were just seen (under our names of their records)."""
    known = {each.record: each for each in people}
    owner = {row.value: row.customer_id for row in tx.execute(_OWNERS, {"connection": connection, "records": [*known]})}
    told = ((customer, record, known[record]) for record, customer in owner.items())
    hear(tx, [Said(who, f"{connection}:{r}", p.opted_out, p.do_not_call, now) for who, r, p in told], now)


def learn_from(tx: Connection, arrivals: Iterable[IncomingEvent], now: datetime) -> None:
    """From events that carry ``consent``, as a CRM's record tells it."""
    hear(tx, [each for arrival in arrivals if (each := _of(arrival)) is not None], now)


def _of(arrival: IncomingEvent) -> Said | None:
    consent, person = arrival.data.get("consent"), arrival.event.person
    if arrival.customer is None or not isinstance(consent, Mapping):
        return None
    at = (person and person.as_of) or arrival.event.time
    return said(arrival.customer.id, arrival.event.connection, consent, at)


def opt_out(tx: Connection, ids: Iterable[str], now: datetime) -> None:
    """These customers want no surveys."""
    still_in = update(customers).where(customers.c.id.in_(list(ids)), customers.c.opted_out_at.is_(None))
    tx.execute(still_in.values(opted_out_at=now, updated_at=now))


def hear(tx: Connection, told: Sequence[Said], now: datetime) -> None:
    """Two statements, however many they are."""
    spoken = [each for each in told if each.opted_out is not None or each.do_not_call is not None]
    if not spoken:
        return
    rows = {row.id: dict(row._mapping) for row in tx.execute(_KNOWN, {"ids": [*{each.customer for each in spoken}]})}
    before = {id_: dict(row) for id_, row in rows.items()}
    for each in sorted(spoken, key=attrgetter("at")):
        if each.customer in rows:
            rows[each.customer] |= _heard(rows[each.customer], each, now)
    changed = [row | {"updated_at": now} for id_, row in rows.items() if row != before[id_]]
    bulk.execute(tx, _LEARNED, changed)


def _heard(row: Mapping[str, Any], each: Said, now: datetime) -> dict[str, Any]:
    facts, known, out, at = row["facts"], row["known_at"] or {}, row["opted_out_at"], fact_moments.text(each.at)
    own = f"{_OPTED_OUT} {each.record}"
    names = [name for name, value in ((own, each.opted_out), (DO_NOT_CALL, each.do_not_call)) if value is not None]
    taken = fact_moments.fresh(known, names, at)
    if DO_NOT_CALL in taken and bool(facts.get(DO_NOT_CALL)) != each.do_not_call:
        facts = {**facts, DO_NOT_CALL: each.do_not_call}
    if own in taken and each.opted_out:
        out = out or now
    return {"facts": facts, "known_at": {**known, **dict.fromkeys(taken, at)}, "opted_out_at": out}


def _yes(record: Mapping[str, Any], name: str) -> bool | None:
    value = record.get(name)
    return value if isinstance(value, bool) else None
