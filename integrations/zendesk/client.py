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

from integrations import mailboxes
from integrations.errors import Ambiguous, AuthFailed, IntegrationError, Permanent, Transient
from integrations.http import VendorSession
from integrations.protocols import Json, VendorUser
from integrations.scores import FieldMap
from integrations.zendesk import mapping, paging, reading, texts
from integrations.zendesk.records import OrganizationFields, ZendeskRecords
from integrations.zendesk.refusal_reasons import explained

# Zenpy builds its own https address from these two; ".invalid" can exist nowhere (RFC 2606), so a request that
# slipped past the session's rewriting would reach nobody.
_SUBDOMAIN, _DOMAIN = "account", "zendesk.invalid"
ALIASES = frozenset({f"{_SUBDOMAIN}.{_DOMAIN}"})

_MOST_INTRODUCED = 10_000
_MOST_HEIRS = 5  # users whose further addresses are looked at

# It logs whole requests and answers at DEBUG, and with them what customers wrote.
logging.getLogger("zenpy").setLevel(logging.INFO)


class ZendeskHelpdesk:
    """A ``Helpdesk``. ``session`` must have been built with ``ALIASES``. Threads may share it."""

    takes_phone = False  # the first comment tells the number

    def __init__(
        self,
        session: VendorSession,
        fields: FieldMap = mapping.DEFAULT_FIELDS,
        organizations: OrganizationFields | None = None,
        loyalty: str = mapping.LOYALTY_FIELD,
    ) -> None:
        self._session, self._fields, self._loyalty = session, fields, loyalty
        self._has_told_author = False
        self._of_thread = threading.local()
        self._introduced: set[str] = set()  # the keys of tickets that are asked for again, and need no other user
        self._pictures = ZendeskRecords(session, fields, organizations, _understood, self.find_users, loyalty)

    @property
    def session(self) -> VendorSession:
        """For what it has observed of the account's limits, and for what is asked of Zendesk alone."""
        return self._session

    @property
    def fields(self) -> FieldMap:
        """The user fields that hold scores, by metric."""
        return self._fields

    @property
    def loyalty(self) -> str:
        """The user field that holds the loyalty quadrant; "" for none."""
        return self._loyalty

    @property
    def pictures(self) -> ZendeskRecords:
        return self._pictures

    def render_ticket(self, ticket: Json) -> Json:
        return mapping.render_ticket(ticket)

    def open_ticket(self, body: Json, *, key: str, newcomer: Json | None = None) -> Json:
        """``POST /api/v2/tickets`` with ``Idempotency-Key``; Zendesk remembers a key for two hours. A ``newcomer`` is
        made a user before; the ticket's bytes stay the same and name the address, by which Zendesk finds them.

        By our session, not by zenpy: zenpy drops the key and writes the body anew, and the same key with
        other bytes is an error (Permanent).
        """
        if newcomer is not None and key not in self._introduced:
            self._introduce(newcomer["email"], newcomer["name"])
            self._remember(key)
        with self._session.idempotent(key), explained(body["ticket"]):
            answer = self._post("/api/v2/tickets", body)
        self._introduced.discard(key)
        with _understood(wrote=True):
            ticket = answer.json()["ticket"]
            return {**self._opened(ticket["id"]), **reading.kept(ticket, body["ticket"])}

    def _introduce(self, email: str, name: str) -> None:
        """``POST /api/v2/users`` with ``skip_verify_email``: were the user made along with a ticket, Zendesk might
        welcome them with a mail. (``create_or_update`` would rename a user who has this as a second address.) Nobody is
        looked for before: that costs strangers a request, and spares the others none.

        Whether a user was made needs no finding out: making them again does no harm. So it leaves no doubt about the
        ticket, which was not asked for yet."""
        user = {"email": email, "name": texts.defused(name), "role": "end-user", "skip_verify_email": True}
        try:
            self._post("/api/v2/users", {"user": user})
        except Ambiguous as error:
            raise Transient(error.reason, code=error.code, status=error.status) from None
        except Permanent as error:
            if error.status != 422:  # in use: Zendesk knows them, by this or by their first address
                raise

    def _remember(self, key: str) -> None:
        if len(self._introduced) >= _MOST_INTRODUCED:  # of tickets that were given up
            self._introduced.clear()
        self._introduced.add(key)

    def _post(self, path: str, body: Json) -> Any:
        """The same bytes for the same body, at every try."""
        data = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
        return self._session.post(path, data=data, headers={"Content-Type": "application/json"})

    def pages(self, text: str) -> Sequence[str]:
        return texts.pages(text, mapping.PAGE_LIMIT)

    def ticket_url(self, ticket_id: str) -> str:
        return f"{self._session.address.url}/agent/tickets/{ticket_id}"

    def read_ticket(self, ticket_id: str) -> Json | None:
        """``GET /api/v2/tickets/{id}`` with its metrics. A deleted ticket is answered with 404."""
        number = mapping.numeric_id("ticket", ticket_id)
        try:
            answer = self._session.get(f"/api/v2/tickets/{number}", params={"include": "metric_sets"})
        except Permanent as error:
            if error.status == 404:
                return None
            raise
        with _understood():
            return reading.ticket(answer.json()["ticket"])

    def request_call(self, phone: str, line: str, group: str | None) -> None:
        """``POST /api/v2/channels/voice/callback_requests``; needs Talk."""
        request: dict[str, Any] = {
            "phone_number_id": mapping.numeric_id("line", line), "requester_phone_number": phone,
        }  # fmt: skip
        if group:
            request["group_ids"] = [mapping.numeric_id("group", group)]
        self._session.post("/api/v2/channels/voice/callback_requests", json={"callback_request": request})

    def find_ticket(self, external_id: str) -> Json | None:
        """The oldest one, if there are several: ids are given out in order, and ours came first."""
        with _understood():
            # Zenpy pastes values into the query as they are.
            tickets = self._zenpy.tickets(external_id=quote(external_id, safe=""))
            ours = [ticket.to_dict() for ticket in tickets if ticket.external_id == external_id]
            first = min(ours, key=lambda ticket: int(ticket["id"]), default=None)
            return {**self._opened(first["id"]), **reading.kept(first, {})} if first else None

    def update_ticket(self, ticket_id: str, changes: Json, *, key: str, repeated: bool) -> Json:
        """``PUT`` and ``DELETE /api/v2/tickets/{id}/tags``, and ``PUT /api/v2/tickets/{id}``.

        A closed ticket is Permanent with the code "closed". The first comment tells whom we act as (``acted_as``): its
        audit bears our mark, and names its author.
        """
        number, update = mapping.numeric_id("ticket", ticket_id), mapping.render_update(changes, key)
        if update.tags:
            with _understood(wrote=True):
                self._zenpy.tickets.add_tags(number, list(update.tags))
        if update.without:
            with _understood(wrote=True):
                self._zenpy.tickets.delete_tags(number, list(update.without))
        fresh = not (update.comment and repeated and self._has_mark(number, key))
        fields = {**update.fields, **(update.comment if fresh else {})}
        if not fields:
            return self._opened(number)
        with explained(fields), _understood(wrote=True):
            written = self._zenpy.tickets.update(Ticket(id=number, **fields))
        return {**self._opened(number), **self._author(getattr(written, "audit", None), key)}

    def _author(self, audit: Any, key: str) -> Json:
        if self._has_told_author or audit is None:
            return {}
        told = audit if isinstance(audit, dict) else audit.to_dict()
        author = told.get("author_id") if mapping.marked(told, key) else None
        self._has_told_author = author is not None
        return {"acted_as": str(author)} if author is not None else {}

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
        """Active users with exactly this address, as their first one or, where nobody has it as that, as a further one:
        a merge leaves it so. Zendesk's search also finds parts of words."""
        wanted = mailboxes.normal(email)
        with _understood():
            users = {user["id"]: user for way in mailboxes.spellings(email) for user in self._search(way)}
            active = [user for user in users.values() if _is_active(user)]
            exact = [user for user in active if mailboxes.normal(str(user.get("email") or "")) == wanted]
            found = exact or [user for user in active[:_MOST_HEIRS] if wanted in self._addresses(user["id"])]
            return tuple(mapping.vendor_user(user) for user in found)

    def _addresses(self, user_id: Any) -> set[str]:
        """``GET /api/v2/users/{id}/identities``: all addresses of a user, each in its one spelling."""
        path = f"users/{mapping.numeric_id('user', user_id)}/identities"
        told = paging.every(self._session, path, "identities")
        return {mailboxes.normal(str(each.get("value"))) for each in told if each.get("type") == "email"}

    def _search(self, email: str) -> Iterator[Json]:
        query = 'email:"{}"'.format(email.replace('"', ""))
        return (user.to_dict() for user in self._zenpy.users.search(query=query))

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
        return {"ticket_id": str(ticket), "url": self.ticket_url(str(ticket))}


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
