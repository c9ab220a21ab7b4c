"""Idempotency keys: the first answer is kept for two hours and given again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.clock import Clock
from sandbox.zendesk import errors

LIFETIME = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Kept:
    fingerprint: str
    at: datetime
    answer: Any


class IdempotencyKeys:
    """Call it under the stand-in's lock. An answer is kept only when it was a success."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, Kept] = {}

    def look_up(self, key: str, body: bytes) -> Any | None:
        """The answer given under this key, None when there is none. Raises 400 when the body is another one."""
        kept = self._kept.get(key)
        if kept is None or self._clock() - kept.at >= LIFETIME:
            return None
        if kept.fingerprint != _fingerprint(body):
            raise errors.key_reused()
        return kept.answer

    def keep(self, key: str, body: bytes, answer: Any) -> None:
        self._kept[key] = Kept(_fingerprint(body), self._clock(), answer)


def _fingerprint(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
