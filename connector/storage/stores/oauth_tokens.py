"""Access tokens shared by all processes, encrypted at rest."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select, update

from connector.clock import Clock
from connector.secret_keys import SecretKeys
from connector.storage.engine.database import Database
from connector.storage.engine.encryption import Box, sealed_by
from connector.storage.flow_control import connection_state
from connector.storage.schema.tables import connections
from integrations.auth.tokens import Token
from integrations.errors import NotYet, RateLimited

PURPOSE = "tokens"

_UNTIL_RESTARTED = 60.0
"""Seconds after which a process that lacks a key looks again; mostly another one has done its work by then."""

_LOGIN_PAUSE = timedelta(seconds=2)
"""An hour's even pace of 1,800 logins: half of what Salesforce allows a user (3,600 an hour), for the user may log in
elsewhere too."""

_LOGIN_BURST = timedelta(minutes=2)
"""How far ahead of that pace logins may run: sixty at once."""


class DatabaseTokenStore:
    """One connection's token in its row. One that another secret key sealed is not asked for anew, as that may end the
    one that others use: ``get`` and ``put`` raise NotYet, and ``ringback secret-key`` says what to do."""

    def __init__(self, database: Database, connection: str, keys: SecretKeys, clock: Clock) -> None:
        self._database, self._connection, self._clock = database, connection, clock
        self._box = Box(keys, PURPOSE)

    def get(self) -> Token | None:
        with self._database.read() as tx:
            return self._stored(tx)

    def put(self, token: Token, *, replacing: Token | None) -> Token:
        """Keep ``token`` if what is kept is still ``replacing``; → what is kept afterwards."""
        return self._database.transact(lambda tx: self._put(tx, token, replacing))

    def lease(self, seconds: float) -> bool:
        """The row says until when somebody is asking."""
        now, c = self._clock(), connections.c
        free = or_(c.token_lease_until.is_(None), c.token_lease_until <= now)

        def take(tx: Connection) -> bool:
            connection_state.ensure(self._database, tx, [self._connection], now)
            mine = update(connections).where(c.name == self._connection, free)
            until = now + timedelta(seconds=seconds)
            return tx.execute(mine.values(token_lease_until=until)).rowcount == 1

        return self._database.transact(take)

    def release(self) -> None:
        c = connections.c
        ended = update(connections).where(c.name == self._connection).values(token_lease_until=None)
        self._database.transact(lambda tx: tx.execute(ended) and None)

    def count(self) -> None:
        """One more login of this connection, by whichever process: an even pace, with a burst."""
        self._database.transact(self._count)

    def _count(self, tx: Connection) -> None:
        now, c = self._clock(), connections.c
        self._database.lock(tx, [f"token:{self._connection}"])
        until: datetime | None = tx.execute(select(c.logins_until).where(c.name == self._connection)).scalar()
        ahead = max(until or now, now) - now
        if ahead > _LOGIN_BURST:
            wait = (ahead - _LOGIN_BURST).total_seconds()
            said = "logins are paused: too many tokens were asked for in the last minutes"
            raise RateLimited(said, retry_after=wait, code="logins")
        later = max(until or now, now) + _LOGIN_PAUSE
        tx.execute(update(connections).where(c.name == self._connection).values(logins_until=later))

    def replace(self, token: Token) -> None:
        """Keep ``token`` whatever is kept: a person has just agreed to it."""

        def put(tx: Connection) -> None:
            self._database.lock(tx, [f"token:{self._connection}"])
            self._write(tx, token)

        self._database.transact(put)

    def _put(self, tx: Connection, token: Token, replacing: Token | None) -> Token:
        self._database.lock(tx, [f"token:{self._connection}"])
        stored = self._stored(tx)
        if stored is not None and stored != replacing:
            return stored
        self._write(tx, token)
        return token

    def _write(self, tx: Connection, token: Token) -> None:
        connection_state.ensure(self._database, tx, [self._connection], self._clock())
        written = update(connections).where(connections.c.name == self._connection)
        tx.execute(written.values(token=self._sealed(token), updated_at=self._clock()))

    def _stored(self, tx: Connection) -> Token | None:
        sealed = tx.execute(select(connections.c.token).where(connections.c.name == self._connection)).scalar()
        text = self._box.open(sealed)
        if sealed and text is None:
            raise NotYet(_unopened(sealed), retry_after=_UNTIL_RESTARTED, code="secret_key")
        return Token(**json.loads(text)) if text else None

    def _sealed(self, token: Token) -> bytes:
        return self._box.seal(json.dumps(dataclasses.asdict(token)))


def _unopened(sealed: bytes) -> str:
    said = f"the token is sealed with the secret key {sealed_by(sealed)} and does not open"
    return f"{said} in this process; see `ringback secret-key status`"
