"""The doctor on who can sign in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.cli.doctor.people import check_people
from connector.config.sign_in.rules import SignInRules
from connector.observe.findings import Verdict
from connector.storage.engine.database import Database
from tests.support.people import BY_HAND, services_on, somebody

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ALONE = SignInRules(password=False, emergency="admin@bank.example")


def test_it_counts_who_can_sign_in(database: Database) -> None:
    access = services_on(database)
    with database.read() as tx:
        assert "nobody can sign in yet" in check_people(tx, SignInRules()).says
    for role in ("admin", "agent", "viewer"):
        gone = somebody(access, database, NOW, role)
    access.people.disable(BY_HAND, gone.id, NOW)
    with database.read() as tx:
        found = check_people(tx, SignInRules())
    assert (found.verdict, found.says) == (Verdict.OK, "2 can sign in, 1 of them as admin")


def test_a_house_without_passwords_needs_its_emergency_admin(database: Database) -> None:
    access = services_on(database)
    somebody(access, database, NOW, "agent", "admin@bank.example")
    with database.read() as tx:
        assert check_people(tx, ALONE).verdict is Verdict.BROKEN
    somebody(access, database, NOW, "admin", "root@bank.example")
    with database.read() as tx:
        assert check_people(tx, ALONE).verdict is Verdict.BROKEN
        assert check_people(tx, SignInRules(password=False, emergency="root@bank.example")).verdict is Verdict.OK
