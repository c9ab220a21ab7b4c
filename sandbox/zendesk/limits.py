"""Zendesk's rate limits, as fixed windows of the clock that was handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sandbox.zendesk import errors

_ACCOUNT = "Number of allowed API requests per minute exceeded"
_TICKET_UPDATES = "Number of allowed ticket updates exceeded"
_EXPORTS = "Number of allowed incremental export API requests per minute exceeded"
_CREATIONS = "Number of allowed new tickets exceeded"
_CALLBACK_REQUESTS = "Number of allowed callback requests exceeded"
_USER_UPDATES = "Number of allowed user updates exceeded"


@dataclass(frozen=True, slots=True)
class Limits:
    """The figures of an Enterprise account, from Zendesk's documentation of rate limits."""

    requests_per_minute: int = 700
    ticket_updates_per_minute: int = 100
    updates_per_ticket_in_10_minutes: int = 30  # by one user
    user_updates_per_second: int = 1
    updates_per_user_per_minute: int = 5
    exports_per_minute: int = 10
    callback_requests_in_10_minutes: int = 30
    tickets_per_minute: int = 10**6  # created; a trial account has 20


GENEROUS = Limits(*[10**6] * 8)
"""For tests that are about something else."""


@dataclass(slots=True)
class _Window:
    start: float
    used: int = 0


class RateLimiter:
    """Counts, refuses, and says so in the headers Zendesk sends. Call it under the stand-in's lock."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._windows: dict[tuple[str, object], _Window] = {}

    def request(self, now: datetime) -> Mapping[str, str]:
        """One request of the account. → the headers of its answer. Raises 429."""
        total = self.limits.requests_per_minute
        left, resets = self._take(("account", None), total, 60, now, _ACCOUNT)
        return {
            "x-rate-limit": str(total),
            "x-rate-limit-remaining": str(left),
            "ratelimit-limit": str(total),
            "ratelimit-remaining": str(left),
            "ratelimit-reset": str(resets),
        }

    def ticket_update(self, user: int, ticket: int, now: datetime) -> Mapping[str, str]:
        """One update of one ticket by one user. → the header of its answer. Raises 429."""
        limits = self.limits
        self._take(
            ("ticket", (user, ticket)), limits.updates_per_ticket_in_10_minutes, 600, now, _TICKET_UPDATES
        )
        total = limits.ticket_updates_per_minute
        left, resets = self._take(("tickets", None), total, 60, now, _TICKET_UPDATES)
        return {"zendesk-rate-limit-tickets-update": f"total={total}; remaining={left}; resets={resets}"}

    def export(self, now: datetime) -> None:
        """One page of an incremental export. Raises 429."""
        self._take(("exports", None), self.limits.exports_per_minute, 60, now, _EXPORTS)

    def user_update(self, user: object, now: datetime) -> None:
        """One write of one user. Raises 429."""
        self._take(("user", user), self.limits.updates_per_user_per_minute, 60, now, _USER_UPDATES)
        self._take(("users", None), self.limits.user_updates_per_second, 1, now, _USER_UPDATES)

    def ticket_creation(self, now: datetime) -> None:
        """One new ticket. Raises 429."""
        self._take(("created", None), self.limits.tickets_per_minute, 60, now, _CREATIONS)

    def callback_request(self, now: datetime) -> None:
        """One customer for Talk's queue. Raises 429."""
        most = self.limits.callback_requests_in_10_minutes
        self._take(("callbacks", None), most, 600, now, _CALLBACK_REQUESTS)

    def _take(
        self, key: tuple[str, object], limit: int, seconds: int, now: datetime, refusal: str
    ) -> tuple[int, int]:
        moment = now.timestamp()
        window = self._windows.get(key)
        if window is None or moment >= window.start + seconds:
            window = self._windows[key] = _Window(moment // seconds * seconds)
        resets = max(1, int(window.start + seconds - moment))
        if window.used >= limit:
            raise errors.too_many(refusal, resets)
        window.used += 1
        return limit - window.used, resets
