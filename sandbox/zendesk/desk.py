"""The stand-in's inside: state and rules, put together. The API and the agents' pages work on it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from sandbox.clock import Clock
from sandbox.outbox import Outbox
from sandbox.zendesk import events, people
from sandbox.zendesk.access import Access, OAuthClient
from sandbox.zendesk.events import Happening
from sandbox.zendesk.furniture import ORGANIZATION_FIELD, TICKET_FIELD, USER_FIELD, Furniture
from sandbox.zendesk.idempotency import IdempotencyKeys
from sandbox.zendesk.jobs import Jobs
from sandbox.zendesk.limits import Limits, RateLimiter
from sandbox.zendesk.shapes import new_group, new_organization, new_ticket_field, new_user
from sandbox.zendesk.state import Json, State
from sandbox.zendesk.tickets import Tickets, Writer
from sandbox.zendesk.triggers import Triggers
from sandbox.zendesk.webhooks import Webhooks

INTEGRATION_EMAIL = "ringback@acme.example"
AGENT_EMAIL = "anna@acme.example"
CLIENT_ID, CLIENT_SECRET, API_TOKEN = "ringback", "zendesk-client-secret", "zendesk-api-token"
_USER_FIELDS = (
    ("ringback_score", "NPS score", "integer"),
    ("ringback_band", "NPS group", "text"),
    ("ringback_answered_at", "NPS date", "date"),
    ("ringback_comment", "NPS comment", "textarea"),
    ("ringback_loop_status", "Loop status", "text"),
    ("ringback_loyalty", "Loyalty", "text"),
)
_SYSTEM_FIELDS = ("subject", "description", "status", "tickettype", "priority", "group", "assignee")
_FIELDS = (
    ("NPS score", "integer"),
    ("Callback phone", "text"),
    ("Preferred time", "text"),
    ("Outcome", "text"),
)


class Desk:
    """One Zendesk account."""

    def __init__(self, clock: Clock, outbox: Outbox, limits: Limits) -> None:
        self.state = State(clock)
        self.access = Access(self.state)
        self.keys = IdempotencyKeys(clock)
        self.limiter = RateLimiter(limits)
        self.furniture = Furniture(self.state)
        self.jobs = Jobs(self.state)
        self.webhooks = Webhooks(self.state, outbox)
        self.triggers = Triggers(self.state, self.webhooks)
        self.tickets = Tickets(self.state, self._announce)
        self.integration, self.agent = self._furnish()

    def _furnish(self) -> tuple[Json, Json]:
        """An account as an admin leaves it: staff, groups, fields, and credentials for the integration."""
        care = self.add_group("Customer care")
        self.add_group("Callbacks")
        for title in _SYSTEM_FIELDS:
            field = new_ticket_field(self.state, {"type": title, "title": title.capitalize()})
            self.state.ticket_fields[field["id"]] = {**field, "removable": False}
        for title, kind in _FIELDS:
            self.add_ticket_field(title, kind)
        for key, title, kind in _USER_FIELDS:
            self.add_user_field(key, title, kind)
        integration = self._staff("admin", "Ringback", INTEGRATION_EMAIL, care["id"])
        self.access.add_client(OAuthClient(CLIENT_ID, CLIENT_SECRET, integration["id"]))
        self.access.add_api_token(API_TOKEN, INTEGRATION_EMAIL)
        return integration, self._staff("agent", "Anna de Vries", AGENT_EMAIL, care["id"])

    def _staff(self, role: str, name: str, email: str, group: int) -> Json:
        user = new_user(self.state, role, name, email) | {"default_group_id": group}
        self.state.users[user["id"]] = user
        return user

    def add_group(self, name: str) -> Json:
        group = new_group(self.state, name)
        self.state.groups[group["id"]] = group
        return group

    def add_line(self, number: str) -> int:
        """A phone number of Talk. → its id."""
        with self.state.lock:
            line = self.state.next_id()
            self.state.lines[line] = number
        return line

    def add_organization(self, name: str, **more: Any) -> Json:
        organization = new_organization(self.state, name) | more
        given = more.get("organization_fields") or {}
        organization["organization_fields"] = dict.fromkeys(self._organization_keys()) | given
        self.state.organizations[organization["id"]] = organization
        return organization

    def _organization_keys(self) -> list[str]:
        return [each["key"] for each in self.state.organization_fields.values()]

    def add_organization_field(self, key: str, title: str, kind: str = "text") -> Json:
        return self.furniture.create(ORGANIZATION_FIELD, {"key": key, "title": title, "type": kind})

    def add_ticket_field(self, title: str, kind: str = "text", **more: Any) -> Json:
        return self.furniture.create(TICKET_FIELD, {"title": title, "type": kind, **more})

    def add_user_field(self, key: str, title: str, kind: str = "text", **more: Any) -> Json:
        return self.furniture.create(USER_FIELD, {"key": key, "title": title, "type": kind, **more})

    def add_user(self, name: str, email: str | None = None, **more: Any) -> Json:
        with self.state.lock:
            return deepcopy(
                people.create(self.state, {"name": name, "email": email, "verified": True, **more})
            )

    def merge_users(self, gone_id: int, stays_id: int) -> Json:
        """As an agent does in a user's page. → who stays. Raises 404 and 422."""
        gone, stays = people.merge(self.state, gone_id, stays_id)
        self._tell(stays, "merged", {"user": {"id": str(gone["id"])}})
        self._tell(gone, "active_changed", {"current": False, "previous": True})
        return stays

    def delete_user(self, user_id: int) -> Json:
        """They can be taken back. → the user. Raises 404."""
        user = self.state.user(user_id)
        people.remove(self.state, user)
        self._tell(user, "active_changed", {"current": False, "previous": True})
        return user

    def delete_user_for_good(self, user_id: int) -> None:
        """Raises 404."""
        self._tell(self.state.user(user_id), "deleted", {})
        del self.state.users[user_id]

    def _tell(self, user: Json, kind: str, event: Json) -> None:
        self.webhooks.publish(json.loads(json.dumps(events.user_envelope(self.state, user, kind, event))))

    def subscribe(self, endpoint: str, kinds: Sequence[str], secret: str | None, name: str | None) -> Json:
        """A webhook as an admin makes it. → the webhook, with its signing secret as ``secret``. Raises 400."""
        given = {
            "name": name or "Ringback",
            "endpoint": endpoint,
            "http_method": "POST",
            "request_format": "json",
            "status": "active",
            "subscriptions": [f"zen:event-type:{kind}" for kind in kinds],
        }
        with self.state.lock:
            webhook = self.webhooks.create(self.integration, given)
            return {**webhook, "secret": self.webhooks.rotate(webhook["id"], secret)}

    def as_agent(self, user_id: int | None = None) -> Writer:
        """An agent at the web page. Raises 404."""
        return Writer(self.state.user(user_id) if user_id else self.agent, "web", "Mozilla/5.0")

    def as_requester(self, ticket_id: int) -> Writer:
        """The ticket's customer, writing back. Raises 404."""
        return Writer(self.state.user(self.state.ticket(ticket_id)["requester_id"]), "email", "")

    def _announce(self, actor: Json, ticket: Json, happened: list[Happening]) -> None:
        for happening in happened:
            envelope = events.envelope(self.state, actor, ticket, happening)
            self.webhooks.publish(json.loads(json.dumps(envelope)))
        if happened:
            self.triggers.fire(actor, ticket, happened)
