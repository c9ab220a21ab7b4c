"""How often somebody may try a password or a code: so often, then ever a moment's wait. Nobody is locked out.

By network, and by account. Whoever tries an account from elsewhere takes no turn from its owner: networks from which
the owner signed in before have a lane of their own.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from connector.ids import digest
from connector.storage.engine.database import Database
from connector.storage.flow_control.guess_limit import GuessLimit
from connector.storage.flow_control.rate_budget import Budget

PER_ACCOUNT = Budget(per_minute=4, at_once=6)
"""Passwords or codes for one account, from one lane."""

PER_NETWORK = Budget(per_minute=20, at_once=40)
"""From one network: a whole office begins its day at nine."""


class Attempts:
    """Counts them, in the cells in which guesses are counted; shared by all processes."""

    def __init__(self, database: Database) -> None:
        self._accounts, self._networks = GuessLimit(database, PER_ACCOUNT), GuessLimit(database, PER_NETWORK)

    def count(self, account: str, network: str, known: Collection[str], now: datetime) -> timedelta | None:
        """Count one. ``account`` is what was typed, somebody's or nobody's; ``known`` are its networks. → how long to
        wait first, if there is no turn left; then nothing is counted for the account."""
        if (wait := self._networks.count(f"in:{network}"[:50], now)) is not None:
            return wait
        lane = network if network in known else ""
        return self._accounts.count(f"in:{digest(f'{account} {lane}')[:40]}", now)
