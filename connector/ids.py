"""Ids that sort by the time they were made, and secrets that do not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import time
from datetime import UTC, datetime

_LENGTH = 26
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)  # ids are made often: two at a time


def new_id() -> str:
    """26 characters: 48 bits of milliseconds, then 80 random bits. Later ids sort after earlier ones."""
    number = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10), "big")
    tens = (number >> shift & 1023 for shift in range(120, -1, -10))
    return "".join([_PAIRS[ten] for ten in tens])


def made_at(id_: str) -> datetime | None:
    """When an id of ours was made; None: it is none of ours."""
    if len(id_) != _LENGTH or not set(id_) <= set(_ALPHABET):
        return None
    number = 0
    for sign in id_:
        number = number << 5 | _ALPHABET.index(sign)
    try:
        return datetime.fromtimestamp((number >> 80) / 1000, UTC)
    except (ValueError, OverflowError, OSError):  # no clock goes that far
        return None


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
