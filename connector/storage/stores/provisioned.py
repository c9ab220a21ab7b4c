"""What ``ringback provision`` made in a vendor's account: our key of each thing, and the id the vendor gave it.

A row is written when the vendor has answered. Should the process die in between, the next run finds the thing by its
mark and adopts it, so nothing is made twice. What an admin had made before us is used, but never taken away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from connector.clock import Clock
from connector.storage.engine.cached_value import CachedValue
from connector.storage.engine.database import Database
from connector.storage.schema.tables import provisioned

TICKET_FIELD, USER_FIELD, ORGANIZATION_FIELD = "ticket_field", "user_field", "organization_field"
"""The kinds of fields in a helpdesk; other kinds are the vendor's own words (webhook, trigger, view, macro …)."""

_FRESH = timedelta(seconds=30)
_Fields = Mapping[tuple[str, str], Mapping[str, str]]  # (connection, kind) → our key → the vendor's id


@dataclass(frozen=True, slots=True)
class Made:
    """One thing in the vendor's account. ``made``: by us, so that we may take it away again. ``secret`` is sealed."""

    kind: str
    key: str
    vendor_id: str
    made: bool
    made_at: datetime
    seen_at: datetime  # when it was last found to be there
    secret: bytes | None = field(default=None, repr=False)


def of_connection(tx: Connection, connection: str) -> list[Made]:
    """Everything we know of on the connection."""
    c = provisioned.c
    found = select(provisioned).where(c.connection == connection).order_by(c.kind, c.key)
    return [Made(r.kind, r.key, r.vendor_id, r.made, r.made_at, r.seen_at, r.secret) for r in tx.execute(found)]


def remember(database: Database, tx: Connection, connection: str, made: Made) -> None:
    """Write the row, or write it anew."""
    c, place = provisioned.c, {"connection": connection, "kind": made.kind, "key": made.key}
    values = {"vendor_id": made.vendor_id, "made": made.made, "secret": made.secret}
    values |= {"made_at": made.made_at, "seen_at": made.seen_at}
    tx.execute(database.insert_new(provisioned), [place | values])
    known = update(provisioned).where(c.connection == connection, c.kind == made.kind, c.key == made.key)
    tx.execute(known.values(values))


def forget(tx: Connection, connection: str, kind: str, key: str) -> None:
    c = provisioned.c
    tx.execute(delete(provisioned).where(c.connection == connection, c.kind == kind, c.key == key))


class FieldIds:
    """The vendor's ids of our fields, by connection and our key. Reads the database at most twice a minute."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._fields: CachedValue[_Fields] = CachedValue(
            database, _fields, {}, what="which fields we made", fresh=_FRESH, clock=clock
        )

    def ticket_fields(self, connection: str) -> Mapping[str, str]:
        """Our key → the id of the ticket field, for the fields that there are. Empty before provisioning."""
        return self._fields().get((connection, TICKET_FIELD), {})

    def ticket_field(self, connection: str, key: str) -> str | None:
        """The id of the ticket field ``key`` (see ``integrations.callback_fields``); None when the account has none."""
        return self.ticket_fields(connection).get(key)

    def ticket_key(self, connection: str, field_id: str) -> str | None:
        """Our key of the ticket field with this id; None when it is none of ours."""
        fields = self.ticket_fields(connection)
        return next((key for key, id_ in fields.items() if id_ == str(field_id)), None)

    def user_fields(self, connection: str) -> Mapping[str, str]:
        """Our key → the id of the user field. (Users are written by key; the id is for settings.)"""
        return self._fields().get((connection, USER_FIELD), {})

    def organization_fields(self, connection: str) -> Mapping[str, str]:
        return self._fields().get((connection, ORGANIZATION_FIELD), {})


def _fields(tx: Connection) -> _Fields:
    c = provisioned.c
    kinds = (TICKET_FIELD, USER_FIELD, ORGANIZATION_FIELD)
    found: dict[tuple[str, str], dict[str, str]] = {}
    for row in tx.execute(select(c.connection, c.kind, c.key, c.vendor_id).where(c.kind.in_(kinds))):
        found.setdefault((row.connection, row.kind), {})[row.key] = row.vendor_id
    return found
