"""What the admin pages ask beyond the lists and stories of ``run_queries``: what waits for people, and by which cause.

Each function needs an open transaction, changes nothing, and makes as many statements for a million rows as for ten.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from connector.storage.schema.tables import (
    SET_ASIDE,
    STOPPED_RUNS,
    connections,
    customers,
    definitions,
    deliveries,
    effects,
    events,
    identity_conflicts,
    is_now,
    runs,
)
from connector.storage.stores.run_queries import MOST_COUNTED

_OWN = re.compile(r"https?://\S+|[\w.+-]+@[\w.-]+|'[^']*'|\"[^\"]*\"|\b(?=\w*\d)\w+\b")
"""What differs between two runs that stopped by one cause: addresses, quoted values, numbers and ids."""

_ITEM = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class StoppedGroup:
    """Runs that stopped by one cause. ``reason`` is that of the newest, ``newest`` and ``oldest`` are run ids, and
    ``cause`` names the group in addresses. ``error_kind`` and ``connection`` are of the newest run's last bad call;
    "" without one."""

    cause: str
    workflow: str
    step: str
    status: str
    reason: str
    count: int
    newest: str
    oldest: str
    since: datetime
    error_kind: str = ""
    connection: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class StoppedRuns:
    """The groups, largest first. ``counted`` runs were looked at: the newest, at most MOST_COUNTED."""

    groups: tuple[StoppedGroup, ...]
    counted: int

    def group(self, cause: str) -> StoppedGroup | None:
        return next((each for each in self.groups if each.cause == cause), None)


@dataclass(frozen=True, slots=True)
class WithheldLine:
    """A connection on which nothing goes out, and how many calls wait for it."""

    name: str
    status: str
    reason: str
    due: int


@dataclass(frozen=True, slots=True)
class CallLine:
    """An outward call of a run; ``request`` and ``outcome`` hold what it is about, and so may name people."""

    id: str
    visit: str
    action: str
    connection: str
    status: str
    attempts: int
    error: str
    error_kind: str
    due_at: datetime
    ended_at: datetime | None
    request: Mapping[str, Any]
    outcome: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class AlertLine:
    """An alert to a team, and what became of it. ``connection`` is where it went."""

    id: str
    run: str
    workflow: str
    connection: str
    status: str
    attempts: int
    error: str
    created_at: datetime
    ended_at: datetime | None


def stopped(tx: Connection) -> StoppedRuns:
    """Failed, dead and doubtful runs by their causes."""
    found: dict[str, list[Any]] = {}
    rows = tx.execute(_BY_REASON).all()
    for row in rows:
        found.setdefault(_cause(row.workflow, row.step, row.status, row.reason), []).append(row)
    largest = sorted(found.items(), key=lambda each: (-sum(row.many for row in each[1]), each[0]))
    newest = {cause: max(group, key=lambda row: str(row.newest)) for cause, group in largest}
    calls = _calls_of(tx, [row.newest for row in newest.values()])
    groups = (_group(cause, group, newest[cause], calls.get(newest[cause].newest)) for cause, group in largest)
    return StoppedRuns(tuple(groups), sum(row.many for row in rows))


def stopped_by(tx: Connection, cause: str, *, limit: int, until: str = "") -> Sequence[tuple[str, str]]:
    """(id, step) of the oldest runs that stopped by this cause; none that is younger than the run ``until``."""
    rows = [row for row in reversed(tx.execute(_STOPPED).all()) if not until or row.id <= until]
    alike = (row for row in rows if _cause(row.workflow, row.step, row.status, row.reason) == cause)
    return [(row.id, row.step) for row in islice(alike, limit)]


def withheld(tx: Connection, statuses: Sequence[str]) -> list[WithheldLine]:
    """Connections in one of these states, by name."""
    waiting = select(effects.c.connection).where(is_now(effects.c.status, "due")).limit(MOST_COUNTED).subquery()
    counted = select(waiting.c.connection, func.count().label("due")).group_by(waiting.c.connection).subquery()
    c = connections.c
    found = select(c.name, c.status, c.reason, func.coalesce(counted.c.due, 0))
    found = found.outerjoin(counted, counted.c.connection == c.name).where(c.status.in_(statuses)).order_by(c.name)
    return [WithheldLine(*row) for row in tx.execute(found)]


def set_aside(tx: Connection) -> int:
    """Deliveries that could not be read or processed, at most MOST_COUNTED."""
    return _bounded(tx, select(deliveries.c.id).where(SET_ASIDE))


def open_cases(tx: Connection) -> int:
    """Cases on the review list, at most MOST_COUNTED."""
    return _bounded(tx, select(identity_conflicts.c.id).where(identity_conflicts.c.status == "open"))


def event_types(tx: Connection, delivery_ids: Iterable[int]) -> Mapping[int, tuple[str, ...]]:
    """What these deliveries told, by their ids; those that told nothing new are not among them."""
    c, told = events.c, dict[int, tuple[str, ...]]()
    for row in tx.execute(select(c.delivery_id, c.type).where(c.delivery_id.in_(list(delivery_ids))).order_by(c.seq)):
        told[row.delivery_id] = tuple(dict.fromkeys((*told.get(row.delivery_id, ()), row.type)))
    return told


def names(tx: Connection, customer_ids: Iterable[str | None]) -> Mapping[str, str]:
    """What customers are called: their name, else their address, by id."""
    ids = {each for each in customer_ids if each}
    c = customers.c
    found = tx.execute(select(c.id, c.name, c.email).where(c.id.in_(ids))) if ids else ()
    return {row.id: row.name or row.email or "" for row in found}


def workflow_slugs(tx: Connection) -> list[str]:
    """Every workflow there ever was, by slug."""
    d = definitions.c
    return list(tx.execute(select(d.slug).where(d.kind == "workflow").distinct().order_by(d.slug)).scalars())


def workflows_in_force(tx: Connection) -> int:
    """How many workflows start runs now."""
    d = definitions.c
    found = select(func.count(func.distinct(d.slug))).where(d.kind == "workflow", d.active.is_(True))
    return int(tx.execute(found).scalar_one())


def is_one_of(run_ids: Sequence[str]) -> ColumnElement[bool]:
    """That a run is one of these."""
    return runs.c.id.in_(run_ids)


def places(tx: Connection, run_ids: Sequence[str]) -> Mapping[str, str]:
    """Where these runs stand: run id → step."""
    return {row.id: row.step for row in tx.execute(select(runs.c.id, runs.c.step).where(runs.c.id.in_(run_ids)))}


def calls(tx: Connection, run_id: str) -> list[CallLine]:
    """The outward calls of a run, in their order."""
    c = effects.c
    columns = (c.id, c.visit, c.action, c.connection, c.status, c.attempts, c.error, c.error_kind, c.due_at, c.ended_at,
               c.request, c.outcome)  # fmt: skip
    found = tx.execute(select(*columns).where(c.run_id == run_id).order_by(c.id))
    return [CallLine(**row._mapping) for row in found]


def definition_of(tx: Connection, run_id: str) -> str:
    """The text of the version that a run runs with; "" of a run that is gone."""
    found = select(definitions.c.body).join(runs, runs.c.definition_id == definitions.c.id).where(runs.c.id == run_id)
    return str(tx.execute(found).scalar_one_or_none() or "")


def alerts(tx: Connection, *, limit: int) -> list[AlertLine]:
    """The alerts that went out lately, newest first: those among the latest MOST_COUNTED calls of all kinds."""
    c = effects.c
    some = select(c.id, c.action).order_by(c.id.desc()).limit(MOST_COUNTED).subquery()
    sent = select(some.c.id).where(some.c.action == "alert.send").order_by(some.c.id.desc()).limit(limit)
    columns = (c.id, c.run_id, c.workflow, c.connection, c.status, c.attempts, c.error, c.created_at, c.ended_at)
    found = select(*columns).where(c.id.in_(sent)).order_by(c.id.desc())
    return [AlertLine(*row) for row in tx.execute(found)]


_c = runs.c
_STOPPED = (
    select(_c.id, _c.workflow, _c.step, _c.status, _c.reason, _c.updated_at)
    .where(STOPPED_RUNS)
    .order_by(_c.id.desc())
    .limit(MOST_COUNTED)
)


_some = _STOPPED.subquery().c
_BY_REASON = select(
    _some.workflow, _some.step, _some.status, _some.reason, func.count().label("many"),
    func.max(_some.id).label("newest"), func.min(_some.id).label("oldest"), func.min(_some.updated_at).label("since"),
).group_by(_some.workflow, _some.step, _some.status, _some.reason)  # fmt: skip


@lru_cache(maxsize=MOST_COUNTED)
def _cause(workflow: str, step: str, status: str, reason: str) -> str:
    alike = (workflow, _ITEM.sub("", step), status, _OWN.sub("…", reason))
    return hashlib.sha256("\x00".join(alike).encode()).hexdigest()[:16]


def _group(cause: str, rows: Sequence[Any], newest: Any, call: Any | None) -> StoppedGroup:
    told = (call.error_kind, call.connection, call.action) if call is not None else ("", "", "")
    many, oldest, since = sum(row.many for row in rows), min(row.oldest for row in rows), min(row.since for row in rows)
    what = (cause, newest.workflow, _ITEM.sub("", newest.step), newest.status, newest.reason)
    return StoppedGroup(*what, many, newest.newest, oldest, since, *told)


def _calls_of(tx: Connection, run_ids: Sequence[str]) -> dict[str, Any]:
    """The last bad call of each of these runs."""
    c = effects.c
    bad = select(c.run_id, c.error_kind, c.connection, c.action).order_by(c.id)
    found = tx.execute(bad.where(c.run_id.in_(run_ids[:_MOST_GROUPS]), c.status.in_(["failed", "review"])))
    return {row.run_id: row for row in found}


_MOST_GROUPS = 500
"""Of so many the call is looked up; no page shows more."""


def _bounded(tx: Connection, found: Any) -> int:
    return int(tx.execute(select(func.count()).select_from(found.limit(MOST_COUNTED).subquery())).scalar_one())
