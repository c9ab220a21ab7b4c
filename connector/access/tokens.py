"""Tokens of the API, made and revoked by people: with a row of the audit log each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from connector.access.audit import Actor, Audit, AuditEntry
from connector.ids import digest
from connector.storage.stores import api_tokens


def create(
    tx: Connection, log: Audit, by: Actor, name: str, scopes: Sequence[str], at: datetime, until: datetime | None = None
) -> str:
    """→ its secret, which is shown once. Raises IntegrityError when a token of this name is in use."""
    secret = api_tokens.create(tx, name, scopes, at, expires_at=until)
    ends = until.isoformat() if until else ""
    after = {"scopes": sorted(set(scopes)), "expires": ends, "secret": digest(secret)[:16]}
    log.add(tx, by, AuditEntry(action="token.create", object_kind="token", object=name, after=after), at)
    return secret


def revoke(tx: Connection, log: Audit, by: Actor, name: str, at: datetime) -> bool:
    """→ whether there was one in use."""
    revoked = api_tokens.revoke(tx, name, at)
    if revoked:
        log.add(tx, by, AuditEntry(action="token.revoke", object_kind="token", object=name), at)
    return revoked
