"""The first deliveries after a start: one of them may have been the end of the process before.

An error is caught and set aside; a process that the system kills for its memory catches nothing, and would meet the
same delivery at every start. So what is there at a start is noted, one by one, before it is begun; and what was begun
too often without an end is set aside.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from connector.storage.stores import inbox

MOST_BEGUN = 3
"""So often a delivery may have been begun by processes that fell; beside the first, which took it with others."""

FIRST = 200
"""So many are taken with care: twice what goes into one transaction, among which the one at fault was."""


class CarefulStart:
    """Which deliveries are still to be taken with care by this process."""

    def __init__(self) -> None:
        self.left = FIRST
        self._until: int | None = None

    def next(self, tx: Connection, limit: int) -> Sequence[int]:
        """The next of them; none when all that was there at the start is done."""
        if self._until is None:
            self._until = inbox.newest(tx)
        ids = [id_ for id_ in inbox.new_ids(tx, min(limit, self.left)) if id_ <= self._until]
        self.left = self.left - len(ids) if ids else 0
        return ids
