"""What is done about people of the house: invite, let choose a password, change rights, disable. Each is audited in its
own transaction, and a change of rights ends the sessions that had the old ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from connector.access import users
from connector.access.audit import Actor, Audit, AuditEntry
from connector.access.errors import LAST_ADMIN, BlockedError, FieldError, GoneError
from connector.access.rights import ALWAYS_EVERYTHING, ROLES
from connector.access.users import User
from connector.access.way_in import links, passwords, second_factor, sessions
from connector.access.way_in.links import LinkPurpose
from connector.access.way_in.passwords import Passwords
from connector.storage.engine.database import Database

T = TypeVar("T")

_EMAIL = re.compile(r"[^\s@\"<>,;]{1,64}@[^\s@\"<>,;]{1,255}")
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What an admin decides about a person. ``teams`` and ``brands`` None: all."""

    role: str
    teams: Sequence[str] | None = None
    brands: Sequence[str] | None = None
    personal: bool = True


class People:
    """The commands. ``at`` is the moment at which something is done, and ``by`` who does it."""

    def __init__(self, database: Database, hashes: Passwords, audit: Audit) -> None:
        self._database, self._hashes, self._audit = database, hashes, audit

    def invite(self, by: Actor, email: str, name: str, rights: Rights, at: datetime) -> tuple[User, str]:
        """→ the new person, and the secret of the address where they choose a password. Raises FieldError."""
        _check_person(email, name)
        values = _values(rights)

        def work(tx: Connection) -> tuple[User, str]:
            user = users.add(tx, email, name.strip(), at=at, **values)
            secret = links.make(tx, LinkPurpose.INVITE, user.id, at)
            after = {**_told(values), "email": self._audit.fingerprint(user.email)}
            self._add(tx, by, "user.invite", user.id, at, after=after)
            return user, secret

        return self._once(work)

    def invite_again(self, by: Actor, user_id: str, at: datetime) -> tuple[User, str]:
        """A new address for whoever has no password yet; the one before works no more."""

        def work(tx: Connection) -> tuple[User, str]:
            user = _one(tx, user_id)
            if user.state != "invited":
                raise BlockedError("This person has an account already. They can ask for a new password themselves.")
            self._add(tx, by, "user.invite", user.id, at)
            return user, links.make(tx, LinkPurpose.INVITE, user.id, at)

        return self._database.transact(work)

    def make_admin(
        self, by: Actor, email: str, name: str, password: str, at: datetime, *, only_first: bool = False
    ) -> User:
        """An admin with a password at once. ``only_first``: while there is none. Raises FieldError, BlockedError."""
        _check_person(email, name)
        kept = self._checked(password, email, name)

        def work(tx: Connection) -> User:
            self._database.lock(tx, ["first admin"])
            if only_first and users.any_admin(tx):
                raise BlockedError("There is an admin already. Ask them to invite you.")
            values: dict[str, Any] = {**_values(Rights(role=ALWAYS_EVERYTHING)), "password": kept, "password_at": at}
            user = users.add(tx, email, name.strip(), at=at, **values)
            after = {"role": user.role, "email": self._audit.fingerprint(user.email)}
            self._add(tx, by, "user.admin", user.id, at, after=after)
            return user

        return self._once(work)

    def ask_reset(self, email: str, network: str, at: datetime) -> tuple[User, str] | None:
        """→ to whom a mail goes with the secret of an address for a new password; None: to nobody."""

        def work(tx: Connection) -> tuple[User, str] | None:
            user = users.by_email(tx, email)
            if user is None or user.disabled_at is not None:
                return None
            self._add(tx, Actor("nobody", network=network), "user.reset-asked", user.id, at)
            purpose = LinkPurpose.INVITE if user.state == "invited" else LinkPurpose.RESET
            return user, links.make(tx, purpose, user.id, at)

        return self._database.transact(work)

    def whose(self, secret: str, at: datetime) -> User | None:
        """Who may choose a password at this address."""
        with self._database.read() as tx:
            link = links.find(tx, secret, at, LinkPurpose.INVITE, LinkPurpose.RESET)
            user = users.find(tx, link.user_id) if link else None
        return user if user and user.disabled_at is None else None

    def choose_password(self, secret: str, password: str, network: str, at: datetime) -> User:
        """By an address that came by mail: their sessions end, and the address works no more. Raises FieldError,
        GoneError."""
        user = self.whose(secret, at)
        if user is None:
            raise GoneError("This address works no more. Ask for a new one.")
        kept = self._checked(password, user.email, user.name)

        def work(tx: Connection) -> None:
            link = links.find(tx, secret, at, LinkPurpose.INVITE, LinkPurpose.RESET)
            if link is None or not links.use(tx, link, at):
                raise GoneError("This address works no more. Ask for a new one.")
            users.change(tx, user.id, password=kept, password_at=at)
            links.forget(tx, user.id)
            sessions.end_all(tx, user.id)
            self._add(tx, Actor("user", user.id, network), "user.password", user.id, at)

        self._database.transact(work)
        return user

    def change_password(self, by: Actor, user: User, old: str, new: str, session_id: str, at: datetime) -> str:
        """One's own; the other sessions end. → this session's new secret. Raises FieldError."""
        if not self._hashes.is_right(user.password, old):
            raise FieldError("old", "This is not your password.")
        kept = self._checked(new, user.email, user.name, "new")

        def work(tx: Connection) -> str:
            users.change(tx, user.id, password=kept, password_at=at)
            links.forget(tx, user.id)
            sessions.end_all(tx, user.id, but=session_id)
            self._add(tx, by, "user.password", user.id, at)
            return sessions.renew(tx, session_id, at)

        return self._database.transact(work)

    def change_rights(self, by: Actor, user_id: str, rights: Rights, at: datetime) -> User:
        """Role, reach, and whether they see personal data. Their sessions end. Raises FieldError, BlockedError."""
        values = _values(rights)

        def work(tx: Connection) -> User:
            user = _one(tx, user_id)
            before = _told({name: getattr(user, name) for name in values})
            if before == _told(values):
                return user
            if user.role == ALWAYS_EVERYTHING != rights.role:
                _not_the_last(tx, user)
            users.change(tx, user.id, **values)
            sessions.end_all(tx, user.id)
            self._add(tx, by, "user.rights", user.id, at, before=before, after=_told(values))
            return users.one(tx, user.id)

        return self._database.transact(work)

    def disable(self, by: Actor, user_id: str, at: datetime) -> None:
        """They come in no more: sessions and addresses end at once. Raises BlockedError."""

        def work(tx: Connection) -> None:
            user = _one(tx, user_id)
            if user.role == ALWAYS_EVERYTHING:
                _not_the_last(tx, user)
            users.change(tx, user.id, disabled_at=at)
            links.forget(tx, user.id)
            sessions.end_all(tx, user.id)
            self._add(tx, by, "user.disable", user.id, at, before={"disabled": False}, after={"disabled": True})

        self._database.transact(work)

    def enable(self, by: Actor, user_id: str, at: datetime) -> None:
        """They may come in again, with what they had."""

        def work(tx: Connection) -> None:
            user = _one(tx, user_id)
            users.change(tx, user.id, disabled_at=None)
            self._add(tx, by, "user.enable", user.id, at, before={"disabled": True}, after={"disabled": False})

        self._database.transact(work)

    def forget_second_factor(self, by: Actor, user_id: str, at: datetime) -> None:
        """For who lost their telephone: they set up another at the next sign-in. Their sessions end."""

        def work(tx: Connection) -> None:
            user = _one(tx, user_id)
            users.change(tx, user.id, totp=None, totp_at=None, totp_step=None)
            second_factor.forget(tx, user.id)
            sessions.end_all(tx, user.id)
            self._add(tx, by, "user.second-factor", user.id, at, before={"set": user.has_code}, after={"set": False})

        self._database.transact(work)

    def end_session(self, by: Actor, user_id: str, session_id: str, at: datetime) -> None:
        """One of somebody's sessions. Raises GoneError."""

        def work(tx: Connection) -> None:
            if not sessions.end(tx, session_id, user_id):
                raise GoneError("This session has ended already.")
            self._add(tx, by, "session.end", user_id, at, after={"session": session_id})

        self._database.transact(work)

    def speak(self, user_id: str, language: str) -> None:
        """In which language somebody's pages are; "" for the browser's. Nothing that an auditor asks about."""
        self._database.transact(lambda tx: users.change(tx, user_id, language=language))

    # --- parts

    def _once(self, work: Callable[[Connection], T]) -> T:
        try:
            return self._database.transact(work)
        except IntegrityError as error:
            raise FieldError("email", "Somebody has this address already.") from error

    def _checked(self, password: str, email: str, name: str, field: str = "password") -> str:
        if fault := passwords.fault_of(password, email=email, name=name):
            raise FieldError(field, fault)
        return self._hashes.kept(password)

    def _add(
        self, tx: Connection, by: Actor, action: str, user_id: str, at: datetime, *,
        before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        entry = AuditEntry(action=action, object_kind="user", object=user_id, before=before or {}, after=after or {})
        self._audit.add(tx, by, entry, at)


def _check_person(email: str, name: str) -> None:
    if not _EMAIL.fullmatch(email.strip()) or len(email.strip()) > 320:
        raise FieldError("email", "This is no e-mail address. Write one as ada@example.org.")
    if not name.strip() or len(name) > _LONGEST_NAME or not name.strip().isprintable():
        raise FieldError("name", "Write the name in 1 to 200 characters.")


def _values(rights: Rights) -> dict[str, Any]:
    if rights.role not in ROLES:
        raise FieldError("role", "There is no such role. Choose one of the list.")
    teams, brands = (None if each is None else sorted(set(each)) for each in (rights.teams, rights.brands))
    return {"role": rights.role, "teams": teams, "brands": brands, "personal": rights.personal}


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """As the audit log has it."""
    lists = {name: list(values[name]) for name in ("teams", "brands") if values[name] is not None}
    return {"role": values["role"], "personal": values["personal"], "teams": "all", "brands": "all", **lists}


def _one(tx: Connection, user_id: str) -> User:
    user = users.find(tx, user_id, lock=True)
    if user is None:
        raise GoneError("There is no such person.")
    return user


def _not_the_last(tx: Connection, user: User) -> None:
    if not users.other_admins(tx, user.id):
        raise BlockedError(LAST_ADMIN)
