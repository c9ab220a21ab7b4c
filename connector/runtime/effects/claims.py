"""Claims: which effects this worker may perform, until when, and what became of them.

Each claim raises the effect's epoch; an outcome is written only under the epoch it was claimed with, so a
worker that was frozen past its lease cannot write over its successor.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Row,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)

from connector.feedback.base.actions import Effect
from connector.runtime.effects.grouping import Grouping, one_by_one
from connector.storage.engine import bulk
from connector.storage.engine.database import Database
from connector.storage.flow_control import backlog as queues
from connector.storage.flow_control import connection_state, fair_queue, rate_budget
from connector.storage.flow_control.rate_budget import CONCURRENCY, Budget, KindLimits, Limits
from connector.storage.schema.tables import connections, effects, is_now, runs
from integrations.errors import RateLimited
from integrations.limits import ACCOUNT

LONGEST_CALL = timedelta(seconds=40)
"""Connect 5 s + read 30 s, and a little for us."""

LEASE = timedelta(seconds=60)
"""Longer than the longest call: when it ends, the request is no longer in flight."""

GRACE = timedelta(seconds=10)
"""How long a vendor may still work on a request whose sender died: its connection is gone, so it is not long."""

_UNLIMITED = 1_000_000

_LOOK_AGAIN = timedelta(seconds=1)
"""How long a kind of request waits whose limit the vendor says is used up."""

_OUTCOME = ("status", "due_at", "outcome", "error", "error_kind", "unsure", "ended_at", "attempts", "lease_until")
_SETTLED = bulk.Update(effects, where=("id", "epoch"), new=(*_OUTCOME, "owner"))


_PROBED_AMONG = 20
"""A probe takes one of so many oldest effects, the one that was tried least: were it always the first, an effect that
its vendor cannot digest would keep the circuit open for all others."""


NO_LIMITS = Limits()


def nothing_known(_now: datetime) -> Mapping[str, int]:
    """For vendors that say nothing of what is left of their limits."""
    return {}


@dataclass(frozen=True, slots=True)
class ClaimPolicy:
    """Who claims: a process, at a connection, within its rate budget if it has one, within the ``limits`` of kinds of
    requests, and within ``concurrency`` calls side by side, those of all processes together. ``allowed`` says what the
    vendor itself told to be left (``reported_limits``)."""

    connection: str
    owner: str
    budget: Budget | None = None
    concurrency: int = CONCURRENCY
    limits: Limits = NO_LIMITS
    allowed: Callable[[datetime], Mapping[str, int]] = nothing_known


@dataclass(frozen=True, slots=True)
class _Room:
    """How much may be claimed now: effects, the calls that they go into, and the requests that they make."""

    effects: int
    calls: int
    requests: int


def claim(
    database: Database,
    tx: Connection,
    who: ClaimPolicy,
    now: datetime,
    limit: int,
    *,
    hands: int = _UNLIMITED,
    together: Grouping[Any] = one_by_one,
) -> list[list[Effect]]:
    """Take due effects of a connection, unless it is paused, told us to wait, or used up its budget: the workflows by
    turns, in each the oldest first. ``limit`` is in effects, ``hands`` in calls; ``together`` says which effects go
    into one. → the effects, call by call.

    One claim at a time per connection, so that the rules "never two of one serial side by side" and "never more calls
    than allowed" see all others.
    """
    database.lock(tx, [f"claim:{who.connection}"])
    state = _state(database, tx, who.connection, now)
    room = _room(who, state, now, limit, hands)
    if min(room.effects, room.calls, room.requests) < 1:
        return []
    ledger = _ledger(who, state, now)
    found = _due(tx, who.connection, state, now, min(room.effects, room.requests), ledger)
    if ledger is not None:
        found = ledger.affordable(found)
    calls = together(_at_most(found, room.requests))[: room.calls]
    _remember(tx, who, state, [each for call in calls for each in call], now, ledger)
    return _take(tx, who, calls, now)


def _ledger(who: ClaimPolicy, state: Row[Any], now: datetime) -> KindLimits | None:
    """None, and nothing to do, where no kind of request has a limit."""
    if not who.limits and not state.spent:
        return None
    ledger = KindLimits(who.limits, state.spent, now)
    for kind, count in who.allowed(now).items():
        if count - state.under_way < 1:
            ledger.refuse(kind, now + _LOOK_AGAIN)
    return ledger


def _at_most(found: list[Row[Any]], requests: int) -> list[Row[Any]]:
    """The first of them, as many as make so many requests; the last may make more than are left."""
    totals = accumulate((row.cost + row.beside for row in found), initial=0)
    return [row for row, before in zip(found, totals, strict=False) if before < requests]


def _state(database: Database, tx: Connection, connection: str, now: datetime) -> Row[Any]:
    """The connection's row, and how many calls are under way on it."""
    named = {"connection": connection, "longest_ago": now - LONGEST_CALL + LEASE}
    row = tx.execute(_STATE, named).one_or_none()
    if row is None:
        connection_state.ensure(database, tx, [connection], now)
        row = tx.execute(_STATE, named).one()
    return row


def _under_way() -> ScalarSelect[int]:
    """Those that a process has in its hands. One that it gave back for lost has no owner, whatever its lease says; and
    one that began longer ago than a call may take is that of a process which died."""
    c = effects.c
    busy = select(func.count()).where(queues.IS_PERFORMING, c.connection == bindparam("connection"))
    busy = busy.where(c.lease_until > bindparam("longest_ago"))
    return busy.where(c.leads, c.owner.is_not(None)).scalar_subquery()


_STATE = select(connections, _under_way().label("under_way")).where(connections.c.name == bindparam("connection"))


def _room(who: ClaimPolicy, state: Row[Any], now: datetime, limit: int, hands: int) -> _Room:
    """What the connection's state allows: nothing while paused or held, one call while it is probed."""
    probed = state.status == connection_state.PROBING
    if not probed and (state.status != connection_state.ACTIVE or (state.blocked_until and state.blocked_until > now)):
        return _Room(0, 0, 0)
    calls = min(hands, (1 if probed else who.concurrency) - state.under_way)
    left = rate_budget.left(state.budget_until, who.budget, now) if who.budget else _UNLIMITED
    told = who.allowed(now).get(ACCOUNT)
    if told is not None:
        left = min(left, told - state.under_way)
    return _Room(limit, calls, left)


def _due(
    tx: Connection, connection: str, state: Row[Any], now: datetime, limit: int, ledger: KindLimits | None
) -> list[Row[Any]]:
    """What may be claimed, locked: effects that another transaction holds are left to it, and those whose limit is used
    up wait, without holding up the others."""
    in_turn = fair_queue.after(state.turn, queues.CALLS.names(tx, connection=connection))
    here: dict[str, Any] = {"connection": connection, "now": now}
    claimable = _CLAIMABLE
    kinds, serials = ledger.spent() if ledger is not None else ([], [])
    if kinds or serials:
        claimable, here = _AFFORDABLE, here | {"kinds": kinds, "serials": serials}

    def oldest(workflow: str, count: int, taken: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
        return claimable.rows(tx, count, taken, workflow=workflow, **here)

    if state.status != connection_state.PROBING:
        return fair_queue.share_out(in_turn, limit, oldest)
    return sorted(fair_queue.share_out(in_turn, _PROBED_AMONG, oldest), key=lambda row: row.epoch)[:1]


def _claimable() -> Select[Any]:
    """Due effects of a workflow on a connection, but for those whose serial is at work."""
    c, other = effects.c, effects.alias("other")
    connection: BindParameter[str] = bindparam("connection")
    busy = select(other.c.id).where(
        is_now(other.c.status, "performing"), other.c.connection == connection, other.c.serial == c.serial
    )
    return (
        select(*(c[name] for name in (*_FIELDS, "workflow")))
        .where(queues.IS_DUE, c.connection == connection, c.workflow == bindparam("workflow"))
        .where(c.due_at <= bindparam("now"), or_(c.serial.is_(None), ~busy.exists()))
        .order_by(c.due_at)
        .with_for_update(skip_locked=True, of=effects)
    )


def _remember(
    tx: Connection,
    who: ClaimPolicy,
    state: Row[Any],
    claimed: Sequence[Row[Any]],
    now: datetime,
    ledger: KindLimits | None,
) -> None:
    """Count the requests that are about to be made, and whose turn was the last."""
    if not claimed:
        return
    changed: dict[str, Any] = {}
    if who.budget:
        requests = sum(row.cost + row.beside for row in claimed)
        changed["budget_until"] = rate_budget.used(state.budget_until, who.budget, requests, now)
    if ledger is not None and [row for row in claimed if row.bucket and ledger.take(row)]:
        changed["spent"] = ledger.stored()
    last = fair_queue.after(state.turn, {row.workflow for row in claimed})[-1]
    if last != state.turn:
        changed["turn"] = last
    if changed:
        tx.execute(update(connections).where(connections.c.name == who.connection).values(changed))


def _take(tx: Connection, who: ClaimPolicy, calls: Sequence[Sequence[Row[Any]]], now: datetime) -> list[list[Effect]]:
    taken = [[_effect(row, now) for row in call] for call in calls]
    rows = [_claimed(who, effect, leads=effect is call[0]) for call in taken for effect in call]
    bulk.execute(tx, _CLAIMED, rows)
    return taken


def settle(tx: Connection, outcomes: Iterable[tuple[Effect, Mapping[str, Any]]]) -> None:
    """Write outcomes of effects whose claim still holds (``holding`` said so in this transaction)."""
    rows = [
        {"id": effect.id, "epoch": effect.epoch, **_UNSAID, "attempts": effect.attempts, **outcome}
        for effect, outcome in outcomes
    ]
    bulk.execute(tx, _SETTLED, rows)


_UNSAID = dict.fromkeys(("outcome", "ended_at", "lease_until", "owner")) | {
    "error": "",
    "error_kind": "",
    "unsure": False,
}
"""What an outcome says nothing of: the effect is in nobody's hands, and nothing is wrong with it."""

_HELD = (
    select(effects.c.id, effects.c.epoch)
    .where(effects.c.id.in_(bindparam("ids", expanding=True)), queues.IS_PERFORMING)
    .with_for_update()
)


def holding(tx: Connection, claimed: Sequence[Effect]) -> list[Effect]:
    """Those of our claims that nobody has taken over; locked until the transaction ends."""
    held = {tuple(row) for row in tx.execute(_HELD, {"ids": [effect.id for effect in claimed]})}
    return [effect for effect in claimed if (effect.id, effect.epoch) in held]


def release_expired(tx: Connection, now: datetime) -> set[str]:
    """Give back effects whose lease ended; whether they happened is unsure. → their connections."""
    c = effects.c
    return _release(tx, and_(c.lease_until <= now), now)


def release_orphans(tx: Connection, now: datetime) -> set[str]:
    """At the start of the only process: give back what the process before it had in its hands.

    At once what a repeat cannot harm (A: the vendor honours our key, B: the same write again) and what has no order
    with others. What has one waits ``GRACE``: until then its serial is taken, and a request of the dead process that
    is still on its way cannot land after a newer one. C and D wait for their lease, in nobody's hands: 64 mails of a
    dead process kept the next from sending any for a minute. → the connections of the first.
    """
    c = effects.c
    tx.execute(update(effects).where(is_now(c.status, "performing")).values(owner=None))
    harmless = c.effect_class.in_(("A", "B"))
    soon = update(effects).where(is_now(c.status, "performing"), harmless, c.serial.is_not(None))
    tx.execute(soon.where(c.lease_until > now + GRACE).values(lease_until=now + GRACE))
    return _release(tx, and_(harmless, c.serial.is_(None)), now)


def _release(tx: Connection, which: Any, now: datetime) -> set[str]:
    """A call whose run ended meanwhile is not made again."""
    c = effects.c
    live = select(runs.c.id).where(runs.c.id == c.run_id, runs.c.ended_at.is_(None)).exists()
    back = {"unsure": True, "due_at": case((c.due_at > now, c.due_at), else_=now), "owner": None, "lease_until": None}
    back |= {"status": case((live, "due"), else_="cancelled"), "ended_at": case((live, None), else_=now)}
    statement = update(effects).where(is_now(effects.c.status, "performing"), which).values(back)
    return set(tx.execute(statement.returning(effects.c.connection)).scalars())


def hurry(tx: Connection, connection: str, now: datetime) -> None:
    """What waits because its vendor told it to may go at once."""
    c = effects.c
    waits = update(effects).where(queues.IS_DUE, c.connection == connection, c.due_at > now)
    tx.execute(waits.where(c.error_kind == RateLimited.kind).values(due_at=now))


def due_connections(tx: Connection, now: datetime) -> set[str]:
    """Connections with effects that are due."""
    firsts = {name: queues.CALLS.oldest(tx, connection=name) for name in queues.CALLED.values(tx)}
    return {name for name, first in firsts.items() if first is not None and first <= now}


def _effect(row: Any, now: datetime) -> Effect:
    """The effect as this claim makes it."""
    stored = dict(zip(_FIELDS, row, strict=False))
    counted = {"epoch": row.epoch + 1, "attempts": row.attempts + 1}
    return Effect(**{**stored, **counted, "first_tried_at": row.first_tried_at or now, "lease_until": now + LEASE})


def _claimed(who: ClaimPolicy, effect: Effect, *, leads: bool) -> dict[str, Any]:
    told = {name: getattr(effect, name) for name in ("id", "attempts", "first_tried_at", "lease_until")}
    return told | {"epoch": effect.epoch - 1, "status": "performing", "owner": who.owner, "leads": leads}


_FIELDS = tuple(each.name for each in dataclasses.fields(Effect))
_CLAIMABLE = fair_queue.Oldest(_claimable(), effects.c.id)
_AFFORDABLE = fair_queue.Oldest(
    _claimable().where(
        or_(effects.c.bucket.is_(None), effects.c.bucket.not_in(bindparam("kinds", expanding=True))),
        or_(effects.c.serial.is_(None), effects.c.serial.not_in(bindparam("serials", expanding=True))),
    ),
    effects.c.id,
)
"""The same, without kinds of requests and records whose limits are used up."""
_CLAIMED = bulk.Update(
    effects,
    where=("id", "epoch"),
    new=("status", "owner", "lease_until", "leads", "attempts", "first_tried_at"),
    raised=("epoch",),
)
