"""What a vendor's answers told of its limits: how much other users of the account have left us."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from integrations.error_mapping import Limit
from integrations.limits import SHARE

_UNTOLD = 60.0  # seconds; how long a limit lasts that does not say when it begins anew


class ReportedLimits:
    """Requests that may still be made, by the limit's name, beside those that are under way.

    A part is kept back for the others on the account, who go on while we hear nothing of them. What was told holds
    until the limit begins anew; the time it is told at is taken from the caller, at the first look after it.
    """

    def __init__(self, told: Callable[[], Mapping[str, Limit]]) -> None:
        self._told = told
        self._seen: dict[str, tuple[Limit, datetime]] = {}

    def __call__(self, now: datetime) -> Mapping[str, int]:
        for name, limit in self._told().items():
            if name not in self._seen or self._seen[name][0] is not limit:
                resets = _UNTOLD if limit.resets_in is None else limit.resets_in
                self._seen[name] = (limit, now + timedelta(seconds=resets))
        return {name: _ours(limit) for name, (limit, until) in self._seen.items() if now < until}


def _ours(limit: Limit) -> int:
    return limit.remaining - int(limit.total * (1 - SHARE) / 2)
