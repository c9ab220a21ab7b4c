"""What a vendor allows: requests of one kind in a span of time, on the account and on one of its records. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

TICKETS_CREATE, TICKETS_UPDATE, USERS_UPDATE, CALL_REQUESTS = (
    "tickets-create", "tickets-update", "users-update", "callback-requests",
)  # fmt: skip
"""Kinds of requests that have limits of their own, by the names in which helpdesks tell of them."""

ACCOUNT = "account"
"""The name of the limit on all requests."""

SHARE = 0.8
"""The part of a limit that we use. The rest is for agents and other apps, which use up the same account."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``count`` requests in any ``seconds``."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Rates:
    """A vendor's limits: on all requests, by kind of request, and by kind for each single record. None or absent: no
    limit that we know of."""

    account: Rate | None = None
    kinds: Mapping[str, Rate] = field(default_factory=lambda: MappingProxyType({}))
    records: Mapping[str, Rate] = field(default_factory=lambda: MappingProxyType({}))


UNLIMITED = Rates()
