"""Many runs at once: a filter that counts first, then one transaction each, so that one refusal holds up no
other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, or_, select

from connector.runtime.operations.errors import ControlError, InputError
from connector.runtime.operations.locked_run import STOPPED
from connector.runtime.operations.runs import CommandResult
from connector.storage.schema.tables import STOPPED_RUNS, runs
from connector.storage.stores.run_queries import runs_in
from workflows.errors import WorkflowError
from workflows.runs import Status

Action = Callable[[str], CommandResult]
"""What is done with one run, by its id."""


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs; every part that is given must hold. ``step`` finds "notify" also as "notify[2]"."""

    workflow: str | None = None
    statuses: tuple[Status, ...] = ()
    started_before: datetime | None = None
    step: str | None = None
    customer: str | None = None  # our id
    started_from: datetime | None = None

    @property
    def is_empty(self) -> bool:
        return self == RunFilter()

    def conditions(self) -> list[ColumnElement[bool]]:
        c, found = runs.c, list[ColumnElement[bool]]()
        if self.workflow is not None:
            found.append(c.workflow == self.workflow)
        found.extend(_in_states(self.statuses))
        if self.started_before is not None:
            found.append(c.started_at < self.started_before)
        if self.started_from is not None:
            found.append(c.started_at >= self.started_from)
        if self.customer is not None:
            found.append(c.customer_id == self.customer)
        if self.step is not None:
            found.append(or_(c.step == self.step, c.step.startswith(f"{self.step}[", autoescape=True)))
        return found


def _in_states(statuses: Sequence[Status]) -> list[ColumnElement[bool]]:
    """Dead letters in the words of their index, and one state so that its index gives them in order."""
    if not statuses:
        return []
    if len(set(statuses)) == 1:
        return list(runs_in(statuses[0].value))
    among = runs.c.status.in_([status.value for status in statuses])
    return [among, STOPPED_RUNS] if STOPPED.issuperset(statuses) else [among]


@dataclass(frozen=True, slots=True)
class BulkLine:
    """What became of one run of many: ``error`` is empty when it was done."""

    run: str
    done: CommandResult | None
    error: str = ""


def count(tx: Connection, chosen: RunFilter) -> int:
    """How many runs the filter finds: what a dry run says."""
    return int(tx.execute(select(func.count()).select_from(runs).where(*chosen.conditions())).scalar_one())


def find(tx: Connection, chosen: RunFilter, *, after: str = "", limit: int | None = None) -> Sequence[str]:
    """The ids of the runs that the filter finds now, oldest first, after the one named. Raises InputError
    when it names nothing: that would be every run there ever was."""
    if chosen.is_empty:
        raise InputError(
            "filter", "names nothing, which means every run.", "Name a workflow, status, age or step."
        )
    statement = (
        select(runs.c.id).where(runs.c.id > after, *chosen.conditions()).order_by(runs.c.id).limit(limit)
    )
    return tx.execute(statement).scalars().all()


def each(action: Action, run_ids: Iterable[str]) -> Iterator[BulkLine]:
    """Do it with one run after the other; what is refused is said, and the rest goes on."""
    for run_id in run_ids:
        try:
            yield BulkLine(run_id, action(run_id))
        except (ControlError, WorkflowError) as error:
            yield BulkLine(run_id, None, str(error))
