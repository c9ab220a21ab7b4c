"""Tokens with which programs use the API: each has a name, scopes and an end, and is kept as a hash only."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, insert, or_, select, update

from connector.ids import digest, new_id
from connector.storage.schema.tables import api_tokens

PREFIX = "rb_"
"""Begins every token, so that secret scanners and people recognise one."""

SEEN_EVERY = timedelta(minutes=1)
"""``last_used_at`` is written at most this often."""

_FORM = re.compile(r"rb_[\w-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token without its secret. Times are aware; ``expires_at`` None: it does not end by itself."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None

    def state(self, now: datetime) -> str:
        """valid, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "valid"


def create(
    tx: Connection, name: str, scopes: Sequence[str], now: datetime, *, expires_at: datetime | None = None
) -> str:
    """Make a token. → its secret, which is nowhere else: 256 random bits. Raises IntegrityError when a token
    of this name is in use; a revoked one's name is free."""
    secret = PREFIX + secrets.token_urlsafe(32)
    row = {"id": new_id(), "name": name, "digest": digest(secret), "scopes": sorted(set(scopes))}
    tx.execute(insert(api_tokens).values(row | {"created_at": now, "expires_at": expires_at}))
    return secret


def find(tx: Connection, secret: str) -> ApiToken | None:
    """The token with this secret, valid or not. The look-up is by hash, so its time tells nothing of the
    secret."""
    if not _FORM.fullmatch(secret):
        return None
    row = tx.execute(select(api_tokens).where(api_tokens.c.digest == digest(secret))).one_or_none()
    return _token(row) if row else None


def seen(tx: Connection, token: ApiToken, now: datetime) -> None:
    """Remember that it was used; of several requests in a minute one writes."""
    c = api_tokens.c
    stale = and_(c.id == token.id, or_(c.last_used_at.is_(None), c.last_used_at <= now - SEEN_EVERY))
    tx.execute(update(api_tokens).where(stale).values(last_used_at=now))


def every(tx: Connection) -> list[ApiToken]:
    """All tokens there ever were, oldest first."""
    return [_token(row) for row in tx.execute(select(api_tokens).order_by(api_tokens.c.id))]


def revoke(tx: Connection, name: str, now: datetime) -> bool:
    """End the token of this name for good. → whether there was one in use."""
    c = api_tokens.c
    in_use = update(api_tokens).where(c.name == name, c.revoked_at.is_(None))
    return tx.execute(in_use.values(revoked_at=now)).rowcount > 0


def _token(row: Any) -> ApiToken:
    return ApiToken(
        row.id, row.name, tuple(row.scopes), row.created_at, row.last_used_at, row.expires_at, row.revoked_at
    )
