"""Restarting: a new run from an old one's event and facts, with the newest version of its workflow."""

from __future__ import annotations

from sqlalchemy import select

from connector.ids import new_id
from connector.runtime.operations.errors import RefusedError
from connector.runtime.operations.locked_run import LockedRun
from connector.runtime.runs.run_update import RunUpdate, slot_of
from connector.runtime.runs.workflow_cache import Version, WorkflowCache
from connector.storage.schema.tables import history, runs
from workflows import engine
from workflows.definitions import Mode
from workflows.engine import Moment
from workflows.errors import WorkflowError
from workflows.runs import LIVE, Facts, Note
from workflows.sentences import say

_AS = "restarted_as"


class Restart:
    """Begins the new run, in the old one's transaction."""

    def __init__(self, book: WorkflowCache) -> None:
        self._book = book

    def __call__(self, case: LockedRun, by: str, moment: Moment) -> str:
        """→ the new run's id. Raises RefusedError."""
        _refuse_second(case)
        draft = self._draft(case, by, moment)
        if case.status in LIVE:
            case.desk.cancel([case.id], f"by {by}: restarted as run {draft.id}")
        _refuse_taken(case, draft)
        if draft.id not in case.desk.start([draft]):
            raise RefusedError(say("refused.key_taken", run=case.id), "look again")
        _tell(case, by, draft.id)
        return draft.id

    def _draft(self, case: LockedRun, by: str, moment: Moment) -> RunUpdate:
        old, run_id = case.draft, new_id()
        version = self._newest(case)
        facts = Facts(run_id, old.facts.event, old.facts.customer, moment.now)
        draft = RunUpdate(
            run_id,
            version,
            _key(case, version),
            facts,
            old.event_seq,
            old.customer_id,
            0,
            started_at=moment.now,
        )
        draft.notes.append(Note("", "by_hand", say("hand.restarted_after", by=by, run=old.id), {"after": old.id}))
        return draft

    def _newest(self, case: LockedRun) -> Version:
        slug = case.draft.version.workflow.slug
        for version in self._book.active(case.tx):
            if version.workflow.slug == slug:
                return version
        raise RefusedError(say("refused.workflow_gone", run=case.id, workflow=slug), "import it, then restart")


def _key(case: LockedRun, version: Version) -> str:
    """The key as the newest version makes it; the event must be one that the version speaks of."""
    facts, trigger = case.draft.facts, version.workflow.trigger
    if facts.event.get("type") not in trigger.events:
        begun = {"run": case.id, "version": version.number, "event": facts.event.get("type")}
        raise RefusedError(say("refused.other_event", events=trigger.told, **begun))
    try:
        return engine.run_key(version.workflow, facts.event, facts.customer)
    except WorkflowError as error:
        raise RefusedError(say("refused.no_key", run=case.id, version=version.number, error=str(error))) from error


def _refuse_second(case: LockedRun) -> None:
    """Two people who restart one run mean one new run."""
    told = case.tx.execute(select(history.c.notes).where(history.c.run_id == case.id)).scalars()
    for note in (note for notes in told for note in notes):
        if successor := note.get("data", {}).get(_AS):
            why = say("refused.restarted", run=case.id, successor=successor)
            raise RefusedError(why, f"restart run {successor}")


def _refuse_taken(case: LockedRun, draft: RunUpdate) -> None:
    """Modes single and queued: the key is another run's. (Mode restart ends that one, parallel has no
    keys.)"""
    if draft.version.workflow.run.mode not in {Mode.SINGLE, Mode.QUEUED}:
        return
    slot = slot_of(draft.version.workflow.slug, draft.key)
    holder = case.tx.execute(select(runs.c.id).where(runs.c.slot == slot)).scalar()
    if holder:
        why = say("refused.same_key", run=case.id, holder=holder)
        raise RefusedError(why, f"cancel run {holder}", f"restart run {holder}")


def _tell(case: LockedRun, by: str, new_run: str) -> None:
    """Into the old run's history; cancelling may have moved it on, so it is read again."""
    old = case.desk.load([case.id])[case.id]
    old.notes.append(Note("", "by_hand", say("hand.restarted_as", by=by, run=new_run), {_AS: new_run}))
    case.desk.jot([old])
