"""The first meeting with an org that has a history: its contacts become customers, and old scores go onto its records.

Both go on from where they stopped. Contacts are read in the order of their ids, and how far we came is stored with what
was read: Salesforce's own query locators end after two days. A score is told as an event of our own, ``score.due``, in
the transaction that moves the position; a workflow writes it, so that history keeps to the same budget, order and marks
as what happens today, and an older score never lands on a newer one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, and_, func, or_, select

from connector.clock import Clock
from connector.feedback.consent import consents
from connector.feedback.customers import identity as customers
from connector.feedback.customers import review_queue
from connector.feedback.customers.identity import Resolver
from connector.feedback.customers.record_ids import RecordIds
from connector.storage.engine.database import Database
from connector.storage.schema.tables import identities, responses, runs, writebacks
from connector.storage.stores import cursors
from connector.storage.stores.inbox import insert_deliveries, own_event
from connector.vendors.salesforce.change_polling import OPTIONAL
from webhooks.salesforce.records import RecordNotification, consent_of, person_of
from workflows.events import Person

PAGE = 2_000  # contacts a call, the most that Salesforce gives
SCORES = 500  # of a transaction
WORKFLOW = "score-backfill"
METRIC = "nps"

FIELDS = ("FirstName", "LastName", "Email", "LastModifiedDate")

_LEASE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sync would do. ``calls`` are those of reading; writing takes one for up to 200 records."""

    contacts: int
    already: int
    scores: int
    calls: int
    write_calls: int


class BusyError(Exception):
    """Another process syncs this connection."""


class Sync:
    """``changes`` is the connection's client for reading; ``ids`` knows how connections name their records."""

    def __init__(
        self, database: Database, connection: str, changes: Any, ids: RecordIds, clock: Clock,
        country: str = customers.HOME,
    ) -> None:  # fmt: skip
        self._database, self._connection, self._changes = database, connection, changes
        self._ids, self._clock, self._country = ids, clock, country

    def plan(self) -> Plan:
        """Two calls at most, and nothing is written."""
        contacts = self._changes.count("Contact")
        with self._database.read() as tx:
            already = tx.execute(
                select(func.count()).select_from(identities).where(identities.c.system == self._connection)
            ).scalar_one()
            scores = tx.execute(select(func.count()).select_from(self._due().subquery())).scalar_one()
        return Plan(contacts, already, scores, contacts // PAGE + 1, -(-scores // 200))

    def start_over(self) -> None:
        """Forget how far earlier syncs came."""
        for what in ("contacts", "scores"):
            self._end(what, "")

    def contacts(self) -> Iterator[int]:
        """Read contacts, a page at each step: → how many. Raises IntegrationError; what was read stays."""
        after = self._begin("contacts")
        while True:
            page = self._changes.page("Contact", FIELDS, after, PAGE, OPTIONAL["Contact"])
            if not page:
                break
            after = str(page[-1]["Id"])
            self._database.transact(partial(self._learn, page, after))
            yield len(page)
        self._end("contacts", after)

    def scores(self) -> Iterator[int]:
        """Ask for the writing of what is newer than what stands on the records, a batch at each step: → how many."""
        after: str | None = self._begin("scores")
        while after is not None:
            after, asked = self._database.transact(partial(self._ask, after))
            yield asked
        self._end("scores", "")  # the next sync looks at everybody again: new answers may have come

    def written(self) -> tuple[int, int]:
        """How many runs of the workflow ended, and of how many."""
        with self._database.read() as tx:
            counted = select(func.count(runs.c.ended_at), func.count()).where(runs.c.workflow == WORKFLOW)
            ended, all_ = tx.execute(counted).one()
        return int(ended), int(all_)

    def _begin(self, what: str) -> str:
        now = self._clock()
        take = partial(cursors.take, now=now, lease=_LEASE, every=timedelta(0), first="")
        after = self._database.transact(lambda tx: take(self._database, tx, self._name(what)))
        if after is None:
            raise BusyError(f"another process syncs {self._connection}; wait for it, or two minutes after it ended")
        return after

    def _end(self, what: str, at: str) -> None:
        self._database.transact(lambda tx: cursors.move(tx, self._name(what), at, self._clock()))

    def _name(self, what: str) -> str:
        return f"sync:{self._connection}:{what}"

    def _learn(self, page: Sequence[Mapping[str, Any]], after: str, tx: Connection) -> None:
        now = self._clock()
        people = [self._person(record) for record in page]
        self._database.lock(tx, customers.lock_keys(people, self._ids, self._country))
        found = Resolver(self._database, tx, self._ids, now, self._country).resolve(people)
        conflicts = [review_queue.ReviewMatch("", c.kept, c.others, now) for _, c in found if c is not None]
        review_queue.keep(tx, conflicts)
        told = [
            consents.said(customer.id, self._connection, consent_of(record), person.as_of or now)
            for record, person, (customer, _) in zip(page, people, found, strict=True)
            if customer and person
        ]
        consents.hear(tx, told, now)
        cursors.hold(tx, self._name("contacts"), after, now + _LEASE)

    def _person(self, record: Mapping[str, Any]) -> Person | None:
        telling = RecordNotification("", "Contact", record)
        person = person_of(telling, self._connection, {})
        return replace(person, as_of=telling.changed_at) if person else None

    def _ask(self, after: str, tx: Connection) -> tuple[str | None, int]:
        """→ the last record that was looked at (None: there are no more), and how many scores were asked for."""
        now, c = self._clock(), identities.c
        page = select(c.value).where(c.system == self._connection, c.value > after).order_by(c.value).limit(SCORES)
        records = list(tx.execute(page).scalars())
        if not records:
            return None, 0
        due = {row.customer_id: row.id for row in tx.execute(self._due().where(c.value.in_(records)))}
        if due:
            insert_deliveries(self._database, tx, [self._wish(customer, id_, now) for customer, id_ in due.items()])
        cursors.hold(tx, self._name("scores"), records[-1], now + _LEASE)
        return records[-1], len(due)

    def _wish(self, customer: str, response: str, now: datetime) -> dict[str, Any]:
        data = {"crm": self._connection, "metric": METRIC, "response": response, "customer": {"id": customer}}
        return own_event("score.due", f"score-due-{self._connection}-{response}", now, data)

    def _due(self) -> Select[Any]:
        """The newest answers of customers with a record here that does not bear them yet."""
        r, i, w = responses.c, identities.c, writebacks.c
        newest = select(r.customer_id, func.max(r.answered_at).label("at")).where(r.metric == METRIC)
        best = newest.group_by(r.customer_id).subquery()
        its = and_(r.customer_id == best.c.customer_id, r.answered_at == best.c.at, r.metric == METRIC)
        stands = and_(w.connection == self._connection, w.record == i.value, w.metric == METRIC)
        joined = identities.join(best, best.c.customer_id == i.customer_id).join(responses, its)
        here = and_(i.system == self._connection, i.gone_at.is_(None))
        older = or_(w.answered_at.is_(None), w.answered_at < best.c.at)
        return select(r.id, i.customer_id).select_from(joined.outerjoin(writebacks, stands)).where(here, older)
