"""Addresses of chat tools as they may be stored: they hold tokens and passwords, so only a mark of them is kept.

What stands in the database is "slack://#a3f", and the address is looked up in the configuration when the alert leaves.
The mark tells a team's few addresses apart and is too short to find one out by trying.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlsplit

from connector.config.file import Team

_MARK = re.compile(r"[a-z0-9+.-]*://#[0-9a-f]{3}")


def mark(url: str) -> str:
    """The stored form of an address."""
    digest = hashlib.sha256(url.encode()).hexdigest()[:3]
    return f"{urlsplit(url).scheme}://#{digest}"


def marked(stored: str, team: Team | None) -> str | None:
    """The address that is meant; None: the team has it no more."""
    if not _MARK.fullmatch(stored):
        return stored
    return next((url for url in (team.notify if team else ()) if mark(url) == stored), None)
