"""What the commands and the admin pages ask of the database: frozen lines and stories, newest first.

Each function needs an open transaction and changes nothing, but for ``replay_deliveries``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select, update

from connector.storage.flow_control import backlog as queues
from connector.storage.schema.tables import (
    ENDED_BADLY,
    SET_ASIDE,
    STOPPED_RUNS,
    connections,
    definitions,
    deliveries,
    effects,
    events,
    history,
    is_now,
    runs,
    waits,
)
from workflows.sentences import SENTENCES, found, say


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """A delivery without its content. ``size`` is in bytes; from ``emptied_at`` on the content is there no more."""

    id: int
    connection: str
    key: str
    received_at: datetime
    status: str
    reason: str
    size: int
    emptied_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventLine:
    """An event and what workflows made of it: ``decisions`` holds {workflow, version, starts, why} each."""

    seq: int
    id: str
    type: str
    subject: str | None
    customer_id: str | None
    time: datetime
    decisions: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class DeliveryStory:
    """A delivery as it arrived, and what came of it."""

    line: DeliveryLine
    content_type: str
    headers: Mapping[str, str]
    body: bytes
    processed_at: datetime | None
    events: tuple[EventLine, ...]


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run, and the version it began with. ``due_at`` is when it goes on by itself."""

    id: str
    workflow: str
    version: int
    key: str
    status: str
    step: str
    reason: str
    customer_id: str | None
    started_at: datetime
    due_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One thing that happened in a run. ``kind`` is the note's own, "wait" or "effect"."""

    at: datetime
    kind: str
    step: str
    text: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RunStory:
    """A run from its event to now, in the order of time."""

    line: RunLine
    event: EventLine | None
    lines: tuple[StoryLine, ...]


@dataclass(frozen=True, slots=True)
class ConnectionLine:
    """The state of a connection. ``due`` and ``failed`` count outward calls, at most ``MOST_COUNTED``."""

    name: str
    status: str
    reason: str
    blocked_until: datetime | None
    last_delivery_at: datetime | None
    due: int
    failed: int


MOST_COUNTED = 10_000
"""Counting stops here: nobody needs the exact length of a queue that long."""

_EVENT = (
    events.c.seq,
    events.c.id,
    events.c.type,
    events.c.subject,
    events.c.customer_id,
    events.c.time,
    events.c.decisions,
)
_DELIVERY = (
    deliveries.c.id,
    deliveries.c.connection,
    deliveries.c.key,
    deliveries.c.received_at,
    deliveries.c.status,
    deliveries.c.reason,
    func.length(deliveries.c.body).label("size"),
    deliveries.c.emptied_at,
)
_RUN = (
    runs.c.id,
    runs.c.workflow,
    definitions.c.version,
    runs.c.key,
    runs.c.status,
    runs.c.step,
    runs.c.reason,
    runs.c.customer_id,
    runs.c.started_at,
    runs.c.due_at,
    runs.c.ended_at,
)


def list_deliveries(
    tx: Connection,
    *,
    status: str | None = None,
    connection: str | None = None,
    limit: int = 50,
    before: int | None = None,
) -> list[DeliveryLine]:
    """Deliveries, newest first; ``before`` is the id of the last one on the page before."""
    found = _deliveries(select(*_DELIVERY), status, connection).order_by(deliveries.c.id.desc()).limit(limit)
    if before is not None:
        found = found.where(deliveries.c.id < before)
    return [DeliveryLine(*row) for row in tx.execute(found)]


def count_deliveries(tx: Connection, *, status: str | None = None, connection: str | None = None) -> int:
    """How many deliveries there are, at most ``MOST_COUNTED``."""
    bounded = _deliveries(select(deliveries.c.id), status, connection).limit(MOST_COUNTED).subquery()
    return int(tx.execute(select(func.count()).select_from(bounded)).scalar_one())


def delivery_story(tx: Connection, delivery_id: int) -> DeliveryStory | None:
    """One delivery with its content and its events."""
    rest = (deliveries.c.content_type, deliveries.c.headers, deliveries.c.body, deliveries.c.processed_at)
    row = tx.execute(select(*_DELIVERY, *rest).where(deliveries.c.id == delivery_id)).one_or_none()
    if row is None:
        return None
    found = select(*_EVENT).where(events.c.delivery_id == delivery_id).order_by(events.c.seq)
    lines = tuple(EventLine(*each) for each in tx.execute(found))
    content_type, headers, body, processed_at = row[len(_DELIVERY) :]
    return DeliveryStory(
        DeliveryLine(*row[: len(_DELIVERY)]), content_type, headers, body, processed_at, lines
    )


def replay_deliveries(tx: Connection, ids: Iterable[int]) -> list[int]:
    """Let deliveries be understood anew; returns those that exist and have their content. Their known events do not
    happen again."""
    again = update(deliveries).where(deliveries.c.id.in_(list(ids)), deliveries.c.emptied_at.is_(None))
    changed = again.values(status="new", reason="", processed_at=None).returning(deliveries.c.id)
    return sorted(tx.execute(changed).scalars())


def list_runs(
    tx: Connection,
    *,
    workflow: str | None = None,
    status: str | None = None,
    limit: int = 50,
    before: str | None = None,
    where: Sequence[ColumnElement[bool]] = (),
) -> list[RunLine]:
    """Runs, newest first; ``before`` is the id of the last one on the page before, ``where`` narrows further."""
    found = _narrowed(_runs().order_by(runs.c.id.desc()).limit(limit), {runs.c.workflow: workflow})
    found = found.where(*runs_in(status)) if status is not None else found
    if before is not None:
        found = found.where(runs.c.id < before)
    found = found.where(*where)
    return [RunLine(*row) for row in tx.execute(found)]


def runs_in(status: str) -> Sequence[ColumnElement[bool]]:
    """The condition that runs are in a state, in the words of its index."""
    if status in _STOPPED:
        return STOPPED_RUNS, runs.c.status == status
    return (is_now(runs.c.status, status) if status in _SETTLING else runs.c.status == status,)


_STOPPED = frozenset({"failed", "dead", "needs_review", "done_with_failure"})
_SETTLING = frozenset({"waiting", "succeeded", "cancelled", "dismissed"})


def run_story(tx: Connection, run_id: str) -> RunStory | None:
    """One run with everything that happened in it."""
    row = tx.execute(_runs().add_columns(runs.c.event_seq).where(runs.c.id == run_id)).one_or_none()
    if row is None:
        return None
    event = tx.execute(select(*_EVENT).where(events.c.seq == row.event_seq)).one_or_none()
    parts = (_noted(tx, run_id), _waited(tx, run_id), _called(tx, run_id))
    # Sorting keeps the order of lines of one moment: a decision before the waits and calls it asked for.
    lines = sorted((line for part in parts for line in part), key=lambda line: line.at)
    return RunStory(RunLine(*row[:-1]), EventLine(*event) if event else None, tuple(lines))


def list_connections(tx: Connection) -> list[ConnectionLine]:
    """The connections that ever did something, by name."""
    states = {row.name: row for row in tx.execute(select(connections))}
    heard = {name: _last_heard(tx, name) for name in queues.EVERY_SENDER.values(tx)}
    due = _count(tx, is_now(effects.c.status, "due"))
    failed = _count(tx, ENDED_BADLY, effects.c.status == "failed")
    names = sorted({*states, *heard, *due, *failed})
    return [
        _connection(name, states.get(name), heard.get(name), due.get(name, 0), failed.get(name, 0))
        for name in names
    ]


_IN_STATE: Mapping[str, tuple[ColumnElement[bool], ...]] = {
    "new": (is_now(deliveries.c.status, "new"),),
    "ignored": (is_now(deliveries.c.status, "ignored"),),
    "unreadable": (SET_ASIDE, deliveries.c.status == "unreadable"),
    "failed": (SET_ASIDE, deliveries.c.status == "failed"),
    "aside": (SET_ASIDE,),
}
"""The states that few deliveries are in, in the words of their indexes."""


def _deliveries(
    found: Select[*tuple[Any, ...]], status: str | None, connection: str | None
) -> Select[*tuple[Any, ...]]:
    if status is not None and status in _IN_STATE:
        found, status = found.where(*_IN_STATE[status]), None
    return _narrowed(found, {deliveries.c.status: status, deliveries.c.connection: connection})


def _last_heard(tx: Connection, connection: str) -> datetime | None:
    newest = select(deliveries.c.received_at).where(deliveries.c.connection == connection)
    return tx.execute(newest.order_by(deliveries.c.id.desc()).limit(1)).scalar()


def _narrowed(found: Select[*tuple[Any, ...]], wanted: Mapping[Any, str | None]) -> Select[*tuple[Any, ...]]:
    return found.where(*(column == value for column, value in wanted.items() if value is not None))


def _runs() -> Select[*tuple[Any, ...]]:
    return select(*_RUN).join(definitions, definitions.c.id == runs.c.definition_id)


def _noted(tx: Connection, run_id: str) -> Iterator[StoryLine]:
    noted = select(history.c.at, history.c.notes).where(history.c.run_id == run_id).order_by(history.c.id)
    for row in tx.execute(noted):
        for note in row.notes:
            text = found(note["text"], note.get("said"))
            yield StoryLine(row.at, note["kind"], note["step"], text, note.get("data", {}))


def _waited(tx: Connection, run_id: str) -> Iterator[StoryLine]:
    of_run = select(waits).where(waits.c.run_id == run_id).order_by(waits.c.id)
    for row in tx.execute(of_run):
        about = say("story.expects_about", event=row.event_type, subject=row.subject)
        expects = about if row.subject else say("story.expects", event=row.event_type)
        data = {"event_seq": row.event_seq, "status": row.status}
        yield StoryLine(row.opened_at, "wait", _step(row.visit), expects, data)
        if row.closed_at is not None:
            ended = say("story.wait", event=row.event_type, status=_word(row.status))
            yield StoryLine(row.closed_at, "wait", _step(row.visit), ended, data)


def _called(tx: Connection, run_id: str) -> Iterator[StoryLine]:
    of_run = select(effects).where(effects.c.run_id == run_id).order_by(effects.c.id)
    for row in tx.execute(of_run):
        call = {"action": row.action, "connection": row.connection}
        data = {"effect": row.id, "key": row.key, "class": row.effect_class, "stage": row.stage}
        yield StoryLine(row.created_at, "effect", _step(row.visit), say("story.wanted", **call), data)
        if row.first_tried_at is not None:
            yield StoryLine(row.first_tried_at, "effect", _step(row.visit), say("story.tried", **call), data)
        if row.ended_at is not None:
            yield StoryLine(row.ended_at, "effect", _step(row.visit), _ending(row, call), data)


def _ending(row: Row[Any], call: Mapping[str, str]) -> str:
    id_ = "story.ended_once" if row.attempts == 1 else "story.ended"
    tries = {**call, "status": _word(row.status), "attempts": row.attempts}
    return say(f"{id_}_error", **tries, error=row.error) if row.error else say(id_, **tries)


def _word(status: str) -> str:
    return say(f"status.{status}") if f"status.{status}" in SENTENCES else status


def _step(visit: str) -> str:
    return visit.partition("#")[0]


def _count(tx: Connection, *which: ColumnElement[bool]) -> dict[str, int]:
    bounded = select(effects.c.connection).where(*which).limit(MOST_COUNTED).subquery()
    counted = select(bounded.c.connection, func.count()).group_by(bounded.c.connection)
    return dict(tuple(row) for row in tx.execute(counted))


def _connection(
    name: str, state: Row[Any] | None, heard: datetime | None, due: int, failed: int
) -> ConnectionLine:
    if state is None:
        return ConnectionLine(name, "active", "", None, heard, due, failed)
    return ConnectionLine(name, state.status, state.reason, state.blocked_until, heard, due, failed)
