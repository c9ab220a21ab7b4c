"""What a CRM says a person allows, known before we ask or call: its opt-out of e-mail, and "do not call".

It is learned whenever a person is looked up, and from messages about them. ``customer.do_not_call`` is there for
conditions and for who calls; an opt-out is never undone by what a CRM says: only the person can.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from connector.feedback.base.event_hooks import IncomingEvent
from connector.storage.schema.tables import customers, identities
from integrations.protocols import CrmPerson

DO_NOT_CALL = "do_not_call"

_OWNERS = select(identities).where(
    identities.c.system == bindparam("connection"), identities.c.value.in_(bindparam("records", expanding=True))
)
_FACTS = select(customers.c.id, customers.c.facts).where(customers.c.id.in_(bindparam("ids", expanding=True)))


def learn(tx: Connection, connection: str, people: Iterable[CrmPerson], now: datetime) -> None:
    """From people as they were just seen (under our names of their records)."""
    known = {each.record: each for each in people}
    owner = {row.value: row.customer_id for row in tx.execute(_OWNERS, {"connection": connection, "records": [*known]})}
    told = {customer: known[record] for record, customer in owner.items()}
    opt_out(tx, [customer for customer, each in told.items() if each.opted_out], now)
    said = ((customer, each.do_not_call) for customer, each in told.items())
    set_calls(tx, {customer: value for customer, value in said if value is not None}, now)


def learn_from(tx: Connection, arrivals: Iterable[IncomingEvent], now: datetime) -> None:
    """From messages that carry the field."""
    told = {
        each.customer.id: record["DoNotCall"]
        for each in arrivals
        if each.customer and isinstance((record := each.data.get("record") or {}).get("DoNotCall"), bool)
    }
    set_calls(tx, told, now)


def opt_out(tx: Connection, ids: Iterable[str], now: datetime) -> None:
    """These customers want no surveys."""
    still_in = update(customers).where(customers.c.id.in_(list(ids)), customers.c.opted_out_at.is_(None))
    tx.execute(still_in.values(opted_out_at=now, updated_at=now))


def set_calls(tx: Connection, told: Mapping[str, bool], now: datetime) -> None:
    """By customer, whether they are not to be called. Most say nothing new, so what is known is looked at first."""
    if not told:
        return
    for row in tx.execute(_FACTS, {"ids": [*told]}).all():
        if bool(row.facts.get(DO_NOT_CALL)) != told[row.id]:
            facts: dict[str, Any] = {**row.facts, DO_NOT_CALL: told[row.id]}
            tx.execute(update(customers).where(customers.c.id == row.id).values(facts=facts, updated_at=now))
