"""Bringing a vendor's records up to date: of answers, of the people who gave them, and of their accounts.

One worker at a time and connection does it (the effects' serial says so), so no two writes ever meet on one account,
whatever account a person moves to meanwhile. It writes what is true now, and only what does not stand there already;
so doing it again after trouble costs nothing, and an older answer cannot overwrite a newer one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from connector.feedback.crm import people_cache
from connector.feedback.crm.people_cache import CurrentRecord
from connector.feedback.crm.snapshots import Snapshots, TicketLink
from connector.storage.engine import bulk
from connector.storage.engine.database import Database
from connector.storage.schema.tables import crm_jobs, crm_written
from integrations.errors import IntegrationError, Moved, NotYet, Permanent, Transient
from integrations.protocols import CrmPerson, CrmRecords, CrmRow, PersonPicture

JOB_ENDS = timedelta(hours=12)
"""A job that a CRM does not finish in so long is given up, and its rows are written again."""

_NO_JOB = frozenset(("bad_id", "job_failed"))
"""What is said of a job that cannot be found, or gives no reason of its end."""

_GONE = "the customer's record was deleted in the CRM, and not merged into another"
_STANDS = select(crm_written.c.record, crm_written.c.digest).where(
    crm_written.c.connection == bindparam("connection"),
    crm_written.c.object == bindparam("object"),
    crm_written.c.record.in_(bindparam("records", expanding=True)),
)
_WRITTEN = bulk.Upsert(crm_written, keys=("connection", "object", "record"), newest="written_at")
_JOB = select(crm_jobs).where(crm_jobs.c.connection == bindparam("connection"))
_JOB_STARTED = bulk.Upsert(crm_jobs, keys=("connection",), newest="started_at")

Key = tuple[str, str]
"""(object, record)"""


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """One answer and the record that its customer is known by."""

    answer: str
    record: str


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What became of a wish: the record where the customer's picture stands now, or the error."""

    record: str = ""
    error: IntegrationError | None = None
    is_shown: bool = True  # the answer is the newest of its metric, and stands on the person
    has_own: bool = False  # the answer has a record of its own


class RecordSync:
    """The desk of one connection at one moment."""

    def __init__(
        self, database: Database, connection: str, crm: CrmRecords, link: TicketLink, now: datetime
    ) -> None:
        self._database, self._connection, self._crm, self._link, self._now = database, connection, crm, link, now
        self._errors: dict[Key, IntegrationError] = {}
        self._shown: set[str] = set()

    def bring(self, wishes: Sequence[SyncRequest]) -> list[SyncResult]:
        """Raises NotYet while a job is at work, and whatever a look-up meets."""
        self._collect()
        found = people_cache.find(self._database, self._connection, self._crm, {w.record for w in wishes}, self._now)
        wanted = {wish.answer: found.living[wish.record] for wish in wishes if wish.record in found.living}
        people = {each.record: each for each in wanted.values()}
        accounts = {each.account for each in people.values() if each.account}
        self._step(lambda draw: map(self._crm.answer, draw.answers(wanted)))
        self._step(lambda draw: self._drawn(draw.people(people.values())))
        self._step(lambda draw: map(self._crm.account, draw.accounts(accounts)))
        self._look_again(people)
        return [self._brought(wish, found) for wish in wishes]

    def _step(self, draw: Callable[[Snapshots], Iterable[CrmRow | None]]) -> None:
        """Write the rows of a picture that do not stand there yet."""
        with self._database.read() as tx:
            rows = [row for row in draw(Snapshots(tx, self._connection, self._link)) if row is not None]
            by_object: dict[str, list[CrmRow]] = {}
            for row in rows:
                by_object.setdefault(row.object, []).append(row)
            due = {name: self._changed(tx, name, each) for name, each in by_object.items()}
        for each in due.values():
            self._send(each)

    def _drawn(self, pictures: Iterable[PersonPicture]) -> Iterator[CrmRow]:
        for picture in pictures:
            self._shown.update(picture.newest)
            yield self._crm.person(picture)

    def _changed(self, tx: Connection, name: str, rows: Sequence[CrmRow]) -> list[CrmRow]:
        asked = {"connection": self._connection, "object": name, "records": [row.key for row in rows]}
        stands = {row.record: row.digest for row in tx.execute(_STANDS, asked)}
        return [row for row in rows if row.values and stands.get(row.key) != row.digest]

    def _send(self, rows: Sequence[CrmRow]) -> None:
        """What a job has just failed with is not tried again at once."""
        due = [row for row in rows if (row.object, row.key) not in self._errors]
        if len(due) > self._crm.bulk_above:
            self._hand_over(due)
        if not due:
            return
        results = self._crm.write(due)
        self._note({row.key: row for row in due}, dict(zip((row.key for row in due), results, strict=True)))
        if (trouble := next(filter(_is_everybodys, results), None)) is not None:
            raise trouble

    def _note(self, rows: Mapping[str, CrmRow], results: Mapping[str, IntegrationError | None]) -> None:
        done = {key: rows[key].digest for key, error in results.items() if error is None and key in rows}
        name = next(iter(rows.values())).object
        self._database.transact(lambda tx: self._remember(tx, name, done), lasting=False)
        self._errors |= {(name, key): error for key, error in results.items() if error is not None}

    def _remember(self, tx: Connection, name: str, digests: Mapping[str, str]) -> None:
        place = {"connection": self._connection, "object": name, "written_at": self._now}
        bulk.execute(tx, _WRITTEN, [{**place, "record": key, "digest": each} for key, each in digests.items()])

    # --- jobs

    def _hand_over(self, rows: Sequence[CrmRow]) -> None:
        """Many rows are a job. Whoever waits for it comes back, and finds what was written standing there."""
        job = self._crm.start(rows)
        row = {"connection": self._connection, "job": job, "object": rows[0].object, "started_at": self._now}
        row["digests"] = {each.key: each.digest for each in rows}
        self._database.transact(lambda tx: bulk.execute(tx, _JOB_STARTED, [row]))
        raise NotYet(f"a job of {len(rows)} records is at work", retry_after=self._crm.look_after)

    def _collect(self) -> None:
        """Remember what a job of ours has written, if there is one and it is finished."""
        with self._database.read() as tx:
            job = tx.execute(_JOB, {"connection": self._connection}).one_or_none()
        if job is None:
            return
        if self._now - job.started_at > JOB_ENDS:
            raise self._lost(job, "it did not end")
        results = self._results(job)
        if results is None:
            raise NotYet("a job with many records is at work", retry_after=self._crm.look_after)
        if not results:
            raise self._lost(job, "it told of no record")
        done = {key: job.digests[key] for key, error in results.items() if error is None and key in job.digests}
        self._errors |= {(job.object, key): error for key, error in results.items() if error is not None}
        self._database.transact(lambda tx: self._close(tx, job, done))

    def _results(self, job: Any) -> Mapping[str, IntegrationError | None] | None:
        """By key. Why a job was refused as a whole is what became of each of its rows."""
        try:
            return self._crm.finished(job.job)
        except Permanent as error:
            if error.status is not None or error.code in _NO_JOB:
                raise self._lost(job, error.reason) from error
            return dict.fromkeys(job.digests, error)

    def _lost(self, job: Any, why: str) -> Transient:
        """Of a job that failed as a whole nothing is known: its rows are written again, and each try counts."""
        self._database.transact(lambda tx: self._close(tx, job, {}))
        return Transient(f"a job with many records came to nothing: {why}", code="job_lost")

    def _close(self, tx: Connection, job: Any, done: Mapping[str, str]) -> None:
        self._remember(tx, job.object, done)
        tx.execute(delete(crm_jobs).where(crm_jobs.c.connection == self._connection, crm_jobs.c.job == job.job))

    # --- what became of it

    def _look_again(self, people: Mapping[str, CrmPerson]) -> None:
        """Records that moved since we saw them are asked for before the next try, which follows them."""
        if any(isinstance(error, Moved) for error in self._errors.values()):
            records = list(people)
            self._database.transact(lambda tx: people_cache.forget(tx, self._connection, records, self._now))

    def _brought(self, wish: SyncRequest, found: CurrentRecord) -> SyncResult:
        person = found.living.get(wish.record)
        if person is None:
            return SyncResult(error=Moved(_GONE, code="record_gone"))
        mine = {wish.answer, person.record, person.account}
        errors = [error for (_, key), error in self._errors.items() if key in mine]
        if not errors:
            return SyncResult(person.record, None, wish.answer in self._shown, self._crm.keeps_answers)
        lasting = (each for each in errors if isinstance(each, Permanent) and not isinstance(each, Moved))
        worst = next(lasting, errors[0])
        return SyncResult(error=_later(worst) if isinstance(worst, Moved) else worst)


def _is_everybodys(error: IntegrationError | None) -> bool:
    """Whether it would meet every other call now, too: no vendor, no credentials, no calls left, no time."""
    return error is not None and (error.is_outage or error.kind in ("auth", "rate_limited") or error.code == "late")


def _later(error: IntegrationError) -> IntegrationError:
    return Transient(f"{error}; it is looked for again", code=error.code)
