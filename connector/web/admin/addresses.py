"""Where somebody may be led: to a page of ours, whatever the address says."""

from __future__ import annotations

import re

_OURS = re.compile(r"/admin([/?][\w/?=&%.+~:-]*)?", re.ASCII)
_LONGEST = 2000

FIRST = "/admin/"


def inside(address: str) -> str:
    """The address, if it is one below /admin; else that of the first page. Without the path that a proxy takes off."""
    return address if len(address) <= _LONGEST and _OURS.fullmatch(address) else FIRST
