"""Passwords: kept as Argon2id, compared with the same work whether there is one or not, and chosen well.

Argon2id with the second recommendation of RFC 9106, section 4: 64 MiB, three passes, four lanes. A process makes at
most two at once, so that a crowd at the door takes 128 MiB and not all there is.
"""

from __future__ import annotations

import base64
import secrets
import threading
import unicodedata
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from connector.access.errors import sentence

SHORTEST, LONGEST = 12, 256  # characters; NIST SP 800-63B asks for eight beside a second factor
_AT_ONCE = threading.BoundedSemaphore(2)
_COMMON = (
    "password", "passwort", "wachtwoord", "welkom", "welcome", "qwerty", "azerty", "letmein", "ringback", "changeme",
    "geheim", "secret", "iloveyou", "admin",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HashCost:
    """What one hash costs. ``memory`` is in KiB."""

    memory: int = 65_536
    passes: int = 3
    lanes: int = 4


HASH_COST = HashCost()


class Passwords:
    """Makes and compares hashes."""

    def __init__(self, cost: HashCost = HASH_COST) -> None:
        self._hasher = PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory, parallelism=cost.lanes)
        self._nobodys = _of_nobody(cost)

    def kept(self, password: str) -> str:
        """What is stored of a password."""
        with _AT_ONCE:
            return self._hasher.hash(_normal(password))

    def is_right(self, kept: str | None, password: str) -> bool:
        """Whether it is this one. Without one (None) the same work is done, so that its time tells nothing."""
        with _AT_ONCE:
            try:
                right = self._hasher.verify(kept or self._nobodys, _normal(password))
            except (VerificationError, InvalidHashError):
                return False
        return right and kept is not None

    def is_stale(self, kept: str) -> bool:
        """Whether it was made at another cost, and should be made anew while the password is at hand."""
        return self._hasher.check_needs_rehash(kept)


def _of_nobody(cost: HashCost) -> str:
    """A hash that no password has, at this cost. It is made up: the first comparison must not take twice the time."""
    salt, made_up = (base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19$m={cost.memory},t={cost.passes},p={cost.lanes}${salt}${made_up}"


def fault_of(password: str, *, email: str = "", name: str = "") -> str:
    """Why a password cannot be chosen, in a sentence with the remedy; "" when it can. No rule of signs and digits: long
    ones that nobody would try first are good (NIST SP 800-63B, 3.1.1)."""
    plain = _normal(password).lower()
    if len(plain) < SHORTEST:
        return sentence("It is too short. Take 12 characters or more; several words are easy to remember.")
    if len(plain) > LONGEST:
        return sentence("It is too long. Take at most 256 characters.")
    if len(set(plain)) < 5:
        return sentence("It repeats few characters. Take several words.")
    about = [part for part in (email.partition("@")[0], *name.split()) if len(part) > 3]
    if any(part.lower() in plain for part in about):
        return sentence("It holds your name or address. Take words that nobody connects with you.")
    rest = plain
    for word in _COMMON:
        rest = rest.replace(word, "")
    if len(rest) < SHORTEST // 2 or rest.isdigit():
        return sentence("It is one of those that are tried first. Take several words of your own.")
    return ""


def _normal(password: str) -> str:
    """One password however the keyboard writes its letters (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
