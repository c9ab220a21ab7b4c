"""Customers as somebody looks them up: found by a name, an address, a number or an id, and what belongs to each.

Each function needs an open transaction, changes nothing, and makes as many statements for a million rows as for ten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ColumnElement, Connection, and_, func, or_, select

from connector.feedback.customers.phone_numbers import trait
from connector.storage.schema.tables import (
    OPEN_CALLBACKS,
    callbacks,
    consents,
    customers,
    identities,
    phones,
    responses,
)
from integrations import mailboxes

_SHORTEST = 2  # signs of a part of a name that is looked for

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


@dataclass(frozen=True, slots=True)
class ListedCustomer:
    """A customer, as a list shows them."""

    id: str
    name: str
    email: str
    phone: str
    loyalty: str
    opted_out_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ScoreMoment:
    """One score of a customer."""

    metric: str
    scale: str
    score: int
    band: str
    survey: str
    at: datetime


@dataclass(frozen=True, slots=True)
class KnownAs:
    """What a customer is called elsewhere. ``gone_at``: that record is no more."""

    system: str
    value: str
    gone_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """What a customer decided, how they said it, and who of the staff wrote it down and why ("" where nobody did)."""

    kind: str
    granted: bool
    text_version: str
    source: str
    by: str
    note: str
    at: datetime


def listed(
    tx: Connection, *, limit: int, before: str = "", where: ColumnElement[bool] | None = None
) -> list[ListedCustomer]:
    """Customers, those known last first; from behind the customer ``before`` on."""
    c = customers.c
    found = select(c.id, c.name, c.email, c.phone, c.loyalty, c.opted_out_at, c.created_at)
    found = found.order_by(c.id.desc()).limit(limit)
    found = found.where(c.id < before) if before else found
    found = found.where(where) if where is not None else found
    return [
        ListedCustomer(row.id, row.name or "", row.email or "", row.phone or "", row.loyalty, *row[5:])
        for row in tx.execute(found)
    ]


def matching(asked: str, connections: Iterable[str], country: str) -> ColumnElement[bool]:
    """Whom somebody may mean: part of a name or address, or a whole id, address or phone number. ``country`` is where
    numbers without + are from."""
    c, text = customers.c, asked.strip()
    exact = [known_by(text, connections)]
    number = trait(text, country)
    if number is not None:
        exact.append(c.id.in_(select(phones.c.customer_id).where(phones.c.number == number.text)))
    if len(text) < _SHORTEST:
        return or_(*exact)
    return or_(*exact, c.name.icontains(text, autoescape=True), c.email.icontains(text, autoescape=True))


def known_by(asked: str, connections: Iterable[str]) -> ColumnElement[bool]:
    """Whoever has this id: ours, a system's ("zendesk:4711", or 4711 alone), or an e-mail address."""
    i, text = identities.c, asked.strip()
    system, colon, value = text.partition(":")
    named = (i.system == system) & (i.value == value) if colon else i.system.in_([*connections]) & (i.value == text)
    address = (i.system == "email") & (i.value == mailboxes.normal(text))
    return or_(customers.c.id == text, customers.c.id.in_(select(i.customer_id).where(or_(named, address))))


def one(tx: Connection, customer_id: str) -> ListedCustomer | None:
    """A customer, or None."""
    return next(iter(listed(tx, limit=1, where=customers.c.id == customer_id)), None)


def scores(tx: Connection, customer_id: str, *, limit: int = 60) -> list[ScoreMoment]:
    """A customer's latest scores, newest first."""
    r = responses.c
    found = select(r.metric, r.scale, r.score, r.band, r.survey, r.answered_at).where(r.customer_id == customer_id)
    rows = tx.execute(found.order_by(r.answered_at.desc(), r.id.desc()).limit(limit))
    return [ScoreMoment(*row) for row in rows]


def known_as(tx: Connection, customer_id: str) -> tuple[Sequence[KnownAs], Sequence[str]]:
    """A customer's ids elsewhere, and the phone numbers they were seen with."""
    i, p = identities.c, phones.c
    ids = select(i.system, i.value, i.gone_at).where(i.customer_id == customer_id).order_by(i.system, i.value)
    numbers = select(p.number).where(p.customer_id == customer_id).order_by(p.number)
    return [KnownAs(*row) for row in tx.execute(ids)], list(tx.execute(numbers).scalars())


def decisions(tx: Connection, customer_id: str, *, limit: int = 50) -> list[ConsentLine]:
    """What a customer decided, newest first."""
    c = consents.c
    found = select(c.kind, c.granted, c.text_version, c.source, c.by, c.note, c.at).where(c.customer_id == customer_id)
    return [ConsentLine(*row) for row in tx.execute(found.order_by(c.at.desc(), c.id.desc()).limit(limit))]


def belongings(tx: Connection, ids: Iterable[str]) -> Mapping[str, Belongings]:
    """By customer. One statement each for answers and callbacks, however many they are."""
    wanted = list(ids)
    answers = _counted(tx, responses.c.customer_id, wanted)
    waiting = _counted(tx, callbacks.c.customer_id, wanted, OPEN_CALLBACKS)
    return {id_: Belongings(answers.get(id_, 0), waiting.get(id_, 0)) for id_ in wanted}


def _counted(tx: Connection, customer: Column[str], ids: list[str], *where: object) -> dict[str, int]:
    found = select(customer, func.count()).where(customer.in_(ids), *where).group_by(customer)  # type: ignore[arg-type]
    return {row[0]: int(row[1]) for row in tx.execute(found)}
