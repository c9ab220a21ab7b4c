"""What the database knows of one customer, oldest first. Each function needs an open transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from connector.storage.schema.tables import (
    callbacks,
    deliveries,
    effects,
    events,
    identities,
    invitations,
    responses,
    runs,
)


@dataclass(frozen=True, slots=True)
class Happened:
    """An event, and the delivery it came in. ``decisions`` holds {workflow, version, starts, why} each."""

    seq: int
    type: str
    subject: str | None
    external_id: str
    time: datetime
    decisions: Sequence[Mapping[str, Any]]
    delivery_id: int
    received_at: datetime
    key: str

    def why(self, workflow: str) -> str:
        """What this workflow decided about it, in a sentence; "" when it was not concerned."""
        return next((str(each["why"]) for each in self.decisions if each["workflow"] == workflow), "")


@dataclass(frozen=True, slots=True)
class Run:
    """A run, by the event that started it."""

    id: str
    workflow: str
    status: str
    reason: str
    event_seq: int
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Call:
    """An outward call of a run. ``due_at`` is when it is tried (again)."""

    id: str
    run_id: str
    action: str
    connection: str
    key: str
    status: str
    attempts: int
    error: str
    due_at: datetime
    first_tried_at: datetime | None
    ended_at: datetime | None
    outcome: Mapping[str, Any] | None

    @property
    def is_trying_again(self) -> bool:
        """It failed at least once, and is not given up."""
        return bool(self.error) and self.status in ("due", "performing")


@dataclass(frozen=True, slots=True)
class Asked:
    """An invitation to a survey."""

    id: str
    run_id: str | None
    survey: str
    status: str
    reason: str
    about: str | None
    sent_at: datetime | None
    opened_at: datetime | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A recorded answer."""

    id: str
    invitation_id: str | None
    score: int
    band: str
    comment: str
    contact_consent: bool
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class Callback:
    """A callback ticket that was asked for."""

    response_id: str | None
    ticket_id: str | None
    status: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Record:
    """Everything of one customer."""

    events: tuple[Happened, ...] = ()
    runs: tuple[Run, ...] = ()
    calls: tuple[Call, ...] = ()
    asked: tuple[Asked, ...] = ()
    answers: tuple[Answer, ...] = ()
    callbacks: tuple[Callback, ...] = ()

    def event(
        self, type_: str, subject: str | None = None, *, external_id: str | None = None, latest: bool = False
    ) -> Happened | None:
        """The first (or latest) event of this type, with this subject or the sender's id."""
        found = [
            each
            for each in self.events
            if each.type == type_
            and subject in (None, each.subject)
            and external_id in (None, each.external_id)
        ]
        return found[-1 if latest else 0] if found else None

    def run(self, workflow: str, event: Happened | None) -> Run | None:
        """The run of a workflow that this event started."""
        started = (each for each in self.runs if event and each.event_seq == event.seq)
        return next((each for each in started if each.workflow == workflow), None)

    def calls_of(self, run: Run | None, action: str = "") -> tuple[Call, ...]:
        return tuple(
            each for each in self.calls if run and each.run_id == run.id and action in ("", each.action)
        )

    def invitation(self, run: Run | None) -> Asked | None:
        return next((each for each in self.asked if run and each.run_id == run.id), None)

    def answer(self, asked: Asked | None) -> Answer | None:
        return next((each for each in self.answers if asked and each.invitation_id == asked.id), None)

    def callback(self, answer: Answer | None) -> Callback | None:
        return next((each for each in self.callbacks if answer and each.response_id == answer.id), None)


def of_customer(tx: Connection, known_as: Iterable[tuple[str, str]]) -> Record:
    """The record of whoever has one of these identities: (system, value) pairs."""
    c = identities.c
    either = or_(*(and_(c.system == system, c.value == value) for system, value in known_as))
    ids = list(tx.execute(select(c.customer_id).where(either).distinct()).scalars())
    return _record(tx, ids) if ids else Record()


def _record(tx: Connection, ids: Sequence[str]) -> Record:
    e, d, r = events.c, deliveries.c, runs.c
    happened = (
        e.seq,
        e.type,
        e.subject,
        e.external_id,
        e.time,
        e.decisions,
        e.delivery_id,
        d.received_at,
        d.key,
    )
    arrived = select(*happened).join(deliveries, d.id == e.delivery_id).where(e.customer_id.in_(ids))
    started = select(*_columns(runs, Run)).where(r.customer_id.in_(ids))
    called = (
        select(*_columns(effects, Call)).join(runs, r.id == effects.c.run_id).where(r.customer_id.in_(ids))
    )
    return Record(
        tuple(Happened(*row) for row in tx.execute(arrived.order_by(e.seq))),
        tuple(Run(*row) for row in tx.execute(started.order_by(r.id))),
        tuple(Call(*row) for row in tx.execute(called.order_by(effects.c.id))),
        tuple(_rows(tx, invitations, Asked, ids)),
        tuple(_rows(tx, responses, Answer, ids)),
        tuple(_rows(tx, callbacks, Callback, ids)),
    )


def _columns(table: Any, value: Any) -> list[Any]:
    return [table.c[name] for name in value.__dataclass_fields__]


def _rows(tx: Connection, table: Any, value: Any, ids: Sequence[str]) -> list[Any]:
    found = select(*_columns(table, value)).where(table.c.customer_id.in_(ids)).order_by(table.c.id)
    return [value(*row) for row in tx.execute(found)]
