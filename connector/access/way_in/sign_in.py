"""The way in: a password, then a code, then a session. Who is refused does not learn whose address exists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from connector.access import users
from connector.access.audit import Actor, Audit, AuditEntry
from connector.access.users import User, normal_email
from connector.access.way_in import second_factor, sessions
from connector.access.way_in.attempts import Attempts
from connector.access.way_in.passwords import Passwords
from connector.access.way_in.sessions import HALF_WAY, Came, Session, Stage
from connector.config.sign_in.rules import LONGEST_BY_PROVIDER, SignInRules
from connector.storage.engine.database import Database
from connector.storage.engine.encryption import Box

_LONGEST = 400  # characters of what is typed: more is nobody's address or password


@dataclass(frozen=True, slots=True)
class Entered:
    """The session that began, and how far it has come."""

    secret: str
    stage: Stage
    user: User


@dataclass(frozen=True, slots=True)
class Refused:
    """Not this time. ``wait``: nothing was tried, as there were too many attempts before."""

    wait: timedelta | None = None


Outcome = Entered | Refused


class SignIn:
    """The steps of the way in, and what is proved again later."""

    def __init__(
        self, database: Database, hashes: Passwords, attempts: Attempts, audit: Audit, rules: SignInRules, box: Box
    ) -> None:
        self._database, self._hashes, self._attempts, self._audit = database, hashes, attempts, audit
        self.rules, self._box = rules, box

    def by_password(self, email: str, password: str, came: Came, now: datetime, before: str = "") -> Outcome:
        """``before`` is the secret of the session that the browser had: it ends, so that nobody can have planted it."""
        email = normal_email(email)[:_LONGEST]
        user, known = self._look_up(email)
        if (wait := self._attempts.count(email, came.network, known, now)) is not None:
            return Refused(wait)
        able = user if user and user.disabled_at is None and self.rules.takes_password(email) else None
        if not self._hashes.is_right(able.password if able else None, password[:_LONGEST]) or able is None:
            self._refused(user.id if user else self._audit.fingerprint(email), "password", came, now)
            return Refused()
        kept = self._hashes.kept(password) if self._hashes.is_stale(able.password or "") else None
        return self._database.transact(lambda tx: self._begin(tx, able, kept, came, now, before))

    def may_ask(self, email: str, came: Came, now: datetime) -> bool:
        """Whether a mail may be asked for now: not many to one address, nor from one network."""
        email = normal_email(email)[:_LONGEST]
        return self._attempts.count(f"mail {email}", came.network, (), now) is None

    def by_code(self, session: Session, code: str, came: Came, now: datetime) -> Outcome:
        """The second step, by an app's code or a recovery code; the half session ends and a whole one begins."""
        if (wait := self._attempts.count(f"code {session.user_id}", came.network, [came.network], now)) is not None:
            return Refused(wait)

        def work(tx: Connection) -> Entered | None:
            user = users.find(tx, session.user_id, lock=True)
            if user is None or user.disabled_at is not None or not (how := self._use(tx, user, code, now)):
                return None
            sessions.end(tx, session.id, user.id)
            return self._full(tx, user, came, now, how)

        if (done := self._database.transact(work)) is not None:
            return done
        self._refused(session.user_id, "code", came, now)
        return Refused()

    def again(self, session: Session, password: str, code: str, came: Came, now: datetime) -> Outcome:
        """Who is signed in proves it once more, for what needs a recent sign-in; the session gets another secret."""
        with self._database.read() as tx:
            user = users.one(tx, session.user_id)
        if (wait := self._attempts.count(user.email, came.network, [came.network], now)) is not None:
            return Refused(wait)
        right = self._hashes.is_right(user.password, password[:_LONGEST])

        def work(tx: Connection) -> Entered | None:
            locked = users.find(tx, user.id, lock=True)
            if not right or locked is None or (locked.has_code and not self._use(tx, locked, code, now)):
                return None
            self._tell(tx, locked, "sign-in.again", came, now)
            return Entered(sessions.renew(tx, session.id, now), Stage.FULL, locked)

        if (done := self._database.transact(work)) is not None:
            return done
        self._refused(user.id, "again", came, now)
        return Refused()

    def by_provider(self, tx: Connection, user: User, came: Came, now: datetime, sid: str | None) -> Entered:
        """Whom the provider knows is signed in: second factors are its business."""
        return self._full(tx, user, came, now, "provider", issuer=user.issuer, sid=sid)

    def too_soon(self, user: User, came: Came, now: datetime) -> bool:
        """Whether another try of this person's password has to wait; else it is counted."""
        return self._attempts.count(user.email, came.network, [came.network], now) is not None

    def sign_out(self, session: Session, came: Came, now: datetime) -> None:
        def work(tx: Connection) -> None:
            sessions.end(tx, session.id, session.user_id)
            self._audit.add(tx, _who(session.user_id, came), _entry("sign-out", session.user_id), now)

        self._database.transact(work)

    def new_factor(self, user: User) -> str:
        """A secret for an app, sealed, till a code proves that the app has it."""
        return self._box.seal(f"{user.id} {second_factor.new_secret()}").decode()

    def secret_of(self, user: User, sealed: str) -> str | None:
        """What was sealed for this person; None: it was not, or not for them."""
        whose, _, secret = (self._box.open(sealed.encode()) or "").partition(" ")
        return secret if whose == user.id and secret else None

    def set_up(
        self, session: Session, sealed: str, code: str, came: Came, now: datetime
    ) -> tuple[Entered, list[str]] | None:
        """The app has the secret: from now on its codes are asked for, and the other sessions end. → the new session,
        and the recovery codes, which are shown once; None: the code was wrong."""

        def work(tx: Connection) -> tuple[Entered, list[str]] | None:
            user = users.find(tx, session.user_id, lock=True)
            secret = self.secret_of(user, sealed) if user else None
            step = second_factor.step_of(secret, code, now, None) if secret else None
            if user is None or secret is None or step is None:
                return None
            kept = {"totp": self._box.seal(secret), "totp_step": step, "totp_at": now}
            users.change(tx, user.id, **kept)
            sessions.end_all(tx, user.id)
            codes = second_factor.new_codes(tx, user.id)
            entry = _entry("user.second-factor", user.id, before={"set": user.has_code}, after={"set": True})
            self._audit.add(tx, _who(user.id, came), entry, now)
            return self._full(tx, users.one(tx, user.id), came, now, "set-up"), codes

        return self._database.transact(work)

    def new_recovery_codes(self, user: User, came: Came, now: datetime) -> list[str]:
        """Ten new ones; those before are worth nothing."""

        def work(tx: Connection) -> list[str]:
            self._tell(tx, user, "user.recovery-codes", came, now)
            return second_factor.new_codes(tx, user.id)

        return self._database.transact(work)

    def needs_factor(self, user: User) -> bool:
        """Whether their role may not go without a second factor."""
        return user.role in self.rules.second_factor and not user.issuer

    # --- parts

    def _look_up(self, email: str) -> tuple[User | None, list[str]]:
        with self._database.read() as tx:
            user = users.by_email(tx, email)
            return user, list(sessions.networks_of(tx, user.id if user else ""))

    def _begin(
        self, tx: Connection, user: User, kept: str | None, came: Came, now: datetime, before: str
    ) -> Entered:
        """``kept`` is the password's hash at today's cost, where it had another."""
        if before and (old := sessions.find(tx, before, now, self.rules.longest)) is not None:
            sessions.end(tx, old.id, old.user_id)
        if kept:
            users.change(tx, user.id, password=kept)
        if not user.has_code and not self.needs_factor(user):
            return self._full(tx, user, came, now, "password")
        stage = Stage.CODE if user.has_code else Stage.SET_UP
        self._tell(tx, user, "sign-in.password", came, now)
        return Entered(sessions.begin(tx, user.id, stage, came, now, now + HALF_WAY), stage, user)

    def _full(self, tx: Connection, user: User, came: Came, now: datetime, how: str, **more: Any) -> Entered:
        longest = min(self.rules.longest, LONGEST_BY_PROVIDER) if more else self.rules.longest
        secret = sessions.begin(tx, user.id, Stage.FULL, came, now, now + longest, **more)
        users.change(tx, user.id, signed_in_at=now)
        sessions.sweep(tx, now)
        self._audit.add(tx, _who(user.id, came), _entry("sign-in", user.id, after={"by": how}), now)
        return Entered(secret, Stage.FULL, user)

    def _use(self, tx: Connection, user: User, code: str, now: datetime) -> str:
        """By what a code is right: "code" or "recovery code"; "" when it is not. From now on it is used."""
        secret = self._box.open(user.totp) if user.has_code else None
        step = second_factor.step_of(secret, code, now, user.totp_step) if secret else None
        if step is not None:
            users.change(tx, user.id, totp_step=step)
            return "code"
        return "recovery code" if second_factor.use_code(tx, user.id, code, now) else ""

    def _tell(self, tx: Connection, user: User, action: str, came: Came, now: datetime) -> None:
        self._audit.add(tx, _who(user.id, came), _entry(action, user.id), now)

    def _refused(self, who: str, step: str, came: Came, now: datetime) -> None:
        self._audit.note(Actor("nobody", network=came.network), _entry("sign-in.refused", who, after={"at": step}), now)


def _who(user_id: str, came: Came) -> Actor:
    return Actor("user", user_id, came.network)


def _entry(action: str, user_id: str, **more: Any) -> AuditEntry:
    return AuditEntry(action=action, object_kind="user", object=user_id, **more)
