"""The stand-in's inside: records, sessions, limits and messages of one organisation."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import g, has_request_context

from sandbox.clock import Clock
from sandbox.outbox import Outbox
from sandbox.salesforce.access import Access
from sandbox.salesforce.bulk import Jobs
from sandbox.salesforce.collections import Collections
from sandbox.salesforce.deployments import Deployments
from sandbox.salesforce.errors import api_error
from sandbox.salesforce.flows import Flows
from sandbox.salesforce.ids import long_id
from sandbox.salesforce.outbound import OutboundMessages, Sender
from sandbox.salesforce.records import Record, Records
from sandbox.salesforce.schema import SObject
from sandbox.salesforce.security import Security
from sandbox.salesforce.setup_objects import setup_objects

ORGANIZATION_ID = long_id("00Dak000000RBsb")
ACTION_ID = long_id("04kak0000000001")
INTEGRATION, SALES, ADMIN = "ringback@acme.example", "sam@acme.example", "ada@acme.example"
CLIENT_ID, CLIENT_SECRET = "salesforce-client-id", "salesforce-client-secret"
USERS = {
    INTEGRATION: {"id": long_id("005ak0000000001"), "name": "Ringback", "email": INTEGRATION},
    SALES: {"id": long_id("005ak0000000002"), "name": "Sam Jansen", "email": SALES},
    ADMIN: {"id": long_id("005ak0000000003"), "name": "Ada Visser", "email": ADMIN},
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
        for name, user in USERS.items():
            about = {"Name": user["name"], "Email": user["email"], "Username": name, "IsActive": True}
            self.records.seed("User", user["id"], about)
        self.collections = Collections(self.records, self.closing)
        self.setup = self._set_up()
        self.security = Security(self.setup)
        self.records.seen, self.records.permitted = self._sees, self._may_write
        self.deployments = Deployments(self.records, self.setup, self.security, frozenset(USERS), clock)
        self.flows = Flows(self.deployments, self.security)
        self.deployers = {USERS[INTEGRATION]["id"], USERS[ADMIN]["id"]}  # who may use the Metadata API
        self.jobs = Jobs(self.records, self.collections, clock)
        self.outbound = OutboundMessages(clock, outbox, self._sender, self._current)
        # The permission set of a well set up integration user does not send outbound messages; True shows the echo.
        self.echo = False
        self._batch: list[str] | None = None

    def _set_up(self) -> Records:
        """The set-up's own records, apart from those of customers."""
        setup = Records(self.clock, lambda _row, _by, _created: None)
        setup.objects.clear()
        for sobject in setup_objects():
            setup.add_object(sobject)
        return setup

    def _sees(self, kind: str, field: str) -> bool:
        """Only what comes over the API is anybody's; what a test or a page does, an admin does."""
        return not has_request_context() or "user_id" not in g or self.security.sees(g.user_id, kind, field)

    def _may_write(self, kind: str, field: str) -> bool:
        return not has_request_context() or "user_id" not in g or self.security.writes(g.user_id, kind, field)

    def visible(self, user_id: str) -> dict[str, SObject]:
        """The objects that the user may ask for, as that user sees them, by name in lower case."""
        views = (self.security.view(user_id, each) for each in list(self.records.objects.values()))
        return {each.name.lower(): each for each in (*views, *self.setup.objects.values()) if each}

    def rows(self, kind: str, *, deleted: bool = False) -> list[Record]:
        """The records of one kind, of customers or of the set-up."""
        if kind == "Organization":
            edition = {"OrganizationType": "Enterprise Edition", "IsSandbox": not self.deployments.live}
            return [{"Id": ORGANIZATION_ID, "Name": "Acme", "IsDeleted": False, **edition}]
        return (self.setup if kind in self.setup.objects else self.records).all(kind, deleted=deleted)

    def forget_custom(self) -> None:
        """As an organisation is before anybody customised it."""
        for name in [name for name in self.records.objects if name.endswith("__c")]:
            self.records.remove_object(name)
        for sobject in self.records.objects.values():
            for each in [each.name for each in sobject.fields.values() if each.name.endswith("__c")]:
                self.records.remove_field(sobject.name, each)

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

    def _changed(self, row: Record, by: str, created: bool) -> None:
        kind = self.records.kind_of(row["Id"])
        if row["IsDeleted"] or not self._is_told(kind, row, by, created=created):
            return
        if self._batch is not None:
            self._batch.append(row["Id"])
        else:
            self.outbound.notify([row["Id"]], kind)

    def _is_told(self, kind: str, row: Record, by: str, *, created: bool) -> bool:
        """By the flow that was deployed for the object; without one, by what a test has set up."""
        message = self.flows.about(kind)
        if not message:
            return kind in self.outbound.objects and (self.echo or by != USERS[INTEGRATION]["id"])
        self.outbound.endpoint, self.outbound.objects[kind] = self.flows.address(message)
        return self.flows.sends(message, row, by, self.records.writes[-1].fields, created=created)

    def _current(self, record_id: str) -> Record | None:
        return self.records.any(record_id)

    def _sender(self) -> Sender:
        return Sender(ORGANIZATION_ID, ACTION_ID, self.access.base_url)
