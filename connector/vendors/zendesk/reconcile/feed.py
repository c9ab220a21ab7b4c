"""The door by which the reconciler tells what it found: the inbox, like any sender."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from connector.clock import Clock
from connector.storage.engine.database import Database
from connector.storage.stores import inbox, provisioned
from connector.storage.stores.inbox import Inbox
from integrations.protocols import Json
from webhooks.delivery import Delivery
from webhooks.zendesk.source import KEPT_HEADERS

JSON = "application/json; charset=utf-8"


class Feed:
    """Puts deliveries of one connection into the inbox. ``count`` is how many were new."""

    def __init__(self, database: Database, box: Inbox, connection: str, clock: Clock) -> None:
        self.database, self.connection = database, connection
        self._inbox, self._clock = box, clock
        self.count = 0

    def unknown(self, keys: Collection[str]) -> set[str]:
        """Those of the keys that the inbox does not have."""
        with self.database.read() as tx:
            return set(keys) - inbox.known_keys(tx, self.connection, keys)

    def webhooks(self) -> list[str]:
        """The ids of our webhooks there, as provisioning knows them."""
        with self.database.read() as tx:
            return [each.vendor_id for each in provisioned.of_connection(tx, self.connection) if each.kind == "webhook"]

    def sent(self, key: str, body: bytes, headers: Mapping[str, str]) -> None:
        """A webhook that never came: the same bytes, under the same key."""
        kept = {name: headers[name] for name in KEPT_HEADERS if name in headers}
        self._keep(Delivery(self.connection, key, self._clock(), headers.get("content-type", JSON), kept, body))

    def ticket(self, kind: str, ticket: Json, at: datetime) -> None:
        """An event that a ticket's state implies, as a trigger would have told it. The same fact has the same key."""
        told = {
            "type": kind, "ticket_id": ticket["id"], "time": at.isoformat(), "status": ticket.get("status"),
            "priority": ticket.get("priority"), "tags": list(ticket.get("tags") or ()),
            "group_id": ticket.get("group_id"), "assignee_id": ticket.get("assignee_id"),
            "requester_id": ticket.get("requester_id"), "organization_id": ticket.get("organization_id"),
            "external_id": ticket.get("external_id"), "subject": ticket.get("subject"),
            "brand_id": ticket.get("brand_id"), "form_id": ticket.get("ticket_form_id"),
            "channel": (ticket.get("via") or {}).get("channel"), "is_public": ticket.get("is_public"),
            "reconciled": True,
        }  # fmt: skip
        body = json.dumps(_given(told), ensure_ascii=False).encode()
        key = f"reconciled:{kind}:{ticket['id']}:{at:%Y%m%dT%H%M%S}"
        self._keep(Delivery(self.connection, key, self._clock(), JSON, {}, body))

    def _keep(self, delivery: Delivery) -> None:
        self.count += self._inbox.keep(delivery)


def _given(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value is not None}
