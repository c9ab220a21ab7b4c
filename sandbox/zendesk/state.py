"""All that the stand-in knows, in Zendesk's own JSON, behind one lock."""

from __future__ import annotations

import itertools
import threading
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from sandbox.clock import Clock, zulu
from sandbox.zendesk import errors

Json = dict[str, Any]
ACCOUNT_ID = 22129001
BRAND_ID = 360000000101
FORM_ID = 360000000102
CUSTOM_STATUS = {
    "new": 360000000111,
    "open": 360000000112,
    "pending": 360000000113,
    "hold": 360000000114,
    "solved": 360000000115,
    "closed": 360000000115,  # a closed ticket keeps the custom status it was solved with
    "deleted": 360000000115,
}
STAFF = frozenset({"agent", "admin"})


@dataclass(frozen=True, slots=True)
class Notice:
    """An e-mail that Zendesk would have sent. ``why`` is "public comment" or "verify"."""

    to: str
    why: str
    ticket_id: int | None = None


@dataclass(slots=True)
class State:
    """Records by id. Only code that holds ``lock`` touches them; handles give out copies."""

    clock: Clock
    base_url: str = "http://127.0.0.1"
    lock: threading.RLock = field(default_factory=threading.RLock)
    users: dict[int, Json] = field(default_factory=dict)
    tickets: dict[int, Json] = field(default_factory=dict)
    comments: dict[int, list[Json]] = field(default_factory=dict)
    audits: dict[int, list[Json]] = field(default_factory=dict)
    groups: dict[int, Json] = field(default_factory=dict)
    organizations: dict[int, Json] = field(default_factory=dict)
    ticket_fields: dict[int, Json] = field(default_factory=dict)
    user_fields: dict[int, Json] = field(default_factory=dict)
    organization_fields: dict[int, Json] = field(default_factory=dict)
    views: dict[int, Json] = field(default_factory=dict)
    macros: dict[int, Json] = field(default_factory=dict)
    ticket_forms: dict[int, Json] = field(default_factory=dict)
    sla_policies: dict[int, Json] = field(default_factory=dict)
    further: dict[int, list[str]] = field(default_factory=dict)  # e-mail addresses of users beside their first one
    brand: str = "Acme"  # its name; this account has one
    locale: str = "en-US"  # in which the account's people read
    webhooks: dict[str, Json] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    triggers: dict[int, Json] = field(default_factory=dict)
    deleted: dict[int, str] = field(default_factory=dict)  # the status that a deleted ticket had
    lines: dict[int, str] = field(default_factory=dict)  # Talk's phone numbers
    calls: list[Json] = field(default_factory=list)  # callback requests in Talk's queue
    notices: list[Notice] = field(default_factory=list)
    _ids: Any = field(default_factory=lambda: itertools.count(360000001001))
    _ticket_ids: Any = field(default_factory=lambda: itertools.count(1))

    def next_id(self) -> int:
        return int(next(self._ids))

    def next_ticket_id(self) -> int:
        return int(next(self._ticket_ids))

    def now(self) -> str:
        return zulu(self.clock())

    def url(self, path: str) -> str:
        return f"{self.base_url}/api/v2/{path}.json"

    def move_to(self, base_url: str) -> None:
        """The address is known only once a port is: correct it in what was there before."""
        with self.lock:
            kinds = (
                self.users,
                self.tickets,
                self.groups,
                self.organizations,
                self.ticket_fields,
                self.user_fields,
                self.organization_fields,
                self.views,
                self.macros,
                self.triggers,
            )
            for record in (record for kind in kinds for record in kind.values()):
                record["url"] = record["url"].replace(self.base_url, base_url, 1)
            self.base_url = base_url

    def ticket(self, ticket_id: int) -> Json:
        """The ticket, unless it is deleted. Raises 404."""
        ticket = self.tickets.get(ticket_id)
        if ticket is None or ticket["status"] == "deleted":
            raise errors.not_found()
        return ticket

    def user(self, user_id: int) -> Json:
        """Raises 404."""
        if user_id not in self.users:
            raise errors.not_found()
        return self.users[user_id]

    def snapshot(self) -> Json:
        """A copy of everything but the secrets."""
        with self.lock:
            kinds = (
                "users", "organizations", "tickets", "groups", "ticket_fields", "user_fields", "organization_fields",
                "views", "macros", "webhooks", "triggers",
            )  # fmt: skip
            known = {kind: list(getattr(self, kind).values()) for kind in kinds}
            talk = {"comments": self.comments, "audits": self.audits}
            return deepcopy(known | talk)


def is_staff(user: Json) -> bool:
    return user["role"] in STAFF
