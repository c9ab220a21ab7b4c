"""The intake: from stored deliveries to events, to runs that go on and runs that begin. One transaction a batch.

A delivery that cannot be understood is set aside with its reason and holds up none of the others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.exc import OperationalError

from connector.clock import Clock
from connector.feedback.base.event_hooks import EventHook, IncomingEvent
from connector.feedback.customers import identity as customers
from connector.feedback.customers import review_queue
from connector.feedback.customers.identity import Conflict, Customer, Resolver
from connector.feedback.customers.record_ids import Spelling
from connector.ids import new_id
from connector.observe import journal
from connector.observe.journal import Understood
from connector.runtime.intake import matching, telling
from connector.runtime.intake.brake import Brake
from connector.runtime.intake.careful_start import MOST_BEGUN, CarefulStart
from connector.runtime.intake.matching import StartPlan
from connector.runtime.runs.advance import OpenAdvancer, RunAdvancer
from connector.runtime.runs.waits import subject_key, type_key
from connector.runtime.runs.workflow_cache import WorkflowCache
from connector.storage.engine import bulk
from connector.storage.engine.database import Database
from connector.storage.schema.tables import events
from connector.storage.stores import inbox
from webhooks.delivery import Account, Delivery, Translation
from webhooks.errors import WebhookError
from workflows.calendars import BusinessCalendar
from workflows.engine import Moment
from workflows.events import Event, Person

log = logging.getLogger(__name__)

Accounts = Callable[[str], Account | None]
Begun = Sequence[tuple[int, str]]  # deliveries, and the runs they began
Reading = tuple[Any, Translation, str]  # a delivery, what it means, and why it cannot be read

_DEFAULT = Brake()
_KNOWN = select(events.c.connection, events.c.external_id, events.c.type, events.c.delivery_id).where(
    events.c.connection == bindparam("connection"), events.c.external_id.in_(bindparam("ids", expanding=True))
)
_ARRIVED = bulk.Insert(events)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a batch did: how many deliveries, which queues have work now, and what became of each delivery."""

    count: int
    asked: frozenset[str] = frozenset()
    understood: tuple[Understood, ...] = ()


class Intake:
    """Understands deliveries."""

    def __init__(
        self,
        *,
        database: Database,
        book: WorkflowCache,
        open_desk: OpenAdvancer,
        calendar: BusinessCalendar,
        accounts: Accounts,
        hooks: Sequence[EventHook],
        spelling: Spelling,
        clock: Clock,
        brake: Brake = _DEFAULT,
    ) -> None:
        self._database, self._book, self._open_desk, self._calendar = database, book, open_desk, calendar
        self._accounts, self._hooks = accounts, hooks
        self._spelling, self._clock, self._brake = spelling, clock, brake
        self._careful = CarefulStart()

    def take(self, limit: int) -> Taken:
        """Work on the oldest new deliveries. A batch that fails is taken again one by one, so that the delivery
        at fault is found and set aside."""
        taken = self._take(limit)
        journal.deliveries(taken.understood)
        return taken

    def _take(self, limit: int) -> Taken:
        if self._careful.left > 0 and (careful := self._carefully(limit)) is not None:
            return careful
        try:
            return self._oldest(limit)
        except OperationalError:
            raise  # the database, not a delivery
        except Exception:
            log.exception("a batch of deliveries failed; taking them one by one")
        with self._database.read() as tx:
            ids = inbox.new_ids(tx, limit)
        return _together([self._alone(id_) for id_ in ids])

    def _carefully(self, limit: int) -> Taken | None:
        """What was there when this process started, one by one and noted before it is begun: one of them may have been
        the end of the process before. None: that is done."""
        with self._database.read() as tx:
            ids = self._careful.next(tx, limit)
        if not ids:
            return None
        return _together([self._noted(id_) for id_ in ids])

    def _noted(self, delivery_id: int) -> Taken:
        begun = self._database.transact(lambda tx: inbox.begin(tx, delivery_id))
        if begun is None:
            return Taken(0)
        if begun < MOST_BEGUN:
            return self._alone(delivery_id)
        log.error("a delivery ended the engine %d times; it is set aside", begun, extra={"delivery": delivery_id})
        why = f"the engine ended {begun} times while it worked on this; make the workflow lighter, then replay it"
        return self._database.transact(lambda tx: self._set_aside(tx, delivery_id, why))

    def _alone(self, delivery_id: int) -> Taken:
        """One delivery by name: another worker may have taken the oldest one meanwhile."""
        try:
            return self._database.transact(partial(self._one, delivery_id))
        except OperationalError:
            raise
        except Exception:
            log.exception("a delivery could not be processed; it is set aside", extra={"delivery": delivery_id})
        return self._database.transact(lambda tx: self._set_aside(tx, delivery_id))

    def _one(self, delivery_id: int, tx: Connection) -> Taken:
        return self._batch(tx, self._read(inbox.take_new(tx, 1, only=delivery_id)))

    def _set_aside(
        self, tx: Connection, delivery_id: int, why: str = "an error of ours; see the log, then replay it"
    ) -> Taken:
        rows = inbox.take_new(tx, 1, only=delivery_id)
        inbox.settle(tx, [(row.id, "failed", why) for row in rows], self._clock())
        return Taken(len(rows), understood=tuple(Understood(row.id, row.connection, "failed", why) for row in rows))

    def _oldest(self, limit: int) -> Taken:
        """SQLite's one writer is not kept waiting while deliveries are read: only this process takes any.

        The commit need not last: the deliveries do, and the claim of what follows from them makes it last, too.
        """
        if not self._database.is_sqlite:
            return self._database.transact(lambda tx: self._batch(tx, self._read(inbox.take_new(tx, limit))))
        with self._database.read() as tx:
            rows = inbox.take_new(tx, limit)
        if not rows:
            return Taken(0)
        read = {row.id: (row, translation, error) for row, translation, error in self._read(rows)}
        still = partial(inbox.still_new, ids=list(read))
        return self._database.transact(
            lambda tx: self._batch(tx, [read[id_] for id_ in still(tx)]), lasting=False
        )

    def _batch(self, tx: Connection, read: Sequence[Reading]) -> Taken:
        if not read:
            return Taken(0)
        now = self._clock()
        found = [(event, row.id) for row, translation, _ in read for event in translation.events]
        desk, begun, known = self._apply(tx, found, now)
        verdicts = [_verdict(row, translation, error, known.get(row.id, "")) for row, translation, error in read]
        inbox.settle(tx, verdicts, now)
        rows = [row for row, _, _ in read]
        return Taken(len(rows), frozenset(desk.asked), _understood(rows, verdicts, begun))

    def _read(self, rows: Sequence[Any]) -> list[Reading]:
        return [(row, *self._translate(row)) for row in rows]

    def _translate(self, row: Any) -> tuple[Translation, str]:
        """What a delivery means, or why it cannot be read."""
        account = self._accounts(row.connection)
        if account is None or account.source is None:
            return Translation(), f"connection {row.connection!r} is no longer configured; restore it, then replay"
        delivery = Delivery(row.connection, row.key, row.received_at, row.content_type, row.headers, row.body)
        try:
            told = account.source.translate(delivery, account)
            return telling.admitted(told, account, row.received_at, self._accounts), ""
        except WebhookError as error:
            return Translation(), error.reason

    def _apply(
        self, tx: Connection, found: Sequence[tuple[Event, int]], now: datetime
    ) -> tuple[RunAdvancer, Begun, Mapping[int, str]]:
        """→ the desk, the runs that were begun, and of deliveries that told nothing new what was known."""
        moment = Moment(now, self._calendar)
        desk = self._open_desk(tx, moment)
        if not found:
            return desk, [], {}
        self._lock(tx, [event for event, _ in found])
        fresh, known = _only_new(tx, found)
        arrivals = self._arrive(tx, fresh, now)
        active = self._book.active(tx)
        plans = self._brake(tx, arrivals, [matching.plan(arrival, active, moment) for arrival in arrivals], now)
        seqs = _insert_events(tx, arrivals, plans, now)
        matching.wake(desk, arrivals, seqs, moment)
        planned = [(arrival.delivery_id, draft) for arrival, plan in zip(arrivals, plans, strict=True)
                   for draft in matching.new_runs(arrival, plan, seqs[arrival.id], now)]  # fmt: skip
        exist = desk.start([draft for _, draft in planned])
        return desk, [(delivery_id, draft.id) for delivery_id, draft in planned if draft.id in exist], known

    def _lock(self, tx: Connection, found: Sequence[Event]) -> None:
        """In one go, so that intakes cannot cross: the events, the people, and what waits look for."""
        exclusive = [f"event:{event.connection}:{event.id}" for event in found]
        exclusive += customers.lock_keys([event.person for event in found], self._spelling.ids, self._spelling.country)
        for event in found:
            subject = IncomingEvent("", event, 0, None, event.data).subject
            exclusive += [subject_key(event.type, subject)] if subject else []
        self._database.lock(tx, exclusive)
        self._database.lock(tx, [type_key(event.type) for event in found], shared=True)

    def _arrive(self, tx: Connection, fresh: Sequence[tuple[Event, int]], now: datetime) -> Sequence[IncomingEvent]:
        """Give each event its customer, and each feature its part."""
        people = [_person(event, now) for event, _ in fresh]
        resolved = Resolver(self._database, tx, self._spelling.ids, now, self._spelling.country).resolve(people)
        batch: Sequence[IncomingEvent] = [
            _arrival(event, delivery_id, customer)
            for (event, delivery_id), (customer, _) in zip(fresh, resolved, strict=True)
        ]
        _keep_conflicts(tx, batch, [conflict for _, conflict in resolved], now)
        for hook in self._hooks:
            batch = hook(self._database, tx, batch, now)
        return batch


def _together(taken: Sequence[Taken]) -> Taken:
    told = tuple(each for t in taken for each in t.understood)
    return Taken(sum(t.count for t in taken), frozenset().union(*(t.asked for t in taken)), told)


def _person(event: Event, now: datetime) -> Person | None:
    """With the moment of what is told. A clock that is ahead must not keep out what others tell later."""
    person = event.person
    return replace(person, as_of=min(event.time, now)) if person and person.as_of is None else person


def _arrival(event: Event, delivery_id: int, customer: Customer | None) -> IncomingEvent:
    neutral = {"type": event.type, "id": event.id, "time": event.time.isoformat(), "connection": event.connection}
    data = {**event.data, **neutral, "customer": customer.id if customer else None}
    return IncomingEvent(new_id(), event, delivery_id, customer, data)


def _only_new(
    tx: Connection, found: Sequence[tuple[Event, int]]
) -> tuple[list[tuple[Event, int]], Mapping[int, str]]:
    """Drop what is known already: the same id on the same connection is the same fact. → the others, and of deliveries
    of which nothing is left what they are known as."""
    by_connection: dict[str, set[str]] = {}
    for event, _ in found:
        by_connection.setdefault(event.connection, set()).add(event.id)
    asked = ({"connection": name, "ids": list(ids)} for name, ids in by_connection.items())
    known = {(row.connection, row.external_id): row for each in asked for row in tx.execute(_KNOWN, each)}
    fresh, told = [], {key: (row.type, row.delivery_id) for key, row in known.items()}
    doubles: dict[int, str] = {}
    for event, delivery_id in found:
        key = (event.connection, event.id)
        if key in told:
            doubles.setdefault(delivery_id, _known_as(*told[key], delivery_id))
        else:
            told[key] = (event.type, delivery_id)
            fresh.append((event, delivery_id))
    newcomers = {delivery_id for _, delivery_id in fresh}
    return fresh, {delivery: said for delivery, said in doubles.items() if delivery not in newcomers}


def _known_as(type_: str, first: int | None, delivery_id: int) -> str:
    """Nothing of a delivery that is only understood anew: its facts are its own."""
    if first == delivery_id:
        return ""
    return f"already known as {type_}" + (f" of delivery {first}" if first is not None else "")


def _insert_events(
    tx: Connection, arrivals: Sequence[IncomingEvent], plans: Sequence[Sequence[StartPlan]], now: datetime
) -> dict[str, int]:
    """Store the events; → their place in the order of arrival, by id."""
    rows: list[dict[str, Any]] = [
        {
            "seq": seq,
            "id": arrival.id,
            "connection": arrival.event.connection,
            "external_id": arrival.event.id,
            "type": arrival.type,
            "subject": arrival.subject,
            "customer_id": arrival.customer.id if arrival.customer else None,
            "time": arrival.event.time,
            "received_at": now,
            "delivery_id": arrival.delivery_id,
            "data": dict(arrival.data),
            "decisions": [each.json() for each in plan],
        }
        for seq, arrival, plan in zip(bulk.numbers(tx, events.c.seq, len(arrivals)), arrivals, plans, strict=True)
    ]
    bulk.execute(tx, _ARRIVED, rows)
    return {row["id"]: row["seq"] for row in rows}


def _keep_conflicts(
    tx: Connection, batch: Sequence[IncomingEvent], conflicts: Sequence[Conflict | None], now: datetime
) -> None:
    found = [
        review_queue.ReviewMatch(a.id, c.kept, c.others, now)
        for a, c in zip(batch, conflicts, strict=True)
        if c is not None
    ]
    review_queue.keep(tx, found)


def _understood(
    rows: Sequence[Any], verdicts: Sequence[tuple[int, str, str]], begun: Begun
) -> tuple[Understood, ...]:
    runs: dict[int, tuple[str, ...]] = {}
    for delivery_id, run_id in begun:
        runs[delivery_id] = (*runs.get(delivery_id, ()), run_id)
    return tuple(
        Understood(row.id, row.connection, status, reason, runs.get(row.id, ()))
        for row, (_, status, reason) in zip(rows, verdicts, strict=True)
    )


def _verdict(row: Any, translation: Translation, error: str, known: str) -> tuple[int, str, str]:
    if error:
        return row.id, "unreadable", error
    trouble = "; ".join(translation.trouble)
    if translation.events:
        return row.id, "done", trouble or known
    return row.id, "unreadable" if trouble else "ignored", trouble or translation.ignored
