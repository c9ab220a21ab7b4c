"""The review list: people whom the systems do not agree about. Nothing is guessed; a person decides, once.

Two kinds of case stand on it. *customers*: ids of one event lead to several customers, which some system contradicts;
the event went to the one with the strongest id. Or they share a phone number, and may be the same. *records*: several
records of a CRM share a customer's e-mail address, or some have their phone number; none was written. A decision is
applied at once and remembered: the same case is not asked about again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, tuple_, update

from connector.feedback.customers import identity as customers
from connector.feedback.customers.record_ids import RecordIds
from connector.ids import digest, new_id
from connector.storage.engine import bulk
from connector.storage.engine.database import Database
from connector.storage.schema.tables import identities, identity_conflicts

CUSTOMERS, RECORDS = "customers", "records"
OPEN, DECIDED = "open", "decided"
SAME, DIFFERENT = "same", "different"

_KEEP = bulk.Insert(identity_conflicts, skip_known=True)


class ReviewError(Exception):
    """A decision that cannot be taken; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class ReviewMatch:
    """A case: the customer it is about, and those (or the records) that may be them."""

    event_id: str
    kept: str
    others: tuple[str, ...]
    at: datetime
    connection: str = ""
    kind: str = CUSTOMERS

    @property
    def mark(self) -> str:
        """The same for the same case, however often it is met and whoever of them is met first."""
        whom = sorted((self.kept, *self.others)) if self.kind == CUSTOMERS else [self.kept]
        return _mark(self.kind, self.connection, *whom)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody, or some record, that the case may be about. ``ids`` are theirs elsewhere."""

    id: str
    name: str = ""
    email: str = ""
    ids: Mapping[str, str] | None = None
    phone: str = ""


@dataclass(frozen=True, slots=True)
class ReviewCase:
    """One entry of the list, with its candidates; the first of a case of customers is the one the event went to."""

    id: str
    kind: str
    connection: str
    customer: str
    status: str
    times: int
    seen_at: datetime
    candidates: tuple[Candidate, ...]
    decision: str = ""
    decided_by: str = ""
    decided_at: datetime | None = None


def keep(tx: Connection, found: Sequence[ReviewMatch]) -> None:
    """Put cases on the list; one that is there already is counted."""
    if not found:
        return
    cases, c = {each.mark: each for each in found}, identity_conflicts.c
    met = tx.execute(select(c.mark).where(c.mark.in_(cases))).scalars().all()
    bulk.execute(tx, _KEEP, [_row(each) for each in cases.values()])
    for mark in met:
        again = update(identity_conflicts).where(c.mark == mark)
        tx.execute(again.values(times=c.times + 1, seen_at=cases[mark].at))


def keep_conflict(tx: Connection, found: ReviewMatch) -> None:
    keep(tx, [found])


def several(
    database: Database, connection: str, customer_id: str | None, records: Sequence[str], now: datetime
) -> None:  # fmt: skip
    """Put a customer on the list whose e-mail address several records of a CRM share, or whose phone number some have,
    unless it was decided that none of them is theirs."""
    if customer_id:
        found = ReviewMatch("", customer_id, tuple(records), now, connection, RECORDS)
        database.transact(lambda tx: _meet_again(tx, found))


def none_of(tx: Connection, connection: str, customer_id: str, records: Sequence[str]) -> bool:
    """Whether it was decided that none of these records is the customer's."""
    row = _decided(tx, connection, customer_id)
    return row is not None and row.decision == DIFFERENT and set(records) <= set(row.others)


def _meet_again(tx: Connection, found: ReviewMatch) -> None:
    """A decision was about the records of then: with others among them it is to be taken anew."""
    row = _decided(tx, found.connection, found.kept)
    if row is not None and not set(found.others) <= set(row.others):
        anew = {"status": OPEN, "decision": "", "decided_by": "", "decided_at": None, "others": list(found.others)}
        tx.execute(update(identity_conflicts).where(identity_conflicts.c.id == row.id).values(anew))
    keep(tx, [found])


def listed(tx: Connection, *, status: str | None = OPEN, limit: int = 50, before: str = "") -> list[ReviewCase]:
    """The list, those met last first; from behind the case ``before`` on."""
    c = identity_conflicts.c
    rows = select(identity_conflicts).order_by(c.seen_at.desc(), c.id.desc()).limit(limit)
    if before:
        place = select(c.seen_at, c.id).where(c.id == before).correlate(None).scalar_subquery()
        rows = rows.where(tuple_(c.seen_at, c.id) < place)
    return _cases(tx, tx.execute(rows.where(c.status == status) if status else rows).all())


def shown(tx: Connection, case_id: str) -> ReviewCase | None:
    """One case, or None."""
    rows = tx.execute(select(identity_conflicts).where(identity_conflicts.c.id == case_id)).all()
    return next(iter(_cases(tx, rows)), None)


def decide(
    database: Database, tx: Connection, case_id: str, choice: str, by: str, now: datetime, *, ids: RecordIds
) -> ReviewCase:
    """Apply and remember a decision: "same", "different", or the id of the record that is the customer's. ``ids`` knows
    how the connections name their records.

    Raises ReviewError. Repeating the same decision changes nothing.
    """
    c = identity_conflicts.c
    row = tx.execute(select(identity_conflicts).where(c.id == case_id).with_for_update()).one_or_none()
    if row is None:
        raise ReviewError(f"There is no case {case_id}; `ringback customers review` lists those there are.")
    if row.status == DECIDED and row.decision != choice:
        raise ReviewError(f"Case {case_id} was decided already: {row.decision}, by {row.decided_by}.")
    if row.status != DECIDED:
        _apply(database, tx, row, choice, now, ids)
        decided = {"status": DECIDED, "decision": choice, "decided_by": by, "decided_at": now}
        tx.execute(update(identity_conflicts).where(c.id == case_id).values(decided))
    [case] = _cases(tx, tx.execute(select(identity_conflicts).where(c.id == case_id)).all())
    return case


def settle(tx: Connection, kept: str, gone: str, now: datetime) -> None:
    """Whether these two are one need not be asked any more: the CRM itself says so."""
    c, both = identity_conflicts.c, {kept, gone}
    waiting = select(identity_conflicts).where(c.kind == CUSTOMERS, c.status == OPEN, c.kept.in_(both))
    told = [row.id for row in tx.execute(waiting) if set(row.others) <= both]
    decided = {"status": DECIDED, "decision": SAME, "decided_by": "the CRM", "decided_at": now}
    tx.execute(update(identity_conflicts).where(c.id.in_(told)).values(decided))


def chosen(tx: Connection, connection: str, customer_id: str) -> str | None:
    """What was decided about the records of a customer: "different" (none is theirs), a record's id, or None."""
    row = _decided(tx, connection, customer_id)
    return str(row.decision) if row else None


def _decided(tx: Connection, connection: str, customer_id: str) -> Any:
    c = identity_conflicts.c
    mark = _mark(RECORDS, connection, customer_id)
    return tx.execute(select(identity_conflicts).where(c.mark == mark, c.status == DECIDED)).one_or_none()


def _mark(kind: str, connection: str, *whom: str) -> str:
    return f"{kind}:{digest(':'.join([connection, *whom]))}"


def _apply(database: Database, tx: Connection, row: Any, choice: str, now: datetime, ids: RecordIds) -> None:
    if choice == DIFFERENT:
        return
    if row.kind == CUSTOMERS and choice == SAME:
        _join(database, tx, row, now)
    elif row.kind == RECORDS and choice in row.others:
        _give(database, tx, row, choice, ids.canonical(row.connection, choice))
    else:
        choices = [SAME, DIFFERENT] if row.kind == CUSTOMERS else [*row.others, DIFFERENT]
        raise ReviewError(f"{choice!r} is no choice for case {row.id}; choose {' or '.join(choices)}.")


def _join(database: Database, tx: Connection, row: Any, now: datetime) -> None:
    """All candidates become the customer that the event went to; answers, callbacks and ids go along."""
    known = customers.load(tx, [row.kept, *row.others])
    if row.kept not in known:
        raise ReviewError(f"The customer {row.kept} of case {row.id} is there no more; decide: different.")
    for other in row.others:
        if other in known:
            joined = customers.union(known[row.kept], known[other])
            customers.rewrite(tx, joined, now)
            customers.merge(tx, row.kept, other)
            known[row.kept] = joined


def _give(database: Database, tx: Connection, row: Any, record: str, value: str | None) -> None:
    """The record, under its one name ``value``, is the customer's from now on, unless it is somebody else's."""
    if value is None:
        raise ReviewError(f"{record!r} is no id of a record at {row.connection}; decide: different, and send its id.")
    database.lock(tx, [f"person:{row.connection}:{value}"])
    owner = select(identities.c.customer_id).where(identities.c.system == row.connection, identities.c.value == value)
    known = tx.execute(owner).scalar_one_or_none()
    if known not in (None, row.kept):
        raise ReviewError(f"The record {record} is another customer's ({known}); decide about those two first.")
    given = {"system": row.connection, "value": value, "customer_id": row.kept, "gone_at": None}
    bulk.execute(tx, customers.KNOW, [given])


def _row(found: ReviewMatch) -> dict[str, Any]:
    return {
        "id": new_id(), "kind": found.kind, "mark": found.mark, "connection": found.connection,
        "event_id": found.event_id, "kept": found.kept, "others": list(found.others), "seen_at": found.at, "times": 1,
        "status": OPEN, "decision": "", "decided_by": "", "decided_at": None,
    }  # fmt: skip


def _cases(tx: Connection, rows: Sequence[Any]) -> list[ReviewCase]:
    ids = {id_ for row in rows for id_ in (row.kept, *(row.others if row.kind == CUSTOMERS else ()))}
    known = customers.load(tx, ids)
    return [_case(row, known) for row in rows]


def _case(row: Any, known: Mapping[str, customers.Customer]) -> ReviewCase:
    people = [row.kept, *row.others] if row.kind == CUSTOMERS else [row.kept]
    candidates = [_person(id_, known.get(id_)) for id_ in people]
    candidates += [Candidate(record) for record in row.others] if row.kind == RECORDS else []
    return ReviewCase(
        row.id, row.kind, row.connection, row.kept, row.status, row.times, row.seen_at, tuple(candidates), row.decision,
        row.decided_by, row.decided_at,
    )  # fmt: skip


def _person(id_: str, customer: customers.Customer | None) -> Candidate:
    if customer is None:
        return Candidate(id_, name="(there no more)")
    return Candidate(id_, customer.name or "", customer.email or "", dict(customer.ids), customer.phone or "")
