"""What vendors sign their webhooks with, where ``ringback provision`` asked them for it: sealed, and read by whoever
verifies. The one before the latest counts as well, because deliveries that it signed may still be on their way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import Connection, select

from connector.clock import Clock
from connector.secret_keys import SecretKeys
from connector.storage.engine.cached_value import CachedValue
from connector.storage.engine.database import Database
from connector.storage.engine.encryption import Box
from connector.storage.schema.tables import provisioned

PURPOSE = "webhook secrets"

_FRESH = timedelta(seconds=5)
"""A webhook is switched on later than that after its secret was kept, as views and macros are made in between; and if
not, what it sent meanwhile is found in Zendesk's log (``vendors/zendesk/reconcile/run.py``)."""

_KEPT = 2  # the latest and the one before

Secrets = Mapping[str, tuple[str, ...]]
"""Connection → its secrets, the latest first."""


class HookSecrets:
    """The secrets of all connections, for the processes that answer webhooks."""

    def __init__(self, database: Database, keys: SecretKeys, clock: Clock) -> None:
        self._box = Box(keys, PURPOSE)
        self._opened: dict[tuple[str, str, str], tuple[str, ...]] = {}
        self._known: CachedValue[Secrets] = CachedValue(
            database, self.read, {}, what="what webhooks are signed with", fresh=_FRESH, clock=clock
        )

    def __call__(self) -> Secrets:
        return self._known()

    def read(self, tx: Connection) -> Secrets:
        """As they are now. Of one that another secret key sealed meanwhile, what was known before still counts: a
        process that has yet to be started with that key must refuse no webhook."""
        c, found = provisioned.c, dict[str, tuple[str, ...]]()
        asked = select(c.connection, c.kind, c.key, c.secret).where(c.secret.is_not(None))
        for row in tx.execute(asked.order_by(c.kind, c.key)):
            place = (row.connection, row.kind, row.key)
            self._opened[place] = opened(self._box, row.secret) or self._opened.get(place, ())
            found[row.connection] = (*found.get(row.connection, ()), *self._opened[place])
        return {name: secrets for name, secrets in found.items() if secrets}


def opened(box: Box, sealed: bytes | None) -> tuple[str, ...]:
    """The secrets of one webhook, the latest first."""
    text = box.open(sealed)
    return tuple(json.loads(text)) if text else ()


def renewed(box: Box, sealed: bytes | None, secret: str) -> bytes:
    """``secret`` as the latest, with the one that was the latest before it."""
    earlier = [each for each in opened(box, sealed) if each != secret]
    return box.seal(json.dumps([secret, *earlier][:_KEPT]))
