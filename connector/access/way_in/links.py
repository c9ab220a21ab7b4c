"""One-time addresses for people of the house: an invitation, a new password. Kept as hashes, and short of life."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select, update

from connector.ids import digest, new_id
from connector.storage.schema.tables import user_links

c = user_links.c


class LinkPurpose(StrEnum):
    """What an address is good for."""

    INVITE = "invite"
    RESET = "reset"


LASTS = {LinkPurpose.INVITE: timedelta(days=3), LinkPurpose.RESET: timedelta(hours=1)}


@dataclass(frozen=True, slots=True)
class UserLink:
    """An address that works."""

    id: str
    user_id: str
    purpose: LinkPurpose


def make(tx: Connection, purpose: LinkPurpose, user_id: str, now: datetime) -> str:
    """A new one, in place of those for the same person and purpose. → its secret: 256 random bits."""
    tx.execute(delete(user_links).where(c.purpose == purpose.value, c.user_id == user_id))
    secret = secrets.token_urlsafe(32)
    row = {"id": new_id(), "user_id": user_id, "purpose": purpose.value, "digest": digest(secret)}
    tx.execute(insert(user_links).values(row | {"created_at": now, "ends_at": now + LASTS[purpose]}))
    return secret


def find(tx: Connection, secret: str, now: datetime, *purposes: LinkPurpose) -> UserLink | None:
    """The address with this secret, if it works still, and for one of these purposes."""
    works = (c.digest == digest(secret), c.ends_at > now, c.used_at.is_(None), c.purpose.in_(purposes))
    row = tx.execute(select(user_links).where(*works)).one_or_none()
    return UserLink(row.id, row.user_id, LinkPurpose(row.purpose)) if row else None


def use(tx: Connection, link: UserLink, now: datetime) -> bool:
    """From now on it works no more. False: somebody was quicker."""
    unused = update(user_links).where(c.id == link.id, c.used_at.is_(None))
    return tx.execute(unused.values(used_at=now)).rowcount > 0


def forget(tx: Connection, user_id: str) -> None:
    """None of a person's addresses works any more."""
    tx.execute(delete(user_links).where(c.user_id == user_id))

