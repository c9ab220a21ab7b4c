"""Who wishes to hear what was done with their feedback: those who ticked it, and have not taken it back since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, func, select

from connector.storage.schema.tables import consents, customers, responses

IMPROVEMENTS = "improvements"
"""The kind of decision, as ``consents`` keeps it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One person's wish, and what they said last. Without an answer ``survey`` is empty and ``score`` None."""

    customer: str
    name: str
    email: str
    wished_at: datetime
    survey: str = ""
    metric: str = ""
    score: int | None = None
    comment: str = ""


def wishes(tx: Connection, *, limit: int = 50) -> list[Wish]:
    """Newest first. Who wants no mail from us, or has no address, is left out: nobody could tell them."""
    decided = _newest(consents, consents.c.kind == IMPROVEMENTS).subquery()
    said = _newest(responses).subquery()
    who = customers.c
    found = (
        select(who.id, who.name, who.email, decided.c.at, said.c.survey, said.c.metric, said.c.score, said.c.comment)
        .join(decided, decided.c.customer_id == who.id)
        .outerjoin(said, (said.c.customer_id == who.id) & (said.c.place == 1))
        .where(decided.c.place == 1, decided.c.granted.is_(True), who.opted_out_at.is_(None), who.email.is_not(None))
        .order_by(decided.c.at.desc(), who.id)
        .limit(limit)
    )
    return [
        Wish(id_, name or "", email, at, survey or "", metric or "", score, comment or "")
        for id_, name, email, at, survey, metric, score, comment in tx.execute(found)
    ]


def _newest(table: Table, *where: ColumnElement[bool]) -> Select[Any]:
    """A table's rows with their place among their customer's, the newest first."""
    place = func.row_number().over(partition_by=table.c.customer_id, order_by=table.c.id.desc()).label("place")
    return select(table, place).where(*where)
