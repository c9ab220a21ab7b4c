"""Ids that sort by the time they were made, and secrets that do not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread


def new_id() -> str:
    """26 characters: 48 bits of milliseconds, then 80 random bits. Later ids sort after earlier ones."""
    number = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10), "big")
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def survey_token(secret_key: str, invitation_id: str) -> str:
    """The secret part of a survey link: 22 URL-safe characters (128 bits).

    Derived, so that it is never stored and a retried mail holds the same link; the database keeps ``digest``.
    """
    mac = hmac.new(secret_key.encode(), f"survey:{invitation_id}".encode(), hashlib.sha256).digest()
    return _url_safe(mac[:16])


def digest(token: str) -> str:
    """What is stored of a token: SHA-256, hex. Tokens are random, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def _url_safe(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
