"""How the latest runs of workflows went, and what workflows decided about the latest events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, union_all

from connector.observe import backlog
from connector.storage.schema.tables import events, runs
from workflows.sentences import found

LATEST = 200
"""Runs of a workflow that its figures are made of."""

LOOKED_THROUGH = 500
"""Events, the newest, among which a workflow's decisions are looked for."""

_ENDED_WELL, _STOPPED = ("succeeded",), backlog.STOPPED


@dataclass(frozen=True, slots=True)
class RunFigures:
    """Of the latest runs of a workflow: how many, how many are under way, ended well, or stopped."""

    total: int = 0
    under_way: int = 0
    succeeded: int = 0
    stopped: int = 0

    @property
    def success(self) -> float | None:
        """Of those that ended well or stopped, the share that ended well (0 to 1); None where none did."""
        judged = self.succeeded + self.stopped
        return self.succeeded / judged if judged else None


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """What a workflow decided about an event, and why."""

    event_id: str
    type: str
    time: datetime
    version: int
    starts: bool
    why: str


def figures(tx: Connection, slugs: Sequence[str]) -> dict[str, RunFigures]:
    """Of each workflow, in one statement. One without runs is not in it."""
    if not slugs:
        return {}
    latest = union_all(*(
        select(select(runs.c.workflow, runs.c.status)
               .where(runs.c.workflow == slug).order_by(runs.c.id.desc()).limit(LATEST).subquery())
        for slug in slugs
    )).subquery()  # fmt: skip
    counted = select(latest.c.workflow, latest.c.status, func.count()).group_by(latest.c.workflow, latest.c.status)
    by_workflow: dict[str, Counter[str]] = {}
    for workflow, status, count in tx.execute(counted):
        by_workflow.setdefault(workflow, Counter())[status] = count
    return {workflow: _figures(counts) for workflow, counts in by_workflow.items()}


def decisions(tx: Connection, slug: str, most: int = 20) -> list[DecisionLine]:
    """What a workflow decided about the latest events of those it listens to, the newest first."""
    c = events.c
    latest = select(c.id, c.type, c.time, c.decisions).order_by(c.seq.desc()).limit(LOOKED_THROUGH)
    lines = [
        DecisionLine(row.id, row.type, row.time, each["version"], each["starts"], found(each["why"], each.get("said")))
        for row in tx.execute(latest)
        for each in row.decisions
        if each["workflow"] == slug
    ]
    return lines[:most]


def _figures(counts: Counter[str]) -> RunFigures:
    succeeded = sum(counts[each] for each in _ENDED_WELL)
    stopped = sum(counts[each] for each in _STOPPED)
    total, done_with = counts.total(), counts["cancelled"] + counts["dismissed"]
    return RunFigures(total, total - succeeded - stopped - done_with, succeeded, stopped)
