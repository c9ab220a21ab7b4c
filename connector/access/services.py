"""What the pages and commands need of this room, in one piece."""

from __future__ import annotations

from dataclasses import dataclass

from connector.access.audit import Audit
from connector.access.people import People
from connector.access.way_in.attempts import Attempts
from connector.access.way_in.passwords import HashCost, Passwords
from connector.access.way_in.sign_in import SignIn
from connector.config.sign_in.rules import SignInRules
from connector.secret_keys import SecretKeys
from connector.storage.engine.database import Database
from connector.storage.engine.encryption import Box
from connector.storage.sealing.sealed_rows import SECOND_FACTORS


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessServices:
    """Who comes in, what is done about people, and the log of it."""

    people: People
    sign_in: SignIn
    audit: Audit


def access_services(database: Database, rules: SignInRules, secret_keys: SecretKeys, cost: HashCost) -> AccessServices:
    """``cost`` is what one hash of a password costs; tests take a cheap one."""
    audit, hashes = Audit(database, secret_keys), Passwords(cost)
    box = Box(secret_keys, SECOND_FACTORS)
    return AccessServices(
        people=People(database, hashes, audit),
        sign_in=SignIn(database, hashes, Attempts(database), audit, rules, box),
        audit=audit,
    )
