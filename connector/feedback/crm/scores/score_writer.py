"""How scores come onto a connection's records. Chosen once per connection: the newest score alone, or everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from connector.feedback.base.actions import (
    ActionContext,
    Clients,
    CompletionContext,
    Effect,
    Intent,
    NotPossibleError,
    Output,
    Result,
)
from connector.feedback.crm.scores.full_writeback import FullWriteback
from connector.feedback.crm.scores.newest_score import NewestScore
from connector.feedback.crm.scores.record_lookup import RecordLookup
from connector.storage.engine.database import Database
from integrations.roles import Role


class ScoreWriter(Protocol):
    """Of one connection. Each performs what the other stored, too: a connection's settings change, effects stay."""

    @property
    def batch(self) -> int:
        """How many effects are worth being taken together."""
        ...

    def prepare(self, ask: ActionContext) -> Intent | Output: ...

    def perform(self, effects: Sequence[Effect], now: datetime) -> Mapping[str, Result]:
        """Result by effect: {record} where it was written, {found} where it is to be written, {done: False, reason}
        where it is not; or the error."""
        ...

    def finish(self, done: CompletionContext) -> Intent | Output: ...


def choose(database: Database, clients: Clients, connection: str, country: str) -> ScoreWriter:
    """``country`` is where phone numbers without + are from. Raises NotPossibleError."""
    if not clients.has(connection, Role.CRM):
        users = clients.helpdesk(connection).pictures
        if users is None:
            raise NotPossibleError(f"connection: {connection!r} has no place for scores. Use another.")
        by_email = RecordLookup(database, connection, users, None, country)
        return FullWriteback(database, clients, connection, users, by_email)
    crm = clients.crm(connection)
    lookup = RecordLookup(database, connection, crm, crm, country)
    if crm.pictures is None:
        return NewestScore(database, connection, crm, lookup)
    return FullWriteback(database, clients, connection, crm.pictures, lookup)
