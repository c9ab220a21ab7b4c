"""Zendesk as a helpdesk: zenpy for what it reads well, our own session for what must go out byte for byte."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from zenpy import Zenpy
from zenpy.lib.api_objects import Ticket
from zenpy.lib.exception import ZenpyException

from integrations.errors import Ambiguous, AuthFailed, IntegrationError, Permanent, Transient
from integrations.http import VendorSession
from integrations.protocols import Json, Score, VendorUser
from integrations.scores import FieldMap
from integrations.zendesk import mapping

# Zenpy builds its own https address from these two; ".invalid" can exist nowhere (RFC 2606), so a request that
# slipped past the session's rewriting would reach nobody.
_SUBDOMAIN, _DOMAIN = "account", "zendesk.invalid"
ALIASES = frozenset({f"{_SUBDOMAIN}.{_DOMAIN}"})

# It logs whole requests and answers at DEBUG, and with them what customers wrote.
logging.getLogger("zenpy").setLevel(logging.INFO)


class ZendeskHelpdesk:
    """A ``Helpdesk``. ``session`` must have been built with ``ALIASES``. Threads may share it."""

    def __init__(self, session: VendorSession, fields: FieldMap = mapping.DEFAULT_FIELDS) -> None:
        self._session, self._fields = session, fields
        self._of_thread = threading.local()

    @property
    def session(self) -> VendorSession:
        """For what it has observed of the account's limits, and for what is asked of Zendesk alone."""
        return self._session

    @property
    def fields(self) -> FieldMap:
        """The user fields that hold scores, by metric."""
        return self._fields

    def render_ticket(self, ticket: Json) -> Json:
        return mapping.render_ticket(ticket)

    def open_ticket(self, body: Json, *, key: str) -> Json:
        """``POST /api/v2/tickets`` with ``Idempotency-Key``; Zendesk remembers a key for two hours.

        By our session, not by zenpy: zenpy drops the key and writes the body anew, and the same key with
        other bytes is an error (Permanent).
        """
        data = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
        with self._session.idempotent(key):
            answer = self._session.post(
                "/api/v2/tickets", data=data, headers={"Content-Type": "application/json"}
            )
        with _understood(wrote=True):
            return self._opened(answer.json()["ticket"]["id"])

    def find_ticket(self, external_id: str) -> Json | None:
        """The oldest one, if there are several: ids are given out in order, and ours came first."""
        with _understood():
            # Zenpy pastes values into the query as they are.
            tickets = self._zenpy.tickets(external_id=quote(external_id, safe=""))
            ids = [ticket.id for ticket in tickets if ticket.external_id == external_id]
            return self._opened(min(ids)) if ids else None

    def update_ticket(self, ticket_id: str, changes: Json, *, key: str, repeated: bool) -> Json:
        """``PUT /api/v2/tickets/{id}/tags`` and ``PUT /api/v2/tickets/{id}``.

        A closed ticket is Permanent with the code "closed".
        """
        number, update = mapping.numeric_id("ticket", ticket_id), mapping.render_update(changes, key)
        if update.tags:
            with _understood(wrote=True):
                self._zenpy.tickets.add_tags(number, list(update.tags))
        fresh = not (update.comment and repeated and self._has_mark(number, key))
        fields = {**update.fields, **(update.comment if fresh else {})}
        if fields:
            with _understood(wrote=True):
                self._zenpy.tickets.update(Ticket(id=number, **fields))
        return self._opened(number)

    def get_user(self, user_id: str) -> VendorUser | None:
        try:
            with _understood():
                user = self._zenpy.users(id=mapping.numeric_id("user", user_id)).to_dict()
                return mapping.vendor_user(user) if _is_active(user) else None
        except IntegrationError as error:
            if error.status == 404:
                return None
            raise

    def find_users(self, email: str) -> Sequence[VendorUser]:
        """Active users with exactly this address: Zendesk's search also finds parts of words."""
        wanted = email.strip().casefold()
        query = 'email:"{}"'.format(wanted.replace('"', ""))
        with _understood():
            users = [user.to_dict() for user in self._zenpy.users.search(query=query)]
            exact = [user for user in users if str(user.get("email") or "").casefold() == wanted]
            return tuple(mapping.vendor_user(user) for user in exact if _is_active(user))

    def write_score(self, score: Score) -> None:
        """``PUT /api/v2/users/{id}``, by our session: zenpy would send the name along and undo a renaming.

        Zendesk says nothing of fields it does not know, so a missing one is looked for in its answer: Permanent.
        """
        number = mapping.numeric_id("user", score.record)
        body = mapping.render_score(score, self._fields)
        answer = self._session.put(f"/api/v2/users/{number}", json=body)
        with _understood(wrote=True):
            missing = mapping.missing_fields(body, answer.json())
        if missing:
            names = ", ".join(missing)
            raise Permanent(f"Zendesk has no user fields {names}; create them, or correct fields", code="no_fields")

    def me(self) -> VendorUser:
        with _understood():
            user = self._zenpy.users.me().to_dict()
            if not user["id"]:  # to wrong credentials Zendesk may answer 200 with an anonymous user
                raise AuthFailed("Zendesk takes us for an anonymous user; check auth in the connection's settings")
            return mapping.vendor_user(user)

    @property
    def _zenpy(self) -> Any:
        """One client per thread: it keeps the object that it is sending in itself."""
        if not hasattr(self._of_thread, "client"):
            self._of_thread.client = Zenpy(
                domain=_DOMAIN, subdomain=_SUBDOMAIN, session=self._session, anonymous=True, disable_cache=True
            )
        return self._of_thread.client

    def _has_mark(self, ticket: int, key: str) -> bool:
        with _understood():
            return any(mapping.marked(audit.to_dict(), key) for audit in self._zenpy.tickets.audits(ticket, include=""))

    def _opened(self, ticket: int) -> Json:
        return {"ticket_id": str(ticket), "url": f"{self._session.address.url}/agent/tickets/{ticket}"}


def _is_active(user: Json) -> bool:
    """Deleted users are still answered, as inactive."""
    return user.get("active") is not False


@contextmanager
def _understood(*, wrote: bool = False) -> Iterator[None]:
    """Translate what goes wrong while a success is read; refusals were translated by the session."""
    try:
        yield
    except (ZenpyException, LookupError, TypeError, ValueError, AttributeError) as error:
        kind = Ambiguous if wrote else Transient
        raise kind(f"Zendesk's answer cannot be read: {type(error).__name__}", code="unreadable") from error
