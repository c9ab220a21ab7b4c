"""``score.write``: the newest score of a customer onto their record, never an older one over it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

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
from connector.feedback.crm.scores import score_writer
from connector.feedback.crm.scores.score_writer import ScoreWriter
from connector.feedback.customers.identity import HOME
from connector.storage.engine.database import Database


class WriteScore:
    """The action. How a score comes onto a record is its connection's ``ScoreWriter``'s."""

    def __init__(self, database: Database, clients: Clients, country: str = HOME) -> None:
        """``country`` is where phone numbers without + are from."""
        self._database, self._clients, self._country = database, clients, country
        self._writers: dict[str, ScoreWriter] = {}

    def batch(self, connection: str) -> int:
        """1 for a connection that takes no scores: chat alerts go out on no configured one."""
        try:
            return self._writer(connection).batch
        except NotPossibleError:
            return 1

    def prepare(self, ask: ActionContext) -> Intent | Output:
        return self._writer(str(ask.params["connection"])).prepare(ask)

    def perform(self, effects: Sequence[Effect], now: datetime) -> list[Result]:
        """One result per effect, in order."""
        results = self._writer(effects[0].connection).perform(effects, now)
        return [results[effect.id] for effect in effects]

    def finish(self, done: CompletionContext) -> Intent | Output:
        return self._writer(done.effect.connection).finish(done)

    def _writer(self, connection: str) -> ScoreWriter:
        if connection not in self._writers:
            self._writers[connection] = score_writer.choose(self._database, self._clients, connection, self._country)
        return self._writers[connection]
