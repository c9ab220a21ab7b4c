"""The first admin, while there is none: by an address that `serve` prints, or by the environment.

The address is made from the installation's secret key and the day, so that any number of processes print the same one,
and nothing of it is stored. It works while there is no admin, for a day or two.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta


def token(secret_key: str, at: datetime) -> str:
    """The secret part of the address, as it is printed on that day."""
    return hmac.digest(secret_key.encode(), f"first admin {at.date().isoformat()}".encode(), hashlib.sha256).hex()[:40]


def is_right(secret_key: str, given: str, at: datetime) -> bool:
    """Whether it was printed today or yesterday."""
    days = (at, at - timedelta(days=1))
    return any(hmac.compare_digest(token(secret_key, day).encode(), given.encode()) for day in days)
