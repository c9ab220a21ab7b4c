"""The day's API calls: an org has so many, for all its integrations together, and we leave the others their part."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from integrations.error_mapping import Limit
from integrations.errors import RateLimited
from integrations.protocols import Usage

LOOK_AGAIN = 15 * 60.0  # seconds; so old a count is found out anew, by a call that is let through

_NAME = "api-usage"


class DailyCalls:
    """Lets calls begin while more than ``reserve`` (0…1) of the org's calls of the last 24 hours is left.

    Every answer of Salesforce tells the count (``Sforce-Limit-Info``), that of all integrations.
    """

    def __init__(
        self, limits: Callable[[], Mapping[str, Limit]], reserve: float, now: Callable[[], float] = time.time
    ) -> None:
        self._limits, self._reserve, self._now = limits, reserve, now
        self._seen: Limit | None = None
        self._since = 0.0

    @property
    def seen(self) -> Usage | None:
        """What the last answer told."""
        limit = self._limits().get(_NAME)
        return Usage(limit.total - limit.remaining, limit.total) if limit else None

    def check(self) -> None:
        """Raises RateLimited when what is left is the others'. Nothing was sent then."""
        limit = self._limits().get(_NAME)
        if limit is None or limit.remaining > self._reserve * limit.total:
            return
        if limit is not self._seen:
            self._seen, self._since = limit, self._now()
        age = self._now() - self._since
        if age < LOOK_AGAIN:
            raise RateLimited(
                f"Salesforce's API calls of the last 24 hours are used up ({limit.total - limit.remaining} of "
                f"{limit.total}) but for the reserve of other integrations",
                retry_after=LOOK_AGAIN - age,
                code="API_RESERVE",
                status=None,
            )
        self._since = self._now()
