"""An event on its way in: new, its customer known, its data being completed by the features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection

from connector.feedback.customers.identity import Customer
from connector.storage.engine.database import Database
from workflows.events import EVENT_TYPES, Event


@dataclass(frozen=True, slots=True)
class IncomingEvent:
    """``data`` is what conditions will read as ``event.<field>``; recorders return it with more in it."""

    id: str
    event: Event
    delivery_id: int
    customer: Customer | None
    data: Mapping[str, Any]

    @property
    def type(self) -> str:
        return self.event.type

    @property
    def subject(self) -> str | None:
        """The value that waits for this event are looked up by."""
        known = EVENT_TYPES.get(self.event.type)
        value = self.data.get(known.subject) if known and known.subject else None
        return None if value is None else str(value)


class EventHook(Protocol):
    """A feature's part in the intake: what it keeps of the new events, in the intake's transaction."""

    def __call__(
        self, database: Database, tx: Connection, batch: Sequence[IncomingEvent], now: datetime
    ) -> Sequence[IncomingEvent]: ...
