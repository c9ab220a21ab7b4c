"""Customers as somebody looks them up: found by a name, an address, a number or an id, and what belongs to each.

Each function needs an open transaction, changes nothing, and makes as many statements for a million rows as for ten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Column, Connection, and_, func, or_, select

from connector.storage.schema.tables import OPEN_CALLBACKS, callbacks, customers, identities, phones, responses
from integrations import mailboxes

_FEWEST_DIGITS = 6
"""Of a number that somebody is looked up by."""


@dataclass(frozen=True, slots=True)
class Belongings:
    """How much of a customer there is: answers, and callbacks that somebody still has to make."""

    answers: int = 0
    open_callbacks: int = 0


def find(tx: Connection, text: str, limit: int = 20) -> list[str]:
    """Ids of customers, those that were heard of last first: by our own id, an id elsewhere (with or without its
    connection: "zendesk:7", "7") or an address; where nobody has it, by a number or a part of their name."""
    wanted = text.strip()
    return _exactly(tx, wanted, limit) or _like(tx, wanted, limit)


def _exactly(tx: Connection, text: str, limit: int) -> list[str]:
    system, _, value = text.partition(":")
    i, c = identities.c, customers.c
    named = or_(i.value.in_({text, mailboxes.normal(text)}), and_(i.system == system, i.value == value))
    mine = or_(c.id == text, c.id.in_(select(i.customer_id).where(named)))
    return list(tx.execute(select(c.id).where(mine).order_by(c.updated_at.desc()).limit(limit)).scalars())


def _like(tx: Connection, text: str, limit: int) -> list[str]:
    c, digits = customers.c, "".join(sign for sign in text if sign.isdigit())
    mine = [c.name.icontains(text, autoescape=True)]
    if len(digits) >= _FEWEST_DIGITS:  # as people write it: the zero before a national number is no part of E.164
        its = phones.c.number.contains(digits.lstrip("0"), autoescape=True)
        mine.append(c.id.in_(select(phones.c.customer_id).where(its)))
    return list(tx.execute(select(c.id).where(or_(*mine)).order_by(c.updated_at.desc()).limit(limit)).scalars())


def belongings(tx: Connection, ids: Iterable[str]) -> Mapping[str, Belongings]:
    """By customer. One statement each for answers and callbacks, however many they are."""
    wanted = list(ids)
    answers = _counted(tx, responses.c.customer_id, wanted)
    waiting = _counted(tx, callbacks.c.customer_id, wanted, OPEN_CALLBACKS)
    return {id_: Belongings(answers.get(id_, 0), waiting.get(id_, 0)) for id_ in wanted}


def _counted(tx: Connection, customer: Column[str], ids: list[str], *where: object) -> dict[str, int]:
    found = select(customer, func.count()).where(customer.in_(ids), *where).group_by(customer)  # type: ignore[arg-type]
    return {row[0]: int(row[1]) for row in tx.execute(found)}
