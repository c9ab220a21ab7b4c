"""Customers as somebody looks them up: found by a name, an address, a number or an id, and what belongs to each.

Each function needs an open transaction, changes nothing, and makes as many statements for a million rows as for ten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Column, Connection, func, select

from connector.storage.schema.tables import OPEN_CALLBACKS, callbacks, responses


@dataclass(frozen=True, slots=True)
class Belongings:
    """How much of a customer there is: answers, and callbacks that somebody still has to make."""

    answers: int = 0
    open_callbacks: int = 0


def belongings(tx: Connection, ids: Iterable[str]) -> Mapping[str, Belongings]:
    """By customer. One statement each for answers and callbacks, however many they are."""
    wanted = list(ids)
    answers = _counted(tx, responses.c.customer_id, wanted)
    waiting = _counted(tx, callbacks.c.customer_id, wanted, OPEN_CALLBACKS)
    return {id_: Belongings(answers.get(id_, 0), waiting.get(id_, 0)) for id_ in wanted}


def _counted(tx: Connection, customer: Column[str], ids: list[str], *where: object) -> dict[str, int]:
    found = select(customer, func.count()).where(customer.in_(ids), *where).group_by(customer)  # type: ignore[arg-type]
    return {row[0]: int(row[1]) for row in tx.execute(found)}
