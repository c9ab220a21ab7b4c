"""People of the house on a real database: passwords, codes, sessions, rights, and the chain of the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from connector.access import users
from connector.access.audit import Actor, AuditEntry
from connector.access.errors import BlockedError, FieldError, GoneError
from connector.access.people import Rights
from connector.access.services import AccessServices
from connector.access.way_in import sessions
from connector.access.way_in.sessions import Came, Session, Stage
from connector.access.way_in.sign_in import Entered, Refused
from connector.config.sign_in.rules import SignInRules
from connector.storage.engine.database import Database
from connector.storage.schema import tables
from tests.support.people import BY_HAND, PASSWORD, code_of, services_on, somebody

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HERE, ELSEWHERE = Came("192.0.2.0/24", "Firefox"), Came("198.51.100.0/24", "curl")
IDLE = timedelta(minutes=30)


@dataclass
class Office:
    """The room on a database, at a moment."""

    database: Database
    access: AccessServices
    now: datetime = NOW

    def enter(self, email: str, password: str = PASSWORD, came: Came = HERE) -> Any:
        return self.access.sign_in.by_password(email, password, came, self.now)

    def session(self, secret: str) -> Session | None:
        with self.database.read() as tx:
            return sessions.find(tx, secret, self.now, IDLE)

    def actions(self) -> list[str]:
        return [line.action for line in self.access.audit.all_of()]

    def user(self, user_id: str) -> users.User:
        with self.database.read() as tx:
            return users.one(tx, user_id)

    def with_an_app(self, role: str = "admin") -> tuple[users.User, str, list[str], str]:
        """→ somebody with a second factor, its secret, their recovery codes, their session."""
        user = somebody(self.access, self.database, self.now, role)
        half = self.enter(user.email)
        sealed = self.access.sign_in.new_factor(user)
        secret = self.access.sign_in.secret_of(user, sealed) or ""
        done = self.access.sign_in.set_up(self.session(half.secret), sealed, code_of(secret, self.now), HERE, self.now)
        assert done is not None
        return self.user(user.id), secret, done[1], done[0].secret


ONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what no database decides."""


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database, services_on(database))


# --- passwords


def test_a_password_opens_the_door_and_is_stored_nowhere(office: Office) -> None:
    user = somebody(office.access, office.database, NOW)
    entered = office.enter(" AGENT@bank.example ")
    assert isinstance(entered, Entered)
    assert entered.stage is Stage.FULL
    assert (user.password or "").startswith("$argon2id$")
    with office.database.read() as tx:
        rows = repr([tx.execute(select(table)).all() for table in tables.metadata.sorted_tables])
    assert entered.secret not in rows
    assert PASSWORD not in rows


def test_whoever_is_refused_hears_the_same_whether_the_address_is_somebodys_or_not(office: Office) -> None:
    somebody(office.access, office.database, NOW)
    assert office.enter("agent@bank.example", "wrong") == office.enter("nobody@bank.example", "wrong") == Refused()


@ONE
def test_a_disabled_person_and_one_who_chose_no_password_do_not_come_in(office: Office) -> None:
    gone = somebody(office.access, office.database, NOW)
    office.access.people.disable(BY_HAND, gone.id, NOW)
    office.access.people.invite(BY_HAND, "new@bank.example", "New", Rights(role="agent"), NOW)
    assert office.enter(gone.email) == office.enter("new@bank.example") == Refused()


def test_attempts_on_an_account_have_to_wait_and_its_owner_at_home_does_not(office: Office) -> None:
    user = somebody(office.access, office.database, NOW)
    assert isinstance(office.enter(user.email), Entered)
    answers = [office.enter(user.email, "guess", ELSEWHERE) for _ in range(8)]
    assert answers[0] == Refused()
    assert answers[-1].wait is not None
    assert timedelta() < answers[-1].wait <= timedelta(minutes=1)
    assert office.enter(user.email, came=ELSEWHERE).wait is not None, "the right password waits, too"
    assert isinstance(office.enter(user.email), Entered), "at home nobody is locked out"
    office.now += timedelta(minutes=2)
    assert isinstance(office.enter(user.email, came=ELSEWHERE), Entered), "and elsewhere only for a moment"


@ONE
def test_an_unknown_address_waits_like_a_known_one(office: Office) -> None:
    answers = [office.enter("nobody@bank.example", "guess", ELSEWHERE) for _ in range(8)]
    assert answers[-1].wait is not None


@ONE
def test_a_session_that_was_there_before_the_sign_in_ends_with_it(office: Office) -> None:
    somebody(office.access, office.database, NOW)
    planted = office.enter("agent@bank.example").secret
    entered = office.access.sign_in.by_password("agent@bank.example", PASSWORD, HERE, NOW, planted)
    assert entered.secret != planted
    assert office.session(planted) is None


def test_a_session_ends_without_use_and_at_its_end_whatever_happens(office: Office) -> None:
    somebody(office.access, office.database, NOW)
    secret = office.enter("agent@bank.example").secret
    office.now += IDLE
    assert office.session(secret) is None
    secret, began = office.enter("agent@bank.example").secret, office.now
    while office.now < began + timedelta(hours=12):
        session = office.session(secret)
        assert session is not None
        with office.database.write() as tx:
            sessions.seen(tx, session, office.now)
        office.now += timedelta(minutes=29)
    assert office.session(secret) is None


# --- the second factor


@ONE
def test_an_admin_without_an_app_comes_no_further_than_to_setting_one_up(office: Office) -> None:
    somebody(office.access, office.database, NOW, "admin")
    assert office.enter("admin@bank.example").stage is Stage.SET_UP


def test_a_code_counts_once(office: Office) -> None:
    user, secret, _, _ = office.with_an_app()
    office.now += timedelta(minutes=1)
    code = code_of(secret, office.now)
    first, second = office.enter(user.email), office.enter(user.email)
    assert first.stage is Stage.CODE
    by_code = office.access.sign_in.by_code
    entered = by_code(office.session(first.secret), code, HERE, office.now)  # type: ignore[arg-type]
    assert isinstance(entered, Entered)
    assert office.session(first.secret) is None
    assert by_code(office.session(second.secret), code, HERE, office.now) == Refused()  # type: ignore[arg-type]


@ONE
def test_the_code_by_which_the_app_was_set_up_does_not_count_again(office: Office) -> None:
    user, secret, _, _ = office.with_an_app()
    half = office.session(office.enter(user.email).secret)
    assert half is not None
    assert office.access.sign_in.by_code(half, code_of(secret, office.now), HERE, office.now) == Refused()


def test_a_recovery_code_counts_once(office: Office) -> None:
    user, _, codes, _ = office.with_an_app()
    by_code = office.access.sign_in.by_code
    half = [office.session(office.enter(user.email).secret) for _ in range(2)]
    assert isinstance(by_code(half[0], codes[0].upper(), HERE, office.now), Entered)  # type: ignore[arg-type]
    assert by_code(half[1], codes[0], HERE, office.now) == Refused()  # type: ignore[arg-type]
    assert len(set(codes)) == 10


def test_of_two_who_use_one_code_at_the_same_time_one_comes_in(office: Office) -> None:
    user, secret, _, _ = office.with_an_app()
    office.now += timedelta(minutes=1)
    half = [office.session(office.enter(user.email).secret) for _ in range(2)]
    at_once, outcomes = Barrier(2), []

    def enter(session: Any) -> None:
        at_once.wait()
        outcomes.append(office.access.sign_in.by_code(session, code_of(secret, office.now), HERE, office.now))

    threads = [Thread(target=enter, args=[session]) for session in half]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Entered", "Refused"]


@ONE
def test_a_secret_that_was_made_for_one_person_sets_up_nobody_elses_app(office: Office) -> None:
    mine, other = (somebody(office.access, office.database, NOW, role) for role in ("admin", "editor"))
    sealed = office.access.sign_in.new_factor(other)
    assert office.access.sign_in.secret_of(mine, sealed) is None
    assert office.access.sign_in.secret_of(mine, "nonsense") is None


@ONE
def test_whoever_lost_the_telephone_sets_up_another_after_an_admin_forgot_the_first(office: Office) -> None:
    user, _, codes, session = office.with_an_app()
    office.access.people.forget_second_factor(BY_HAND, user.id, NOW)
    assert office.session(session) is None
    half = office.enter(user.email)
    assert half.stage is Stage.SET_UP
    assert office.access.sign_in.by_code(office.session(half.secret), codes[1], HERE, NOW) == Refused()  # type: ignore[arg-type]


def test_what_is_proved_again_makes_the_session_recent_under_another_secret(office: Office) -> None:
    somebody(office.access, office.database, NOW)
    secret = office.enter("agent@bank.example").secret
    office.now += timedelta(minutes=11)
    session = office.session(secret)
    assert session is not None
    assert not session.is_recent(office.now)
    assert office.access.sign_in.again(session, "wrong", "", HERE, office.now) == Refused()
    fresh = office.access.sign_in.again(session, PASSWORD, "", HERE, office.now)
    assert isinstance(fresh, Entered)
    renewed = office.session(fresh.secret)
    assert renewed is not None
    assert renewed.is_recent(office.now)
    assert office.session(secret) is None


# --- people


def test_an_invitation_works_once_and_not_for_ever(office: Office) -> None:
    people = office.access.people
    _, secret = people.invite(BY_HAND, "new@bank.example", "New", Rights(role="agent"), NOW)
    assert people.whose(secret, NOW + timedelta(days=3)) is None
    people.choose_password(secret, PASSWORD, "", NOW)
    with pytest.raises(GoneError):
        people.choose_password(secret, "another green kettle", "", NOW)
    assert people.whose("nonsense", NOW) is None


def test_a_new_password_by_mail_ends_all_sessions_and_nobody_else_hears_of_an_address(office: Office) -> None:
    user = somebody(office.access, office.database, NOW)
    session = office.enter(user.email).secret
    assert office.access.people.ask_reset("nobody@bank.example", "", NOW) is None
    asked = office.access.people.ask_reset("Agent@bank.example", "", NOW)
    assert asked is not None
    office.access.people.choose_password(asked[1], "another green kettle", "", NOW)
    assert office.session(session) is None
    assert office.enter(user.email) == Refused()
    assert isinstance(office.enter(user.email, "another green kettle"), Entered)


@ONE
@pytest.mark.parametrize(
    "password", ["short", "a" * 20, "abababababababab", "password1234", "Welkom20262026", "agent agent agent!"]
)
def test_passwords_that_are_tried_first_cannot_be_chosen(office: Office, password: str) -> None:
    _, secret = office.access.people.invite(BY_HAND, "agent@bank.example", "Ada", Rights(role="agent"), NOW)
    with pytest.raises(FieldError) as refused:
        office.access.people.choose_password(secret, password, "", NOW)
    assert refused.value.field == "password"
    assert office.access.people.whose(secret, NOW) is not None, "the address still works"


def test_two_people_cannot_have_one_address(office: Office) -> None:
    somebody(office.access, office.database, NOW)
    with pytest.raises(FieldError):
        office.access.people.invite(BY_HAND, "AGENT@bank.example", "Two", Rights(role="agent"), NOW)


def test_a_change_of_rights_ends_the_sessions_that_had_the_old_ones(office: Office) -> None:
    user = somebody(office.access, office.database, NOW)
    session = office.enter(user.email).secret
    changed = office.access.people.change_rights(BY_HAND, user.id, Rights(role="lead", teams=["care"]), NOW)
    assert (changed.role, changed.teams) == ("lead", ("care",))
    assert office.session(session) is None
    [line] = [each for each in office.access.audit.all_of() if each.action == "user.rights"]
    assert (line.before["role"], line.after["role"], line.after["teams"]) == ("agent", "lead", ["care"])


def test_the_last_admin_stays_one(office: Office) -> None:
    admin = somebody(office.access, office.database, NOW, "admin")
    for refused in (
        lambda: office.access.people.disable(BY_HAND, admin.id, NOW),
        lambda: office.access.people.change_rights(BY_HAND, admin.id, Rights(role="viewer"), NOW),
    ):
        with pytest.raises(BlockedError):
            refused()
    somebody(office.access, office.database, NOW, "admin", "second@bank.example")
    office.access.people.disable(BY_HAND, admin.id, NOW)
    assert office.user(admin.id).state == "disabled"


def test_the_first_admin_is_made_once(office: Office) -> None:
    make = office.access.people.make_admin
    make(BY_HAND, "ada@bank.example", "Ada", PASSWORD, NOW, only_first=True)
    with pytest.raises(BlockedError):
        make(BY_HAND, "eve@bank.example", "Eve", PASSWORD, NOW, only_first=True)


@ONE
def test_a_house_without_passwords_lets_in_its_emergency_admin_alone(database: Database) -> None:
    rules = SignInRules(password=False, emergency="admin@bank.example")
    office = Office(database, services_on(database, rules))
    for role in ("admin", "agent"):
        somebody(office.access, database, NOW, role)
    assert office.enter("agent@bank.example") == Refused()
    assert office.enter("admin@bank.example").stage is Stage.SET_UP


# --- the audit log


def test_sign_ins_refusals_and_changes_are_told_with_people_by_id(office: Office) -> None:
    user = somebody(office.access, office.database, NOW)
    office.enter(user.email)
    office.enter(user.email, "wrong")
    assert office.actions() == ["user.invite", "user.password", "sign-in", "sign-in.refused"]
    told = repr(list(office.access.audit.all_of()))
    assert user.id in told
    assert "bank.example" not in told


def test_the_chain_holds_whoever_writes_at_the_same_time(office: Office) -> None:
    def write(name: str) -> None:
        for number in range(10):
            office.access.audit.note(Actor("token", name), AuditEntry(action="run.retry", object=str(number)), NOW)

    threads = [Thread(target=write, args=[name]) for name in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verdict = office.access.audit.verify()
    assert (verdict.rows, verdict.broken) == (30, None)


LOG = tables.audit_log


@ONE
@pytest.mark.parametrize(
    ("tampering", "broken"),
    [
        (update(LOG).where(LOG.c.seq == 3).values(object="another"), 3),
        (update(LOG).where(LOG.c.seq == 3).values(after={"role": "admin"}), 3),
        (update(LOG).where(LOG.c.seq == 3).values(at=NOW + timedelta(microseconds=1)), 3),
        (delete(LOG).where(LOG.c.seq == 2), 2),
        (delete(LOG).where(LOG.c.seq == 5), 5),
        (update(LOG).where(LOG.c.seq == 5).values(hash="0" * 64), 5),
        (update(tables.audit_head).values(hash="0" * 64), 5),
    ],
)
def test_the_first_row_that_was_changed_is_named(office: Office, tampering: Any, broken: int) -> None:
    for number in range(5):
        entry = AuditEntry(action="user.rights", object=str(number), before={"role": "agent"}, after={"role": "lead"})
        office.access.audit.note(Actor("user", "u1", "192.0.2.0/24"), entry, NOW)
    assert office.access.audit.verify().broken is None
    with office.database.write() as tx:
        tx.execute(tampering)
    assert office.access.audit.verify().broken == broken


@ONE
def test_an_empty_log_holds(office: Office) -> None:
    assert office.access.audit.verify().rows == 0
