"""The stand-in's inside: records, sessions, limits and messages of one organisation."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.clock import Clock
from sandbox.outbox import Outbox
from sandbox.salesforce.access import Access
from sandbox.salesforce.collections import Collections
from sandbox.salesforce.errors import RecordError, api_error
from sandbox.salesforce.ids import long_id
from sandbox.salesforce.outbound import OutboundMessages, Sender
from sandbox.salesforce.records import Record, Records

ORGANIZATION_ID = long_id("00Dak000000RBsb")
ACTION_ID = long_id("04kak0000000001")
INTEGRATION, SALES = "ringback@acme.example", "sam@acme.example"
CLIENT_ID, CLIENT_SECRET = "salesforce-client-id", "salesforce-client-secret"
USERS = {
    INTEGRATION: {"id": long_id("005ak0000000001"), "name": "Ringback", "email": INTEGRATION},
    SALES: {"id": long_id("005ak0000000002"), "name": "Sam Jansen", "email": SALES},
}


@dataclass(slots=True)
class Usage:
    """The organisation's calls of today. The counter never restarts by itself: set ``used`` to 0."""

    most: int = 15_000
    used: int = 0

    def count(self) -> None:
        """One call. Raises 403 when none is left; there is no Retry-After."""
        if self.used >= self.most:
            raise api_error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self.used += 1

    @property
    def header(self) -> str:
        return f"api-usage={self.used}/{self.most}"


class Org:
    """One Salesforce organisation."""

    def __init__(self, clock: Clock, outbox: Outbox) -> None:
        self.clock = clock
        self.closing = threading.Event()
        self.usage = Usage()
        self.access = Access(clock, ORGANIZATION_ID, USERS, CLIENT_ID, CLIENT_SECRET, INTEGRATION)
        self.records = Records(clock, self._changed)
        self.collections = Collections(self.records, self.closing)
        self.outbound = OutboundMessages(clock, outbox, self._sender, self._current)
        # The permission set of a well set up integration user does not send outbound messages; True shows the echo.
        self.echo = False
        self._batch: list[str] | None = None

    def close(self) -> None:
        self.closing.set()
        self.outbound.close()

    def by_a_user(self, changes: Sequence[tuple[str, Mapping[str, Any]]], user: str = SALES) -> list[Record]:
        """A person changes contacts at once; what changed goes out in as few messages as possible."""
        author = USERS[user]["id"]
        with self.records.lock:
            self._batch = []
            try:
                return [
                    self.records.update("Contact", record_id, fields, author) for record_id, fields in changes
                ]
            finally:
                batch, self._batch = self._batch, None
                self.outbound.notify(list(dict.fromkeys(batch)))

    def _changed(self, row: Record, by: str, _created: bool) -> None:
        told = "LastName" in row and not row["IsDeleted"] and (self.echo or by != USERS[INTEGRATION]["id"])
        if not told:
            return
        if self._batch is not None:
            self._batch.append(row["Id"])
        else:
            self.outbound.notify([row["Id"]])

    def _current(self, record_id: str) -> Record | None:
        try:
            return self.records.get("Contact", record_id)
        except RecordError:
            return None

    def _sender(self) -> Sender:
        return Sender(ORGANIZATION_ID, ACTION_ID, self.access.base_url)
