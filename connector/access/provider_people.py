"""Whom a provider names, as people of the house: by issuer and subject, with role and teams by their groups there, read
anew at every sign-in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete

from connector.access import users
from connector.access.audit import NOBODY, USER, Actor, Audit, AuditEntry
from connector.access.errors import LAST_ADMIN, BlockedError, sentence
from connector.access.rights import ALWAYS_EVERYTHING, ROLES
from connector.access.users import User
from connector.access.way_in import sessions
from connector.access.way_in.sessions import Came
from connector.access.way_in.sign_in import Entered, SignIn
from connector.config.sign_in.rules import OidcConfig
from connector.ids import digest
from connector.storage.engine.database import Database
from connector.storage.schema.tables import oidc_tokens_seen
from integrations.oidc.claims import EndedThere, Identity

_NOBODY = sentence("Your account at the provider is in no group that may come in here. Ask an admin.")
_TAKEN = sentence("Somebody else has this address here, and the provider does not say that it is yours. Ask an admin.")


class ProviderPeople:
    """Signs them in, and ends their sessions."""

    def __init__(self, database: Database, sign_in: SignIn, audit: Audit, config: OidcConfig) -> None:
        self._database, self._sign_in, self._audit, self._config = database, sign_in, audit, config

    def enter(self, told: Identity, came: Came, now: datetime) -> Entered:
        """A whole session. Raises BlockedError for whoever has no place here, and ends what they had."""
        values = self._rights(told.groups)

        def work(tx: Connection) -> Entered | str:
            self._database.lock(tx, [f"subject {told.issuer} {told.subject}"])
            user = users.by_subject(tx, told.issuer, told.subject)
            if values is None or (user is not None and user.disabled_at is not None):
                return self._refused(tx, told, user, came, now)
            user = user or self._adopted(tx, told) or self._new(tx, told, values, now)
            if user is None:
                return _TAKEN
            if (blocked := self._updated(tx, user, told, values, came, now)) is not None:
                return blocked
            return self._sign_in.by_provider(tx, users.one(tx, user.id), came, now, told.sid or None)

        done = self._database.transact(work)
        if isinstance(done, str):
            raise BlockedError(done)
        return done

    def ended(self, told: EndedThere, now: datetime) -> int:
        """End what is over there. A token counts once. → how many sessions ended."""

        def work(tx: Connection) -> int:
            tx.execute(delete(oidc_tokens_seen).where(oidc_tokens_seen.c.ends_at <= now))
            seen = self._database.insert_new(oidc_tokens_seen)
            until = datetime.fromtimestamp(told.until, tz=now.tzinfo)
            row = {"digest": digest(f"{told.issuer} {told.token_id}"), "ends_at": max(until, now)}
            if not tx.execute(seen.values(row)).rowcount:
                return 0
            user = users.by_subject(tx, told.issuer, told.subject) if told.subject else None
            if user is None and not told.sid:
                return 0
            count = sessions.end_at_provider(tx, told.issuer, told.sid, user.id if user else "")
            entry = AuditEntry(action="session.end", object_kind="user", object=user.id if user else "",
                               after={"by": "provider", "sessions": count})  # fmt: skip
            self._audit.add(tx, Actor("system", "provider"), entry, now)
            return count

        return self._database.transact(work)

    # --- parts

    def _rights(self, groups: Sequence[str]) -> dict[str, Any] | None:
        """Role and teams by the groups; None: none of them is known. Of several roles the one that may most counts."""
        config = self._config
        roles = [config.roles[group] for group in groups if group in config.roles]
        if not roles:
            return None
        values: dict[str, Any] = {"role": min(roles, key=list(ROLES).index)}
        if config.teams:
            values["teams"] = sorted({config.teams[group] for group in groups if group in config.teams})
        return values

    def _adopted(self, tx: Connection, told: Identity) -> User | None:
        """Somebody whom we know by the address that the provider has verified. The emergency admin stays who they are:
        they are there for when the provider is not."""
        user = users.by_email(tx, told.email) if told.is_verified and told.email else None
        if user is None or user.issuer is not None or user.disabled_at is not None:
            return None
        if user.email == self._sign_in.rules.emergency:
            return None
        users.change(tx, user.id, issuer=told.issuer, subject=told.subject)
        return users.one(tx, user.id)

    def _new(self, tx: Connection, told: Identity, values: dict[str, Any], now: datetime) -> User | None:
        email = told.email or f"{digest(told.subject)[:16]}@no-address.invalid"
        if users.by_email(tx, email) is not None:
            return None
        name = told.name or email.partition("@")[0]
        more = {"issuer": told.issuer, "subject": told.subject, "teams": values.get("teams")}
        user = users.add(tx, email, name[:200], values["role"], at=now, **more)
        entry = AuditEntry(action="user.provider", object_kind="user", object=user.id,
                           after={**values, "email": self._audit.fingerprint(email)})  # fmt: skip
        self._audit.add(tx, Actor("system", "provider"), entry, now)
        return user

    def _updated(
        self, tx: Connection, user: User, told: Identity, values: dict[str, Any], came: Came, now: datetime
    ) -> str | None:
        """Role and teams as the groups say now; older sessions that had others end."""
        before = {name: _plain(getattr(user, name)) for name in values}
        if before != values:
            if user.role == ALWAYS_EVERYTHING != values["role"] and not users.other_admins(tx, user.id):
                return LAST_ADMIN
            users.change(tx, user.id, **values)
            sessions.end_all(tx, user.id)
            entry = AuditEntry(action="user.rights", object_kind="user", object=user.id, before=before, after=values)
            self._audit.add(tx, Actor(USER, user.id, came.network), entry, now)
        if told.name and told.name != user.name:
            users.change(tx, user.id, name=told.name[:200])
        return None

    def _refused(self, tx: Connection, told: Identity, user: User | None, came: Came, now: datetime) -> str:
        if user is not None:
            sessions.end_all(tx, user.id)
        who = user.id if user else self._audit.fingerprint(f"{told.issuer} {told.subject}")
        entry = AuditEntry(action="sign-in.refused", object_kind="user", object=who, after={"at": "provider"})
        self._audit.add(tx, Actor(NOBODY, network=came.network), entry, now)
        return _NOBODY


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
