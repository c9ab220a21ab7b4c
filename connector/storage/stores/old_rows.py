"""What is old enough to go, and its going: in slices of rows, so that nobody waits long for the writer.

Nothing that a kept run refers to goes: not its event, and no event since its steps began, at which it may still look
back. Looking for what is due costs a look into an index, however much is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, Table, delete, func, select, true, update

from connector.storage.schema import tables as t
from connector.storage.stores.run_queries import MOST_COUNTED

Version = tuple[Any, ...]
"""Of a row that may still change: it goes only in the version that was read."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows that are due. ``versions`` maps each one's key to its version, ``after`` is where to look on."""

    versions: Mapping[Any, Version] = field(default_factory=dict)
    after: Any = None


@dataclass(frozen=True, slots=True)
class RetentionKind:
    """A kind of rows with one period.

    ``due`` finds the next slice that is older than a moment, ``rows`` reads what the slice consists of, ``remove``
    takes away what is still as it was. Each needs an open transaction.
    """

    name: str
    due: Callable[[Connection, datetime, Any, int], Slice | None]
    rows: Callable[[Connection, Slice], Iterator[tuple[str, Mapping[str, Any]]]]
    remove: Callable[[Connection, Slice, datetime], int]
    count: Callable[[Connection, datetime], int]


def _count(tx: Connection, which: Select[Any]) -> int:
    return int(tx.execute(select(func.count()).select_from(which.limit(MOST_COUNTED).subquery())).scalar_one())


def _plain(row: Row[Any]) -> dict[str, Any]:
    return dict(row._mapping)


_ANY = true()


# --- rows that are written once, in the order of their key ---------------------------------------------------


def oldest_first(
    name: str, table: Table, key: Column[Any], at: Column[datetime],
    free: ColumnElement[bool] = _ANY, reach: Callable[[Connection], ColumnElement[bool]] = lambda _tx: _ANY,
) -> RetentionKind:  # fmt: skip
    """A kind whose oldest rows are those with the lowest keys, so that its table needs no index for it. Rows go that
    meet ``free``; those beyond ``reach`` are not even looked at."""

    def page(tx: Connection, after: Any, limit: int) -> Select[Any]:
        oldest = select(key.label("key"), at.label("at")).where(reach(tx))
        return (oldest if after is None else oldest.where(key > after)).order_by(key).limit(limit)

    def due(tx: Connection, before: datetime, after: Any, limit: int) -> Slice | None:
        """None: what follows is younger. A slice may be empty, and yet not the last."""
        found = tx.execute(page(tx, after, limit)).all()
        old = [row.key for row in found if row.at <= before]
        if not old:
            return None
        going = select(key).where(key.in_(old), free)
        return Slice(dict.fromkeys(tx.execute(going).scalars(), ()), found[-1].key)

    def rows(tx: Connection, chosen: Slice) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for row in tx.execute(select(table).where(key.in_(list(chosen.versions))).order_by(key)):
            yield table.name, _plain(row)

    def remove(tx: Connection, chosen: Slice, _now: datetime) -> int:
        return tx.execute(delete(table).where(key.in_(list(chosen.versions)), free, reach(tx))).rowcount

    def count(tx: Connection, before: datetime) -> int:
        oldest = page(tx, None, MOST_COUNTED).subquery()
        return _count(tx, select(key).join(oldest, oldest.c.key == key).where(oldest.c.at <= before, free))

    return RetentionKind(name, due, rows, remove, count)


def unarchived(kind: RetentionKind) -> RetentionKind:
    """The same, for rows that are to be gone when they go."""
    return replace(kind, rows=lambda _tx, _chosen: iter(()))


_SETTLED = t.deliveries.c.status != "new"
"""A delivery that is not understood yet stays, however old."""

_TOLD = (
    ~select(t.deliveries.c.id)
    .where(t.deliveries.c.id == t.events.c.delivery_id, t.deliveries.c.emptied_at.is_(None))
    .exists()
)
"""An event stays while its delivery can tell it again: else it would be taken for a new one."""


def _before_every_run(tx: Connection) -> ColumnElement[bool]:
    """The events before those of all runs that are kept: nobody refers to them or may look back at them."""
    first = tx.execute(select(func.min(t.runs.c.event_seq))).scalar()
    return _ANY if first is None else t.events.c.seq < first


# --- what deliveries contained ------------------------------------------------------------------------------

_FULL = (t.EMPTIABLE, t.deliveries.c.emptied_at.is_(None))
"""Those that were understood. What was set aside can be replayed until the whole row goes."""


def _contents_due(tx: Connection, before: datetime, _after: Any, limit: int) -> Slice | None:
    c = t.deliveries.c
    oldest = select(c.id).where(*_FULL, c.received_at <= before).order_by(c.received_at).limit(limit)
    found = tx.execute(oldest).scalars().all()
    return Slice(dict.fromkeys(found, ())) if found else None


def _contents(tx: Connection, chosen: Slice) -> Iterator[tuple[str, Mapping[str, Any]]]:
    c = t.deliveries.c
    for row in tx.execute(select(t.deliveries).where(c.id.in_(list(chosen.versions))).order_by(c.id)):
        yield t.deliveries.name, _plain(row)


def _empty(tx: Connection, chosen: Slice, now: datetime) -> int:
    emptied = update(t.deliveries).where(t.deliveries.c.id.in_(list(chosen.versions)), *_FULL)
    return tx.execute(emptied.values(headers={}, body=b"", emptied_at=now)).rowcount


def _count_contents(tx: Connection, before: datetime) -> int:
    return _count(tx, select(t.deliveries.c.id).where(*_FULL, t.deliveries.c.received_at <= before))


# --- runs that ended, with all that was written of them -------------------------------------------------------

_PARTS = (t.waits, t.effects, t.history)
_ENDED = t.runs.c.ended_at.is_not(None)


def _runs_due(tx: Connection, before: datetime, _after: Any, limit: int) -> Slice | None:
    c = t.runs.c
    oldest = select(c.id).where(_ENDED, c.ended_at <= before).order_by(c.ended_at).limit(limit)
    found = tx.execute(oldest).scalars().all()
    return Slice(_versions(tx, found)) if found else None


def _versions(tx: Connection, ids: Sequence[str]) -> dict[str, Version]:
    """Locks the runs until the transaction ends, but for those that someone has in hand. Whoever takes one in hand
    gives it a new epoch, or at least a line in its history."""
    c, h = t.runs.c, t.history.c
    locked = select(c.id, c.epoch).where(c.id.in_(ids), _ENDED).order_by(c.id).with_for_update(skip_locked=True)
    epochs = dict(tuple(row) for row in tx.execute(locked))
    latest = select(h.run_id, func.max(h.id)).where(h.run_id.in_(list(epochs))).group_by(h.run_id)
    newest = dict(tuple(row) for row in tx.execute(latest))
    return {one: (epoch, newest.get(one)) for one, epoch in epochs.items()}


def _runs(tx: Connection, chosen: Slice) -> Iterator[tuple[str, Mapping[str, Any]]]:
    ids = list(chosen.versions)
    for row in tx.execute(select(t.runs).where(t.runs.c.id.in_(ids)).order_by(t.runs.c.id)):
        yield t.runs.name, _plain(row)
    for part in _PARTS:
        for row in tx.execute(select(part).where(part.c.run_id.in_(ids)).order_by(part.c.id)):
            yield part.name, _plain(row)


def _remove_runs(tx: Connection, chosen: Slice, _now: datetime) -> int:
    now = _versions(tx, list(chosen.versions))
    ids = [one for one, version in chosen.versions.items() if now.get(one) == version]
    for part in _PARTS:
        tx.execute(delete(part).where(part.c.run_id.in_(ids)))
    return tx.execute(delete(t.runs).where(t.runs.c.id.in_(ids))).rowcount


def _count_runs(tx: Connection, before: datetime) -> int:
    return _count(tx, select(t.runs.c.id).where(_ENDED, t.runs.c.ended_at <= before))


ENGINE_KINDS = (
    RetentionKind("contents", _contents_due, _contents, _empty, _count_contents),
    RetentionKind("runs", _runs_due, _runs, _remove_runs, _count_runs),
    oldest_first("events", t.events, t.events.c.seq, t.events.c.received_at, _TOLD, _before_every_run),
    oldest_first("deliveries", t.deliveries, t.deliveries.c.id, t.deliveries.c.received_at, _SETTLED),
)
"""What the engine itself writes, in this order: what refers to others goes before them. Features have more kinds."""
