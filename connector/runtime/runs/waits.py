"""Waits: stored expectations, found by the event's subject, and the look back that closes the race.

"The event arrives" and "the run starts to wait" may miss each other when two transactions do them at once.
Both sides therefore lock the subject, and whoever starts to wait looks at the events that came before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, union_all, update

from connector.ids import new_id
from connector.runtime.runs.run_update import RunUpdate
from connector.storage.engine import bulk
from connector.storage.engine.database import Database
from connector.storage.schema.tables import events, is_now, waits
from workflows import engine
from workflows.engine import Moment
from workflows.errors import WorkflowError
from workflows.runs import EventArrived, Note, WaitWanted
from workflows.sentences import say

_OF_TYPE = select(waits).where(is_now(waits.c.status, "open"), waits.c.event_type == bindparam("type"))
# Not one condition with OR: for that SQLite may read every wait there is.
_EXPECTED = union_all(
    _OF_TYPE.where(waits.c.subject.is_(None)),
    _OF_TYPE.where(waits.c.subject.in_(bindparam("subjects", expanding=True))),
)
_OPENED = bulk.Insert(waits)
_MATCHED = bulk.Update(waits, where=("id",), new=("status", "event_seq", "closed_at"))


def subject_key(event_type: str, subject: str) -> str:
    """The name of the lock that both sides of the race hold."""
    return f"wait:{event_type}:{subject}"


def type_key(event_type: str) -> str:
    """Held shared by every arriving event of the type, alone by a wait that names no subject."""
    return f"wait:{event_type}"


class Waits:
    """Opens, matches and closes waits in one transaction."""

    def __init__(self, database: Database, tx: Connection, moment: Moment) -> None:
        self._database, self._tx, self._moment = database, tx, moment

    def open(self, drafts: Iterable[RunUpdate]) -> list[tuple[RunUpdate, EventArrived]]:
        """Store the drafts' new waits and look back; says which runs need not wait at all."""
        waiting = [(draft, draft.wait) for draft in drafts if draft.wait is not None and draft.wait.event]
        if not waiting:
            return []
        self._lock([wait for _, wait in waiting])
        rows = [_row(draft, wait, self._moment.now) for draft, wait in waiting]
        bulk.execute(self._tx, _OPENED, rows)
        met = [self._look_back(draft, wait, row) for (draft, wait), row in zip(waiting, rows, strict=True)]
        return [each for each in met if each is not None]

    def _lock(self, wanted: Sequence[WaitWanted]) -> None:
        self._database.lock(self._tx, [subject_key(str(w.event), w.subject) for w in wanted if w.subject])
        self._database.lock(self._tx, [type_key(str(w.event)) for w in wanted if not w.subject])

    def _look_back(
        self, draft: RunUpdate, wait: WaitWanted, row: dict[str, Any]
    ) -> tuple[RunUpdate, EventArrived] | None:
        for event in self._earlier(draft, wait):
            verdict, notes = decide(draft, event, self._moment)
            draft.notes.extend(notes)
            if verdict:
                self.close([(row["id"], event.seq)])
                return draft, EventArrived(wait.visit, event.data)
        return None

    def _earlier(self, draft: RunUpdate, wait: WaitWanted) -> Sequence[Any]:
        """Events since the wait's step began that this run has not read past; oldest first."""
        c = events.c
        read = select(func.max(waits.c.event_seq)).where(waits.c.run_id == draft.id).scalar_subquery()
        statement = select(c.seq, c.data).where(
            c.type == wait.event,
            c.received_at >= wait.since,
            c.seq > draft.event_seq,
            c.seq > func.coalesce(read, 0),
        )
        if wait.subject:
            statement = statement.where(c.subject == wait.subject)
        return self._tx.execute(statement.order_by(c.seq)).all()

    def expected(self, arriving: Sequence[tuple[str, str | None]]) -> list[Any]:
        """Open waits for (event type, subject) pairs: those of the subject, and those of any."""
        if not arriving:
            return []
        by_type: dict[str, set[str]] = {}
        for event_type, subject in arriving:
            by_type.setdefault(event_type, set()).update({subject} if subject else set())
        asked = [{"type": name, "subjects": list(subjects)} for name, subjects in by_type.items()]
        return [row for each in asked for row in self._tx.execute(_EXPECTED, each)]

    def still_open(self, ids: Sequence[str]) -> set[str]:
        """Which of these waits are open, now that their runs are locked."""
        statement = select(waits.c.id).where(waits.c.id.in_(ids), waits.c.status == "open")
        return set(self._tx.execute(statement).scalars())

    def close(self, matched: Sequence[tuple[str, int]]) -> None:
        """Mark waits as met: (wait, the event's seq)."""
        now = self._moment.now
        rows = [{"id": id_, "status": "matched", "event_seq": seq, "closed_at": now} for id_, seq in matched]
        bulk.execute(self._tx, _MATCHED, rows)

    def end(self, run_ids: Sequence[str], status: str) -> None:
        """Close all open waits of runs: timed_out or cancelled."""
        if run_ids:
            statement = update(waits).where(waits.c.run_id.in_(run_ids), waits.c.status == "open")
            self._tx.execute(statement.values(status=status, closed_at=self._moment.now))


def decide(draft: RunUpdate, event: Any, moment: Moment) -> tuple[bool, list[Note]]:
    """Whether an event is the one the run waits for; a condition that cannot be decided is noted, not met."""
    if draft.state is None:
        return False, []
    step = (draft.state.waiting_for or "").split("#")[0]
    try:
        verdict = engine.wait_matches(draft.version.workflow, draft.state, draft.facts, event.data, moment)
    except WorkflowError as error:
        return False, [Note(step, "failed", say("wait.not_compared", error=str(error)))]
    return verdict.value, []


def _row(draft: RunUpdate, wait: WaitWanted, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "run_id": draft.id,
        "visit": wait.visit,
        "event_type": wait.event,
        "subject": wait.subject,
        "status": "open",
        "opened_at": now,
    }
