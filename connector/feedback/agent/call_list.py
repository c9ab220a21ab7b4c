"""Callbacks as whoever is responsible looks at them: which are to be made, the overdue and valuable first, and how many
each team has.

Each function needs an open transaction, changes nothing, and makes as many statements for a million rows as for ten.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal, or_, select, true, tuple_

from connector.feedback.callbacks.state_machine import GONE, CallbackStatus
from connector.storage.schema.tables import OPEN_CALLBACKS, callbacks, customers, responses
from connector.storage.stores.run_queries import MOST_COUNTED

TO_MAKE = "to_make"
GROUPS: Mapping[str, frozenset[str]] = {
    TO_MAKE: frozenset({"asked", "open", "reopened", "not_reached", "taken", "contacted"}),
    "open": frozenset({"asked", "open", "reopened", "not_reached"}),
    "taken": frozenset({"taken"}),
    "contacted": frozenset({"contacted"}),
    "waiting": frozenset({"solved"}),
    "closed": frozenset({"recovered", "not_recovered", "closed"}),
    "gone": frozenset(str(each) for each in GONE),
}
"""By the state that people filter by, the statuses of it. ``waiting`` is for the customer's second answer."""

_UNCALLED = (CallbackStatus.OPEN, CallbackStatus.TAKEN, CallbackStatus.REOPENED)
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CallbackScope:
    """Whose callbacks somebody sees, by teams and brands of the answers they follow; None is all of them."""

    teams: Collection[str] | None = None
    brands: Collection[str] | None = None

    def condition(self) -> ColumnElement[bool]:
        """What carries no brand is everybody's; what has no team belongs to whoever sees all."""
        team, brand = func.coalesce(responses.c.team, ""), func.coalesce(responses.c.brand, "")
        mine: list[ColumnElement[bool]] = [team.in_(list(self.teams))] if self.teams is not None else []
        mine += [or_(brand == "", brand.in_(list(self.brands)))] if self.brands is not None else []
        return and_(true(), *mine)


@dataclass(frozen=True, slots=True)
class CallbackLine:
    """A callback, whom it is for, and the answer that it follows; "" and None where nothing is known."""

    id: str
    connection: str
    ticket_id: str | None
    status: str
    due_at: datetime | None
    created_at: datetime
    taken_at: datetime | None
    contacted_at: datetime | None
    solved_at: datetime | None
    closed_at: datetime | None
    tries: int
    cycle: int
    handed_over: bool
    high_value: bool
    outcome: str | None
    root_cause: str | None
    run_id: str
    customer_id: str | None
    name: str
    team: str
    metric: str
    score: int | None
    comment: str

    def is_overdue(self, now: datetime) -> bool:
        """Whether the call should have been made by now, and nobody made it."""
        return self.status in _UNCALLED and self.due_at is not None and self.due_at < now


@dataclass(frozen=True, slots=True)
class TeamLoad:
    """How many callbacks a team has to make, and how many of them are overdue; ``team`` "": of no team."""

    team: str
    open: int
    overdue: int


_JOINED = callbacks.outerjoin(responses, responses.c.id == callbacks.c.response_id).outerjoin(
    customers, customers.c.id == callbacks.c.customer_id
)
_OWN = ("id", "connection", "ticket_id", "status", "due_at", "created_at", "taken_at", "contacted_at", "solved_at",
        "closed_at", "tries", "cycle", "handed_over", "high_value", "outcome", "root_cause", "run_id",
        "customer_id")  # fmt: skip


def listed(
    tx: Connection, scope: CallbackScope, now: datetime, *, limit: int, before: str = "", state: str = TO_MAKE,
    team: str | None = None, overdue: bool = False,
) -> list[CallbackLine]:  # fmt: skip
    """Callbacks in a state ("" for all) from behind ``before`` on: those to make by their urgency, others newest
    first."""
    c = callbacks.c
    found = _selected().where(scope.condition()).limit(limit)
    found = found.where(c.status.in_(GROUPS[state])) if state else found
    found = found.where(func.coalesce(responses.c.team, "") == team) if team is not None else found
    found = found.where(_overdue(c, now)) if overdue else found
    return [_line(row) for row in tx.execute(_ordered(found, now, before, by_urgency=state == TO_MAKE or overdue))]


def one(tx: Connection, scope: CallbackScope, callback_id: str) -> CallbackLine | None:
    """A callback within somebody's reach, or None."""
    row = tx.execute(_selected().where(callbacks.c.id == callback_id, scope.condition())).one_or_none()
    return None if row is None else _line(row)


def load(tx: Connection, scope: CallbackScope, now: datetime) -> list[TeamLoad]:
    """What each team has to make, by the teams' names."""
    team, late = func.coalesce(responses.c.team, ""), case((_overdue(callbacks.c, now), 1), else_=0)
    joined = callbacks.outerjoin(responses, responses.c.id == callbacks.c.response_id)
    found = select(team, func.count(), func.sum(late)).select_from(joined).where(OPEN_CALLBACKS, scope.condition())
    return [TeamLoad(row[0], int(row[1]), int(row[2])) for row in tx.execute(found.group_by(team).order_by(team))]


def count_overdue(tx: Connection, scope: CallbackScope, now: datetime) -> int:
    """Callbacks whose time to call is over and that nobody made, at most MOST_COUNTED."""
    joined = callbacks.outerjoin(responses, responses.c.id == callbacks.c.response_id)
    late = select(callbacks.c.id).select_from(joined).where(OPEN_CALLBACKS, _overdue(callbacks.c, now))
    some = late.where(scope.condition()).limit(MOST_COUNTED).subquery()
    return int(tx.execute(select(func.count()).select_from(some)).scalar_one())


def _overdue(c: Any, now: datetime) -> ColumnElement[bool]:
    return and_(c.status.in_(_UNCALLED), c.due_at < now)


def _ordered(found: Select[Any], now: datetime, before: str, *, by_urgency: bool) -> Select[Any]:
    c, other = callbacks.c, callbacks.alias()
    if not by_urgency:
        found = found.where(c.id < before) if before else found
        return found.order_by(c.id.desc())
    if before:
        place = select(*_urgency(other.c, now)).where(other.c.id == before).scalar_subquery()
        found = found.where(tuple_(*_urgency(c, now)) > place)
    return found.order_by(*_urgency(c, now))


def _urgency(c: Any, now: datetime) -> Sequence[ColumnElement[Any]]:
    """Overdue, then of high value, then by when the call is due."""
    late, dear = case((_overdue(c, now), 0), else_=1), case((c.high_value, 0), else_=1)
    return late, dear, func.coalesce(c.due_at, literal(_NEVER, callbacks.c.due_at.type)), c.id


def _selected() -> Select[Any]:
    own = [callbacks.c[name] for name in _OWN]
    person, r = func.coalesce(customers.c.name, customers.c.email, "").label("name"), responses.c
    return select(*own, person, r.team, r.metric, r.score, r.comment).select_from(_JOINED)


def _line(row: Any) -> CallbackLine:
    told = {"team": row.team or "", "metric": row.metric or "", "comment": row.comment or ""}
    return CallbackLine(**{**row._mapping, **told})
