"""Going through all customers for dates that come round: a round every few hours, a batch a transaction.

A position says how far the round is, so that a process that dies is followed by another from there; what is told twice
has one id, and is one fact. A fact that becomes known on the very day is found by the day's next round.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, or_, select

from connector.config.dates import CustomerDate
from connector.feedback.customers.dates.coming_round import comes_round, read
from connector.storage.engine.database import Database
from connector.storage.schema.tables import customers, events
from connector.storage.stores import cursors
from connector.storage.stores.inbox import insert_deliveries, own_event

log = logging.getLogger(__name__)

POSITION = "dates of customers"
EVERY = timedelta(hours=6)
MADE_UP_FOR = timedelta(days=7)
"""So far back a round looks when nobody looked in between."""

_LEASE = timedelta(minutes=5)
_c = customers.c


@dataclass(frozen=True, slots=True)
class RoundOfAll:
    """``zone`` is whose midnight begins a day."""

    database: Database
    dates: Sequence[CustomerDate]
    zone: str

    def due(self, now: datetime, most: int) -> int:
        """Go on with the round, or begin the next, by ``most`` customers. → how many were looked at."""
        if not self.dates:
            return 0
        with self.database.read() as tx:
            if self._is_over(cursors.where(tx, POSITION), now):
                return 0
        return self.database.transact(lambda tx: self._go_on(tx, now, most), lasting=False)

    def _go_on(self, tx: Connection, now: datetime, most: int) -> int:
        at = cursors.take(self.database, tx, POSITION, now, lease=_LEASE, every=timedelta(), first="")
        if at is None:
            return 0
        if self._is_over(at, now):  # another process made it meanwhile
            cursors.hold(tx, POSITION, at, now)
            return 0
        begun, looked_until, after = _read(at) if at else (now, self._today(now), "")
        begun = begun if after else now
        found = self._customers(tx, after, most)
        self._tell(tx, found, looked_until, self._today(begun), begun)
        over = len(found) < most
        reached = self._today(begun) if over else looked_until
        cursors.move(tx, POSITION, _written(begun, reached, "" if over else found[-1].id), now)
        return 0 if over else len(found)

    def _is_over(self, at: str | None, now: datetime) -> bool:
        """Whether a round is behind us, and the next not due. One that was made in the future, before the clock was set
        back, is none."""
        if not at:
            return False
        begun, _, after = _read(at)
        return not after and abs(now - begun) < EVERY

    def _today(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self.zone)).date()

    def _customers(self, tx: Connection, after: str, most: int) -> list[Any]:
        """Those that have one of the facts at all."""
        has_one = or_(*(_c.facts[rule.field.split(".")[0]].as_string().is_not(None) for rule in self.dates))
        chosen = select(_c.id, _c.facts).where(_c.id > after, has_one).order_by(_c.id).limit(most)
        return list(tx.execute(chosen))

    def _tell(self, tx: Connection, found: Sequence[Any], looked_until: date, today: date, now: datetime) -> None:
        first = max(looked_until, today - MADE_UP_FOR)
        due = [event for row in found for event in self._of(row, first, today)]
        if not due:
            return
        known = _told_before(tx, {row.id for row in found}, now)
        fresh = [each for each in due if (each[0], each[1].event, each[1].kind, each[2].year) not in known]
        rows = [_event(*each, self._midnight(each[2])) for each in fresh]
        if rows:
            insert_deliveries(self.database, tx, rows)

    def _of(self, row: Any, first: date, today: date) -> Iterator[tuple[str, CustomerDate, date, date, int]]:
        for rule in self.dates:
            if given := read(row.facts, rule.field):
                yield from ((row.id, rule, day, given, years) for day, years in comes_round(rule, given, first, today))

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self.zone)).astimezone(UTC)


def _told_before(tx: Connection, people: set[str], now: datetime) -> set[tuple[str, str, str, int]]:
    """What these customers were told of lately, also under the id of somebody who was found to be the same."""
    e = events.c
    told = select(e.customer_id, e.type, e.data).where(
        e.customer_id.in_(bindparam("people", expanding=True)), e.connection == "ringback", e.time > bindparam("since")
    )
    since = now - MADE_UP_FOR - timedelta(days=2)
    rows = tx.execute(told, {"people": list(people), "since": since})
    whole = [row for row in rows if {"kind", "on"} <= row.data.keys()]
    return {(row.customer_id, row.type, row.data["kind"], int(row.data["on"][:4])) for row in whole}


def _event(customer: str, rule: CustomerDate, day: date, given: date, years: int, at: datetime) -> dict[str, Any]:
    data = {"date": given.isoformat(), "on": day.isoformat(), "kind": rule.kind, "years": years}
    key = f"date-{rule.event}-{rule.kind}-{customer}-{day.year if rule.yearly else 'once'}"
    return own_event(rule.event, key, at, {**data, "customer": {"id": customer}})


def _read(at: str) -> tuple[datetime, date, str]:
    """When the round began, up to which day all were looked at before it, and after whom it goes on; "": it is
    over."""
    begun, looked_until, after = at.split("/")
    return datetime.fromisoformat(begun), date.fromisoformat(looked_until), after


def _written(begun: datetime, looked_until: date, after: str) -> str:
    return f"{begun.isoformat()}/{looked_until.isoformat()}/{after}"
