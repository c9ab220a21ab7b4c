"""People of the house: who they are, what they may, and how they prove who they are. One table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from connector.access import rights
from connector.access.rights import Viewer
from connector.ids import new_id
from connector.storage.schema.tables import users

c = users.c


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person. ``password`` is a hash, ``totp`` is sealed; ``teams`` and ``brands`` None: all."""

    id: str
    email: str
    name: str
    role: str
    teams: tuple[str, ...] | None
    brands: tuple[str, ...] | None
    personal: bool
    language: str
    password: str | None = field(repr=False)
    password_at: datetime | None
    totp: bytes | None = field(repr=False)
    totp_step: int | None
    totp_at: datetime | None
    issuer: str | None
    subject: str | None
    disabled_at: datetime | None
    created_at: datetime
    signed_in_at: datetime | None

    @property
    def viewer(self) -> Viewer:
        """How the pages know them."""
        return rights.viewer(
            self.id, self.name, self.email, self.role,
            teams=self.teams, brands=self.brands, language=self.language, personal=self.personal,
        )  # fmt: skip

    def looking_as(self, role: str | None) -> Viewer:
        """The same, as the pages look to a role; an admin may look as any."""
        if role is None or self.role != rights.ALWAYS_EVERYTHING:
            return self.viewer
        return replace(self, role=role).viewer

    @property
    def has_code(self) -> bool:
        """Whether they proved that their app knows the secret."""
        return self.totp is not None and self.totp_at is not None

    @property
    def state(self) -> str:
        """disabled, invited or active."""
        if self.disabled_at is not None:
            return "disabled"
        return "active" if self.password or self.issuer else "invited"


def normal_email(text: str) -> str:
    """One spelling per address. People do not tell apart what differs in capitals alone."""
    return text.strip().lower()


def add(tx: Connection, email: str, name: str, role: str, *, at: datetime, **more: Any) -> User:
    """A new person. Raises IntegrityError where the address is somebody's."""
    row = {"personal": True, "language": "", "teams": None, "brands": None, **more}
    row |= {"id": new_id(), "email": normal_email(email), "name": name, "role": role, "created_at": at}
    tx.execute(insert(users).values(row))
    return one(tx, row["id"])


def one(tx: Connection, user_id: str) -> User:
    """Raises NoResultFound."""
    return _user(tx.execute(select(users).where(c.id == user_id)).one())


def find(tx: Connection, user_id: str, *, lock: bool = False) -> User | None:
    query = select(users).where(c.id == user_id)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return _user(row) if row else None


def by_email(tx: Connection, email: str) -> User | None:
    row = tx.execute(select(users).where(c.email == normal_email(email))).one_or_none()
    return _user(row) if row else None


def by_subject(tx: Connection, issuer: str, subject: str) -> User | None:
    """Who somebody is at a provider: their address there may change, and be given to another."""
    row = tx.execute(select(users).where(c.issuer == issuer, c.subject == subject)).one_or_none()
    return _user(row) if row else None


def change(tx: Connection, user_id: str, **values: Any) -> None:
    tx.execute(update(users).where(c.id == user_id).values(**values))


def every(tx: Connection) -> list[User]:
    """All of them, by name."""
    return [_user(row) for row in tx.execute(select(users).order_by(func.lower(c.name), c.id))]


def names(tx: Connection, ids: Sequence[str]) -> Mapping[str, str]:
    """What people are called, by id; whoever is no more is missing."""
    return {row.id: row.name for row in tx.execute(select(c.id, c.name).where(c.id.in_(set(ids))))}


def any_admin(tx: Connection) -> bool:
    """Whether somebody can look after the house: an admin who can sign in."""
    able = (c.role == "admin", c.disabled_at.is_(None), c.password.is_not(None) | c.issuer.is_not(None))
    return tx.execute(select(c.id).where(*able).limit(1)).first() is not None


def other_admins(tx: Connection, user_id: str) -> int:
    """How many admins can sign in beside this one; their rows stay locked, so that two cannot both be the last."""
    able = (c.role == "admin", c.disabled_at.is_(None), c.password.is_not(None) | c.issuer.is_not(None))
    found = tx.execute(select(c.id).where(*able).order_by(c.id).with_for_update()).scalars()
    return sum(each != user_id for each in found)


def _user(row: Any) -> User:
    values = dict(row._mapping)
    return User(**{**values, "teams": _tuple(values["teams"]), "brands": _tuple(values["brands"])})


def _tuple(names: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)
