"""Sessions: random, kept as a hash, ended by time, by hand, or by a change of rights; new at every proof of who it is.

A session says how far its person has come: the password was right, a second factor must be set up, or signed in.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from connector.ids import digest, new_id
from connector.storage.schema.tables import user_sessions

SEEN_EVERY = timedelta(minutes=1)
"""``seen_at`` is written at most this often."""

RECENT = timedelta(minutes=10)
"""So young must a proof be for users, tokens and secrets."""

HALF_WAY = timedelta(minutes=10)
"""So long there is between the password and the code."""

c = user_sessions.c


class Stage(StrEnum):
    """How far somebody has come."""

    CODE = "code"  # the password was right, the code is missing
    SET_UP = "set-up"  # their role needs a second factor, and they have none yet
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Came:
    """From where somebody signs in: their network, shortened, and what their browser says it is."""

    network: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session without its secret."""

    id: str
    user_id: str
    stage: Stage
    created_at: datetime
    proved_at: datetime
    seen_at: datetime
    ends_at: datetime
    network: str
    agent: str
    issuer: str | None
    sid: str | None
    looks_as: str | None

    def is_recent(self, now: datetime) -> bool:
        """Whether the sign-in is young enough for what must not be done at a screen that somebody left."""
        return now - self.proved_at <= RECENT


def begin(
    tx: Connection, user_id: str, stage: Stage, came: Came, now: datetime, ends_at: datetime, **more: Any
) -> str:
    """A new session. → its secret, which is nowhere else: 256 random bits."""
    secret = secrets.token_urlsafe(32)
    row = {"id": new_id(), "user_id": user_id, "digest": digest(secret), "stage": stage.value, **more}
    row |= {"created_at": now, "proved_at": now, "seen_at": now, "ends_at": ends_at}
    tx.execute(insert(user_sessions).values(row | {"network": came.network[:50], "agent": came.agent[:200]}))
    return secret


def find(tx: Connection, secret: str, now: datetime, idle: timedelta) -> Session | None:
    """The session with this secret, if it goes on. The look-up is by hash, so its time tells nothing."""
    if not secret or len(secret) > 100:
        return None
    going = (c.digest == digest(secret), c.ends_at > now, c.seen_at > now - idle)
    row = tx.execute(select(user_sessions).where(*going)).one_or_none()
    return _session(row) if row else None


def seen(tx: Connection, session: Session, now: datetime) -> None:
    """It is in use."""
    tx.execute(update(user_sessions).where(c.id == session.id, c.seen_at < now).values(seen_at=now))


def renew(tx: Connection, session_id: str, now: datetime) -> str:
    """Another secret for the same session, as the person just proved again who they are. → it."""
    secret = secrets.token_urlsafe(32)
    fresh = {"digest": digest(secret), "proved_at": now, "seen_at": now}
    tx.execute(update(user_sessions).where(c.id == session_id).values(fresh))
    return secret


def look_as(tx: Connection, session_id: str, role: str | None) -> None:
    """From now on the pages look as they do to this role; None: as to the person themselves."""
    tx.execute(update(user_sessions).where(c.id == session_id).values(looks_as=role))


def of_user(tx: Connection, user_id: str, now: datetime, idle: timedelta) -> list[Session]:
    """Their sessions that go on, the last used first."""
    going = (c.user_id == user_id, c.stage == Stage.FULL.value, c.ends_at > now, c.seen_at > now - idle)
    return [_session(row) for row in tx.execute(select(user_sessions).where(*going).order_by(c.seen_at.desc()))]


def networks_of(tx: Connection, user_id: str) -> Sequence[str]:
    """From where they signed in lately."""
    full = (c.user_id == user_id, c.stage == Stage.FULL.value)
    return tx.execute(select(c.network).where(*full).distinct()).scalars().all()


def end(tx: Connection, session_id: str, user_id: str) -> bool:
    """End one of a person's sessions. → whether there was one."""
    return tx.execute(delete(user_sessions).where(c.id == session_id, c.user_id == user_id)).rowcount > 0


def end_all(tx: Connection, user_id: str, *, but: str = "") -> int:
    """End all sessions of a person, but for one. → how many."""
    return tx.execute(delete(user_sessions).where(c.user_id == user_id, c.id != but)).rowcount


def end_at_provider(tx: Connection, issuer: str, sid: str, user_id: str) -> int:
    """End what a provider says is over: one session (``sid``), or all that a person has by it. → how many."""
    which = [c.issuer == issuer, *([c.sid == sid] if sid else []), *([c.user_id == user_id] if user_id else [])]
    return tx.execute(delete(user_sessions).where(*which)).rowcount if len(which) > 1 else 0


def sweep(tx: Connection, now: datetime, kept: timedelta = timedelta(days=90)) -> int:
    """Let go what ended long ago; until then it tells from which networks somebody comes. → how many."""
    half_done = (c.stage != Stage.FULL.value) & (c.ends_at <= now)
    return tx.execute(delete(user_sessions).where(half_done | (c.ends_at <= now - kept))).rowcount


def _session(row: Any) -> Session:
    values = {name: value for name, value in row._mapping.items() if name != "digest"}
    return Session(**{**values, "stage": Stage(values["stage"])})
