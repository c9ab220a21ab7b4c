"""Who was seen with which phone number."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from connector.feedback.customers import matching
from connector.feedback.customers.phone_numbers import Number
from connector.storage.engine import bulk
from connector.storage.schema import tables as t

_PHONES = select(t.phones).where(t.phones.c.number.in_(bindparam("numbers", expanding=True)))
_SEEN_WITH = bulk.Insert(t.phones, skip_known=True)


class PhoneBook:
    """Who was seen with which number: those of a batch. Of a number that many share no more is kept."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx
        self._known: dict[str, list[str]] = {}
        self._new: list[tuple[str, str]] = []

    @property
    def holders(self) -> set[str]:
        return {customer for each in self._known.values() for customer in each}

    def look_up(self, numbers: set[str]) -> None:
        rows = self._tx.execute(_PHONES, {"numbers": list(numbers)}) if numbers else ()
        for row in rows:
            self._known.setdefault(row.number, []).append(row.customer_id)

    def of(self, number: Number) -> list[str]:
        return self._known.get(number.text, [])

    def add(self, number: Number, customer: str) -> None:
        known = self._known.setdefault(number.text, [])
        if customer not in known and len(known) < matching.SHARED:
            known.append(customer)
            self._new.append((number.text, customer))

    def give(self, gone: str, keep: str) -> None:
        """What was one's is the other's; in the database ``merge`` has seen to it."""
        for number, known in self._known.items():
            self._known[number] = list(dict.fromkeys(keep if each == gone else each for each in known))
        self._new = [(number, keep if each == gone else each) for number, each in self._new]

    def store(self) -> None:
        rows = [{"number": number, "customer_id": customer} for number, customer in dict.fromkeys(self._new)]
        bulk.execute(self._tx, _SEEN_WITH, rows)
        self._new = []
