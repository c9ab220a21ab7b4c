"""People of the house for tests: their passwords, codes and the services that know them."""

from __future__ import annotations

from datetime import datetime

import pyotp

from connector.access import users
from connector.access.audit import Actor
from connector.access.people import Rights
from connector.access.services import AccessServices, access_services
from connector.access.users import User
from connector.access.way_in import second_factor
from connector.access.way_in.passwords import HashCost
from connector.config.sign_in.rules import SignInRules
from connector.secret_keys import SecretKeys
from connector.storage.engine.database import Database

CHEAP = HashCost(memory=64, passes=1, lanes=1)
"""Takes no time, and protects nobody."""

PASSWORD = "seven green kettles sing"
KEY = SecretKeys("the tests' own secret key, long enough")
BY_HAND = Actor("command", "tests")


def services_on(database: Database, rules: SignInRules | None = None) -> AccessServices:
    return access_services(database, rules or SignInRules(), KEY, CHEAP)


def somebody(
    access: AccessServices, database: Database, at: datetime, role: str = "agent", email: str = "", **rights: object
) -> User:
    """A person of this role who chose PASSWORD."""
    email = email or f"{role}@bank.example"
    _, secret = access.people.invite(BY_HAND, email, role.title(), Rights(role=role, **rights), at)  # type: ignore[arg-type]
    chosen = access.people.choose_password(secret, PASSWORD, "", at)
    with database.read() as tx:
        return users.one(tx, chosen.id)


def code_of(secret: str, at: datetime) -> str:
    """What an app with this secret shows at that moment."""
    return pyotp.HOTP(secret).at(int(at.timestamp()) // second_factor.STEP)
