"""Access tokens shared by all processes, encrypted at rest."""

from __future__ import annotations

import base64
import hashlib
import json

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Connection, select, update

from connector.clock import Clock
from connector.storage import accounts
from connector.storage.database import Database
from connector.storage.tables import connections
from integrations.tokens import Token


class DatabaseTokenStore:
    """One connection's token in its row. A key that changed reads as "no token": a new one is asked for."""

    def __init__(self, database: Database, connection: str, secret_key: str, clock: Clock) -> None:
        self._database, self._connection, self._clock = database, connection, clock
        self._box = MultiFernet([Fernet(_fernet_key(secret_key))])

    def get(self) -> Token | None:
        with self._database.read() as tx:
            return self._stored(tx)

    def put(self, token: Token, *, replacing: Token | None) -> Token:
        """Keep ``token`` if what is kept is still ``replacing``; → what is kept afterwards."""
        return self._database.transact(lambda tx: self._put(tx, token, replacing))

    def _put(self, tx: Connection, token: Token, replacing: Token | None) -> Token:
        self._database.lock(tx, [f"token:{self._connection}"])
        stored = self._stored(tx)
        if stored is not None and stored != replacing:
            return stored
        accounts.ensure(self._database, tx, [self._connection], self._clock())
        written = update(connections).where(connections.c.name == self._connection)
        tx.execute(written.values(token=self._sealed(token), updated_at=self._clock()))
        return token

    def _stored(self, tx: Connection) -> Token | None:
        sealed = tx.execute(select(connections.c.token).where(connections.c.name == self._connection)).scalar()
        if not sealed:
            return None
        try:
            return Token(**json.loads(self._box.decrypt(sealed)))
        except InvalidToken:
            return None

    def _sealed(self, token: Token) -> bytes:
        return self._box.encrypt(json.dumps({"value": token.value, "use_until": token.use_until}).encode())


def _fernet_key(secret_key: str) -> bytes:
    """A Fernet key of its own from the installation's secret, by a labelled hash."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"ringback tokens {secret_key}".encode()).digest())
