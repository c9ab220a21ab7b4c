"""Whom we act as at each vendor, so that our own writes are recognised when they come back as events."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from connector.clock import Clock
from connector.runtime.jobs.job import Job
from connector.storage.engine.cached_value import CachedValue
from connector.storage.engine.database import Database
from connector.storage.flow_control import connection_state
from integrations.errors import IntegrationError

log = logging.getLogger(__name__)

EVERY_SECONDS = 60.0

_FRESH = timedelta(seconds=5)


class OwnUsers:
    """Asks each vendor once, keeps the answer in the database, and reads it from there now and then.
    ``connections`` are those at which we act as somebody."""

    def __init__(
        self, database: Database, ask: Callable[[str], str], connections: Sequence[str], clock: Clock
    ) -> None:
        self._database, self._ask, self._clock = database, ask, clock
        self._connections = frozenset(connections)
        self._known: CachedValue[Mapping[str, str]] = CachedValue(
            database, connection_state.own_users, {}, what="whom we act as", fresh=_FRESH, clock=clock,
            is_whole=self._is_whole,
        )  # fmt: skip
        self._told: set[str] = set()

    def known(self) -> Mapping[str, str]:
        """Connection → our user's id there; as last read while the database does not answer."""
        return self._known()

    def learn(self) -> None:
        """Ask those vendors whose answer we do not have yet; one that does not answer is asked again later."""
        for name in sorted(self._connections - self.known().keys()):
            self._learn(name)

    def _learn(self, name: str) -> None:
        try:
            user_id = self._ask(name)
        except IntegrationError as error:
            if name not in self._told:
                log.warning("%s does not say whom we act as (%s); our own changes there may come back as events",
                            name, error.reason)  # fmt: skip
            self._told.add(name)
            return
        now = self._clock()
        self._database.transact(lambda tx: connection_state.know_own_user(self._database, tx, name, user_id, now))
        self._known.forget()


    def _is_whole(self, known: Mapping[str, str]) -> bool:
        """Where somebody is missing, each comment of ours that comes back is taken for somebody else's."""
        return self._connections <= known.keys()


def job(own_users: OwnUsers) -> Job:
    return Job(name="own users", run=own_users.learn, every=EVERY_SECONDS, at_start=True)
