"""How calls are claimed at each connection: within its budget, its limits, and its calls side by side."""

from __future__ import annotations

from connector.runtime.effects.claims import ClaimPolicy
from connector.runtime.effects.reported_limits import ReportedLimits
from connector.vendors.clients import Connections


class ClaimPolicies:
    """Those of one process, which claims as ``owner``."""

    def __init__(self, connections: Connections, owner: str) -> None:
        self._connections, self._owner = connections, owner

    def __call__(self, connection: str) -> ClaimPolicy:
        here = self._connections
        return ClaimPolicy(
            connection=connection,
            owner=self._owner,
            budget=here.budget(connection),
            concurrency=here.concurrency(connection),
            limits=here.limits(connection),
            allowed=ReportedLimits(lambda: here.told_limits(connection)),
        )
