"""The desk: advances runs inside one transaction, many at a time, and writes what came of it in bulk.

A run is advanced under its row's lock from one outward call or wait to the next; nothing here calls anybody.
Locks are taken in one order everywhere: event subjects, then runs in the order of their ids, then the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from connector.feedback.base.actions import Effect, Handler, Write
from connector.runtime.doorbell import TIMERS, effects_queue
from connector.runtime.runs.prepare_actions import ActionRunner
from connector.runtime.runs.run_update import COLUMNS, RunUpdate, from_row, slot_of
from connector.runtime.runs.waits import Waits
from connector.runtime.runs.workflow_cache import WorkflowCache
from connector.storage.engine import bulk
from connector.storage.engine.database import Database, LostRaceError
from connector.storage.schema.tables import effects, history, is_now, runs
from workflows import engine
from workflows.definitions import Mode
from workflows.engine import Moment
from workflows.runs import Decision, Input, RunState, Status

_COLUMNS = ("status", "state", "due_at", "slot", "step", "reason", "updated_at", "ended_at")
_THESE = runs.c.id.in_(bindparam("ids", expanding=True))
_LOADED = select(*COLUMNS).where(_THESE).order_by(runs.c.id).with_for_update()
_BEGUN = bulk.Insert(runs, skip_known=True)
_QUEUED = bulk.Insert(runs)
_ADVANCED = bulk.Update(runs, where=("id", "epoch"), new=_COLUMNS, raised=("epoch",))
_NOTED = bulk.Insert(history)
_INTENDED = bulk.Insert(effects)
_IN_QUEUE: dict[str, Any] = {
    "status": Status.QUEUED.value,
    "slot": None,
    "due_at": None,
    "state": {},
    "step": "",
    "ended_at": None,
}
_ROUNDS = 100
"""More waits than this, each met at once by an event of the past, is a workflow that runs in a circle."""


class RunAdvancer:
    """One transaction's worth of advancing."""

    def __init__(
        self,
        database: Database,
        tx: Connection,
        book: WorkflowCache,
        handlers: Mapping[str, Handler],
        moment: Moment,
    ) -> None:
        self._database, self._tx, self._book, self._moment = database, tx, book, moment
        self._asks = ActionRunner(database, tx, handlers, moment)
        self.waits = Waits(database, tx, moment)
        self.asked: set[str] = set()  # the queues with new work, for the doorbell

    def start(self, drafts: Sequence[RunUpdate]) -> set[str]:
        """Begin new runs; those whose key is taken follow their workflow's mode, and those that were parked
        stay where they are. → ids of the runs that exist."""
        parked = [draft for draft in drafts if draft.state is not None]
        drafts = _last_restarts([draft for draft in drafts if draft.state is None])
        self._make_room(drafts)
        self._asks.together(drafts)
        for draft in drafts:
            self._asks.start(draft)
        begun_ids = self._insert(drafts)
        begun = [draft for draft in drafts if draft.id in begun_ids]
        queued = self._queue([draft for draft in drafts if draft.id not in begun_ids])
        self._store(begun)
        self._follow(begun)
        return begun_ids | queued | self._park(parked)

    def _park(self, drafts: Sequence[RunUpdate]) -> set[str]:
        """New runs that do nothing before a person lets them: they hold no key, and stand in nobody's way."""
        ids = self._insert(drafts) if drafts else set()
        self._store(drafts)
        return ids

    def _insert(self, drafts: Sequence[RunUpdate]) -> set[str]:
        """→ ids of the runs that are new; the others' keys are taken."""
        ids = {draft.id for draft in drafts}
        if bulk.execute(self._tx, _BEGUN, [draft.row(self._moment.now) for draft in drafts]) == len(ids):
            return ids
        return set(self._tx.execute(select(runs.c.id).where(_THESE), {"ids": list(ids)}).scalars())

    def _make_room(self, drafts: Sequence[RunUpdate]) -> None:
        """Mode restart: the run that holds the key is cancelled."""
        restarts = [draft for draft in drafts if draft.version.workflow.run.mode is Mode.RESTART]
        slots = [slot_of(draft.version.workflow.slug, draft.key) for draft in restarts]
        if slots:
            self._database.lock(self._tx, [f"restart:{slot}" for slot in slots])  # not two may find the same run
            held = self._tx.execute(select(runs.c.id).where(runs.c.slot.in_(slots))).scalars().all()
            self.cancel(held, "cancelled: a new event restarted this workflow")

    def _queue(self, drafts: Sequence[RunUpdate]) -> set[str]:
        """Mode queued: wait for the run that holds the key. Other modes: the new run does not begin."""
        queued = [draft for draft in drafts if draft.version.workflow.run.mode is Mode.QUEUED]
        if queued:
            bulk.execute(self._tx, _QUEUED, [draft.row(self._moment.now) | _IN_QUEUE for draft in queued])
            self._promote(queued)  # the run that held the key may have ended before it could see these
        return {draft.id for draft in queued}

    def load(self, run_ids: Iterable[str]) -> dict[str, RunUpdate]:
        """Runs by id, locked until the transaction ends, in the order of their ids."""
        ids = sorted(set(run_ids))
        if not ids:
            return {}
        return {row.id: self.draft(row) for row in self._tx.execute(_LOADED, {"ids": ids}).all()}

    def draft(self, row: Any) -> RunUpdate:
        return from_row(row, self._book.get(self._tx, row.definition_id))

    def begin(self, drafts: Sequence[RunUpdate]) -> None:
        """Begin stored runs whose turn has come."""
        self._advance(drafts, [partial(self._asks.start, draft) for draft in drafts])

    def resume(self, given: Sequence[tuple[RunUpdate, Input]]) -> None:
        """Give runs their inputs; each run at most once per call."""
        self._advance([d for d, _ in given], [partial(self._asks.resume, *each) for each in given])

    def adopt(self, decided: Sequence[tuple[RunUpdate, Decision]]) -> None:
        """Take decisions that people made, and go on from them; each run at most once per call."""
        self._advance([draft for draft, _ in decided], [partial(self._asks.adopt, *each) for each in decided])

    def jot(self, drafts: Sequence[RunUpdate]) -> None:
        """Write down what was noted of runs that stay where they are."""
        self._store(drafts)

    def finish(self, given: Sequence[tuple[RunUpdate, Effect, Mapping[str, Any]]]) -> None:
        """Effects succeeded; each run at most once per call."""
        self._advance([draft for draft, _, _ in given], [partial(self._asks.finish, *each) for each in given])

    def _advance(self, drafts: Sequence[RunUpdate], steps: Sequence[Callable[[], None]]) -> None:
        self._asks.together(drafts)
        for step in steps:
            step()
        self._update(drafts)
        self._store(drafts)
        self._follow(drafts)

    def _follow(self, drafts: Sequence[RunUpdate]) -> None:
        """Open the waits that runs came to; those whose event came already go on at once."""
        for _ in range(_ROUNDS):
            met = self.waits.open(drafts)
            if not met:
                return
            for draft, event in met:
                self._asks.resume(draft, event)
            drafts = [draft for draft, _ in met]
            self._update(drafts)
            self._store(drafts)
        raise RuntimeError(f"runs {[draft.id for draft in drafts]} went round {_ROUNDS} times without waiting")

    def cancel(self, run_ids: Iterable[str], reason: str) -> list[str]:
        """End runs from outside: waits close, calls not yet made are not made. → ids of those that lived."""
        drafts = [draft for draft in self.load(run_ids).values() if draft.is_live]
        for draft in drafts:
            draft.take(engine.cancel(draft.state or RunState(Status.QUEUED), reason))
        ids = [draft.id for draft in drafts]
        self._update(drafts)
        self._store(drafts)
        self.waits.end(ids, "cancelled")
        pending = update(effects).where(effects.c.run_id.in_(ids), effects.c.status == "due")
        self._tx.execute(pending.values(status="cancelled", ended_at=self._moment.now))
        return ids

    def _update(self, drafts: Sequence[RunUpdate]) -> None:
        """Write the new states; a row that moved on meanwhile is a lost race."""
        if not drafts:
            return
        rows = [draft.changes(self._moment.now) | {"id": draft.id, "epoch": draft.epoch} for draft in drafts]
        advanced = bulk.execute(self._tx, _ADVANCED, rows)
        if advanced != len(rows):
            raise LostRaceError(f"{len(rows) - advanced} of {len(rows)} runs were advanced elsewhere")
        for draft in drafts:
            draft.epoch += 1
        self._promote([draft for draft in drafts if not draft.is_live])

    def _promote(self, drafts: Sequence[RunUpdate]) -> None:
        """Mode queued: where nobody holds the key (any more), the first in the queue has its turn.

        A run that ends and one that joins the queue cannot see each other while both transactions are open; the
        lock makes the later one see what the earlier one did.
        """
        in_line = [draft for draft in drafts if draft.version.workflow.run.mode is Mode.QUEUED]
        slots = {slot_of(draft.version.workflow.slug, draft.key): draft for draft in in_line}
        self._database.lock(self._tx, [f"queue:{slot}" for slot in slots])
        for slot, draft in slots.items():
            if not self._tx.execute(select(runs.c.id).where(runs.c.slot == slot)).first():
                self._call_up(slot, draft)

    def _call_up(self, slot: str, draft: RunUpdate) -> None:
        c = runs.c
        first = select(c.id).where(c.workflow == draft.version.workflow.slug, c.key == draft.key)
        first = first.where(is_now(c.status, "queued"))
        following = self._tx.execute(first.order_by(c.event_seq).limit(1).with_for_update(skip_locked=True)).scalar()
        if following:
            turn = {"status": Status.READY.value, "due_at": self._moment.now, "slot": slot}
            self._tx.execute(update(runs).where(c.id == following).values(turn))
            self.asked.add(TIMERS)

    def _store(self, drafts: Sequence[RunUpdate]) -> None:
        """Write histories, effects and the features' rows; what was written is forgotten."""
        bulk.execute(self._tx, _NOTED, [draft.history_row(self._moment.now) for draft in drafts if draft.notes])
        wanted = [row for draft in drafts for row in draft.effects]
        bulk.execute(self._tx, _INTENDED, wanted)
        self.asked |= {effects_queue(row["connection"]) for row in wanted}
        self._execute([write for draft in drafts for write in draft.writes])
        for draft in drafts:
            draft.notes, draft.effects, draft.writes = [], [], []

    def _execute(self, writes: Sequence[Write]) -> None:
        """Writes of one statement go together."""
        groups: dict[Any, list[dict[str, Any]]] = {}
        for write in writes:
            groups.setdefault(write.statement, []).append(dict(write.params))
        for statement, rows in groups.items():
            if isinstance(statement, bulk.Bulk):
                bulk.execute(self._tx, statement, rows)
            else:
                self._tx.execute(statement, rows)


def _last_restarts(drafts: Sequence[RunUpdate]) -> list[RunUpdate]:
    """Mode restart: of several events with one key in a batch, the last one is what the others would end in."""
    last = {(draft.version.workflow.slug, draft.key): draft.id for draft in drafts}
    return [
        draft
        for draft in drafts
        if draft.version.workflow.run.mode is not Mode.RESTART
        or last[draft.version.workflow.slug, draft.key] == draft.id
    ]


OpenAdvancer = Callable[[Connection, Moment], RunAdvancer]
"""Opens an advancer in a transaction, at a moment."""


def opener(database: Database, book: WorkflowCache, handlers: Mapping[str, Handler]) -> OpenAdvancer:
    """Advancers that share these parts."""
    return lambda tx, moment: RunAdvancer(database, tx, book, handlers, moment)
