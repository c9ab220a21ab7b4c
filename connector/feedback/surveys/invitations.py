"""Invitations: one person asked for one survey, and the first look at the page. What they give is ``answering``'s.

All functions work inside the caller's transaction. What changes an invitation needs it read with ``lock=True`` in
the same transaction, so that two requests of one person cannot overwrite each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from connector.feedback.customers import identity as customers
from connector.storage.schema.tables import invitations


@dataclass(frozen=True, slots=True)
class Invitation:
    """One row of ``invitations``, but for what only its sending needs."""

    id: str
    survey: str
    definition_id: str
    customer_id: str
    channel: str
    language: str
    status: str
    about: str | None
    context: Mapping[str, Any]
    answers: Mapping[str, Any]
    expires_at: datetime
    opened_at: datetime | None
    started_at: datetime | None
    answered_at: datetime | None
    revision: int = 0
    changes: Mapping[str, Any] = field(default_factory=dict)
    seen_language: str | None = None
    touched_at: datetime | None = None
    settles_at: datetime | None = None
    counted: Mapping[str, Any] | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether it may no longer be answered, nor what was answered be changed."""
        return now >= self.expires_at


COLUMNS = [invitations.c[field.name] for field in fields(Invitation)]


def find(connection: Connection, token_digest: str, *, lock: bool = False) -> Invitation | None:
    """The invitation whose link has this token (see ``connector.ids.digest``)."""
    statement = select(*COLUMNS).where(invitations.c.token_digest == token_digest)
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    return None if row is None else Invitation(*row)


def customer_view(connection: Connection, customer_id: str) -> Mapping[str, Any]:
    """What conditions read as ``customer.<field>``."""
    customer = customers.load(connection, [customer_id]).get(customer_id)
    return customer.view() if customer else {}


def mark_opened(connection: Connection, invitation: Invitation, now: datetime) -> None:
    """Note the first look at the page. A link scanner looks too, so nothing may follow from it."""
    statement = update(invitations).where(invitations.c.id == invitation.id, invitations.c.opened_at.is_(None))
    connection.execute(statement.values(opened_at=now))
    connection.execute(_while("sent", invitation).values(status="opened"))


def _while(status: str, invitation: Invitation) -> Any:
    return update(invitations).where(invitations.c.id == invitation.id, invitations.c.status == status)
