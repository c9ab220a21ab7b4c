"""Fields that an org may not have, or that our user may not see: one such name, and Salesforce refuses the whole query.

What is learned is learned for one field of one object, and for an hour: then the admin may have mended it.

Source: Salesforce's REST API guide, "Status Codes and Error Responses" (INVALID_FIELD names the column).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from integrations.errors import Permanent

ASK_AGAIN = 3600.0  # seconds

T = TypeVar("T")


class SeenFields:
    """Threads may share it: at worst two learn the same. ``now`` tells seconds."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._hidden: dict[tuple[str, str], float] = {}

    def ask(self, kind: str, optional: Sequence[str], select: Callable[[Sequence[str]], T]) -> T:
        """What ``select`` finds with those of the ``optional`` fields that can be seen. Raises what it raises for any
        other reason."""
        seen = [name for name in optional if self._is_seen(kind, name)]
        while True:
            try:
                return select(seen)
            except Permanent as error:
                hidden = _named(error, seen)
                if not hidden:
                    raise
            self._hidden |= dict.fromkeys([(kind, name) for name in hidden], self._now())
            seen = [name for name in seen if name not in hidden]

    def _is_seen(self, kind: str, name: str) -> bool:
        since = self._hidden.get((kind, name))
        return since is None or self._now() - since > ASK_AGAIN


def _named(error: Permanent, seen: Sequence[str]) -> list[str]:
    """Those of the fields that the refusal is about; all where it names none."""
    if error.code != "INVALID_FIELD":
        return []
    told = {name.lower() for name in error.fields}
    return [name for name in seen if not told or name.lower() in told]
