"""Secrets at rest: encrypted with keys made from the installation's secret key, a key of its own for each purpose."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class Box:
    """Seals texts for one ``purpose``. What was sealed with another secret key, or for another purpose, opens as None:
    whoever needs it asks the vendor again."""

    def __init__(self, secret_key: str, purpose: str) -> None:
        self._keys = MultiFernet([Fernet(_key(secret_key, purpose))])

    def seal(self, text: str) -> bytes:
        return self._keys.encrypt(text.encode())

    def open(self, sealed: bytes | None) -> str | None:
        if not sealed:
            return None
        try:
            return self._keys.decrypt(sealed).decode()
        except InvalidToken:
            return None


def _key(secret_key: str, purpose: str) -> bytes:
    """A Fernet key by a labelled hash."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"ringback {purpose} {secret_key}".encode()).digest())
