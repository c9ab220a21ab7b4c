"""What came back and what came of it, as people read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from connector.feedback.mail_feedback import undeliverable
from connector.storage.schema.tables import events
from webhooks.mail.events import ANSWERED, BOUNCED, COMPLAINED, TYPES


@dataclass(frozen=True, slots=True)
class Heard:
    """A returned mail. ``customer`` is empty where nobody knows whose it was."""

    at: datetime
    what: str
    why: str
    connection: str
    outcome: str
    customer: str | None


@dataclass(frozen=True, slots=True)
class SuppressedAddress:
    """An address that is not written to, since when and why."""

    address: str
    since: datetime
    why: str
    customer: str | None


def newest(tx: Connection, limit: int) -> list[Heard]:
    """The newest first."""
    c = events.c
    rows = tx.execute(select(events).where(c.type.in_(TYPES)).order_by(c.seq.desc()).limit(limit))
    return [
        Heard(row.received_at, _what(row.type, row.data), _why(row.type, row.data), row.connection,
              str(row.data.get("outcome") or ""), row.customer_id)
        for row in rows
    ]  # fmt: skip


def suppressed(tx: Connection, limit: int) -> list[SuppressedAddress]:
    """The newest first."""
    rows = undeliverable.suppressed(tx, limit)
    return [SuppressedAddress(row.address, row.since, row.reason, row.customer_id) for row in rows]


def _what(type_: str, data: Mapping[str, Any]) -> str:
    if type_ == BOUNCED:
        return "hard bounce" if data.get("hard") else "soft bounce"
    return {COMPLAINED: "complaint", ANSWERED: "answer"}[type_]


def _why(type_: str, data: Mapping[str, Any]) -> str:
    """Nothing of a person's words: those are read where the feedback is."""
    if type_ == BOUNCED:
        return ", ".join(filter(None, (data.get("why"), data.get("status"))))
    return str(data.get("kind") or "") if type_ == COMPLAINED else ""
