"""Secrets at rest: encrypted with keys made from the installation's secret keys, a key of its own for each purpose.

What is sealed begins with the mark of the secret key that sealed it, so that it is known, without opening anything,
what a key still holds.
"""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken

from connector.secret_keys import SecretKeys, mark_of

_AFTER_MARK = b"."


class Box:
    """Seals texts for one ``purpose`` with the first key. What a key sealed that is not among ``keys``, or was sealed
    for another purpose, opens as None."""

    def __init__(self, keys: SecretKeys, purpose: str) -> None:
        self._mark = keys.mark
        self._locks = {mark_of(key): Fernet(_key(key, purpose)) for key in keys.every}

    def seal(self, text: str) -> bytes:
        return self._mark.encode() + _AFTER_MARK + self._locks[self._mark].encrypt(text.encode())

    def open(self, sealed: bytes | None) -> str | None:
        mark, _, content = (sealed or b"").partition(_AFTER_MARK)
        lock = self._locks.get(mark.decode("ascii", "replace"))
        if lock is None:
            return None
        try:
            return lock.decrypt(content).decode()
        except InvalidToken:
            return None


def sealed_by(sealed: bytes) -> str:
    """The mark of the secret key that sealed it."""
    return sealed.partition(_AFTER_MARK)[0].decode("ascii", "replace")


def _key(secret_key: str, purpose: str) -> bytes:
    """A Fernet key by a labelled hash."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"ringback {purpose} {secret_key}".encode()).digest())
