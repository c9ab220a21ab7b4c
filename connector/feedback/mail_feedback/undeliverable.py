"""Addresses that take no mail. The rule is pure: it sees all that came back to an address, so their order is nothing.

One that does not exist, or is closed, is suppressed at once; one that three mails within thirty days did not reach,
too. A person may lift it; then only mail that left later counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from connector.feedback.mail_feedback.returned_mail import Kind
from connector.storage.engine.database import Database
from connector.storage.schema.tables import mail_returns, mail_suppressions
from integrations import mailboxes
from workflows.sentences import say

SOFT_BOUNCES = 3
WITHIN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Return:
    """A mail that came back: when it left, and why it came."""

    kind: Kind
    left_at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why and since when an address is suppressed."""

    kind: Kind
    why: str
    since: datetime


def judge(returns: Iterable[Return], lifted_at: datetime | None = None) -> Suppression | None:
    """Whether an address is suppressed, by all that came back to it."""
    counted = [each for each in returns if lifted_at is None or each.left_at > lifted_at]
    hard = sorted((each for each in counted if each.kind is Kind.HARD), key=lambda each: (each.left_at, each.why))
    if hard:
        return Suppression(Kind.HARD, hard[0].why, hard[0].left_at)
    soft = sorted((each for each in counted if each.kind is Kind.SOFT), key=lambda each: (each.left_at, each.why))
    for first, last in zip(soft, soft[SOFT_BOUNCES - 1 :], strict=False):
        if last.left_at - first.left_at <= WITHIN:
            why = f"{SOFT_BOUNCES} mails in {WITHIN.days} days; the last: {last.why}"
            return Suppression(Kind.SOFT, why, last.left_at)
    return None


def look_again(database: Database, tx: Connection, address: str, customer: str | None) -> Suppression | None:
    """Suppress the address, or not, as all that came back to it says. The caller holds the address's lock."""
    s, r = mail_suppressions.c, mail_returns.c
    known = tx.execute(select(mail_suppressions).where(s.address == address)).one_or_none()
    rows = tx.execute(select(r.kind, r.mailed_at, r.reason, r.status).where(r.address == address)).all()
    found = judge((_return(row) for row in rows if row.kind != Kind.COMPLAINT), known.lifted_at if known else None)
    if found is None:
        return None
    told = {"kind": found.kind.value, "reason": found.why, "since": found.since}
    tx.execute(database.insert_new(mail_suppressions), {"address": address, "customer_id": customer, **told})
    tx.execute(update(mail_suppressions).where(s.address == address).values(**told))
    return found


def why_not(tx: Connection, address: str | None) -> str | None:
    """The reason not to write to this address, or None."""
    why = comes_back(tx, address)
    return None if why is None else say("refusal.undeliverable", why=why)


def comes_back(tx: Connection, address: str | None) -> str | None:
    """Why mail to this address comes back; None where it does not, or nobody was told."""
    if not address:
        return None
    s = mail_suppressions.c
    asked = select(s.reason).where(s.address == mailboxes.normal(address), s.since.is_not(None))
    why: str | None = tx.execute(asked).scalar_one_or_none()
    return why


def lift(tx: Connection, address: str, by: str, now: datetime) -> bool:
    """Write to it again. False: it was not suppressed."""
    s = mail_suppressions.c
    held = update(mail_suppressions).where(s.address == mailboxes.normal(address), s.since.is_not(None))
    return tx.execute(held.values(since=None, lifted_at=now, lifted_by=by)).rowcount == 1


def suppressed(tx: Connection, limit: int) -> Sequence[Row[Any]]:
    """The addresses that are not written to, the newest first."""
    s = mail_suppressions.c
    asked = select(mail_suppressions).where(s.since.is_not(None)).order_by(s.since.desc(), s.address)
    return tx.execute(asked.limit(limit)).all()


def lock_key(address: str) -> str:
    return f"mail-address:{address}"


def _return(row: Any) -> Return:
    return Return(Kind(row.kind), row.mailed_at, f"{row.reason}, {row.status}" if row.status else row.reason)
