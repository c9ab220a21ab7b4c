"""What the workflows in force will ask for at once: so that a page promises what will be done.

Nothing is started or stored. What a workflow does later, after a wait, is not foretold: too much may happen before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import Connection, select

from connector.runtime.runs.run_update import COLUMNS, from_row, slot_of
from connector.runtime.runs.workflow_cache import WorkflowCache
from connector.storage.schema.tables import runs
from workflows.calendars import BusinessCalendar
from workflows.definitions import Mode, Workflow
from workflows.engine import run_key
from workflows.errors import ConditionError
from workflows.simulate import Asked, Happening, simulate, still_asked


class Outlook:
    """``calendar`` holds the house's business hours, ``callers`` by team who calls customers back."""

    def __init__(
        self, book: WorkflowCache, calendar: BusinessCalendar, callers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._book, self.calendar, self.callers = book, calendar, callers

    def asked(self, tx: Connection, happening: Happening) -> tuple[Asked, ...]:
        """The actions that would be asked for at its very moment, were this event to come."""
        listening = [
            version.workflow
            for version in self._book.active(tx)
            if happening.type in version.workflow.trigger.events and not _is_taken(tx, version.workflow, happening)
        ]
        traces = (simulate(workflow, [happening], calendar=self.calendar) for workflow in listening)
        return tuple(each for trace in traces for each in trace.actions if each.time == happening.time)

    def under_way(self, tx: Connection, customer_id: str, now: datetime) -> tuple[Asked, ...]:
        """The actions that runs of this customer ask for next, without waiting for an event or a time: between an event
        and what it leads to other calls may have to be made first."""
        return tuple(self._under_way(tx, customer_id, now))

    def _under_way(self, tx: Connection, customer_id: str, now: datetime) -> Iterator[Asked]:
        going = select(*COLUMNS).where(runs.c.customer_id == customer_id, runs.c.status == "waiting")
        for row in tx.execute(going.order_by(runs.c.id)).all():
            run = from_row(row, self._book.get(tx, row.definition_id))
            if run.state is not None:
                yield from still_asked(run.version.workflow, run.state, run.facts, now, self.calendar)


def _is_taken(tx: Connection, workflow: Workflow, happening: Happening) -> bool:
    """Whether a run of the same subject is going, beside which this workflow would start no other."""
    if workflow.run.mode is not Mode.SINGLE:
        return False
    try:
        key = run_key(workflow, happening.data, happening.customer)
    except ConditionError:
        return False  # the simulation tells what becomes of it
    return tx.execute(select(runs.c.id).where(runs.c.slot == slot_of(workflow.slug, key))).first() is not None
