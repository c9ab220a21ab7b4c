"""What Zendesk's plans allow.

Source: Zendesk's API reference, "Rate limits": the plans' requests per minute, and the endpoints' own limits. Updates
by agents in Zendesk's own pages count towards an endpoint's limit, though not towards the plan's.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from integrations.limits import CALL_REQUESTS, TICKETS_CREATE, TICKETS_UPDATE, UNLIMITED, USERS_UPDATE, Rate, Rates

_RECORDS: Mapping[str, Rate] = MappingProxyType(
    {TICKETS_UPDATE: Rate(30, 600), USERS_UPDATE: Rate(5, 60)}  # of one ticket by one user; of one user
)


def _plan(per_minute: int | None, updates: int = 100, created: int | None = None) -> Rates:
    kinds = {TICKETS_UPDATE: Rate(updates, 60), USERS_UPDATE: Rate(1, 1), CALL_REQUESTS: Rate(30, 600)}
    if created is not None:
        kinds[TICKETS_CREATE] = Rate(created, 60)
    account = None if per_minute is None else Rate(per_minute, 60)
    return Rates(account, MappingProxyType(kinds), _RECORDS)


UNKNOWN = _plan(None)
"""What holds on every plan; of the plan's own limit we then learn by its answers."""

PLANS: Mapping[str, Rates] = MappingProxyType(
    {
        "trial": _plan(200, updates=20, created=20),
        "team": _plan(200),
        "growth": _plan(400),
        "professional": _plan(400),
        "enterprise": _plan(700),
        "enterprise-plus": _plan(2500),
        "high-volume": _plan(2500, updates=300),
        "unlimited": UNLIMITED,  # for stand-ins
    }
)
"""Names for ``plan:`` of a connection."""
