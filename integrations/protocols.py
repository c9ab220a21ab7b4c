"""What can be asked of a vendor. A new vendor implements one of these and gets its actions for nothing.

All methods may raise the errors of ``errors.py``. Requests and results are plain JSON values, because they are
stored before and after the call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VendorUser:
    """A person as the vendor knows them. ``id`` is the vendor's own."""

    id: str
    email: str | None = None
    name: str | None = None
    phone: str | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """One score to write onto one record. ``record`` is the vendor's id of the contact or user."""

    record: str
    metric: str
    score: int
    band: str
    answered_at: datetime
    comment: str = ""
    loop_status: str = ""
    group: str = ""  # records of one group (a Salesforce account) are never written side by side


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one item of a batch: ``error`` is None when it was written."""

    record: str
    error: Exception | None = None


class Helpdesk(Protocol):
    """Zendesk and its like. Ticket ids are the vendor's, as strings."""

    def render_ticket(self, ticket: Json) -> Json:
        """Turn neutral ticket fields into the vendor's request body. Pure: the same fields, the same body."""
        ...

    def pages(self, text: str) -> Sequence[str]:
        """The text in pieces that one comment each can hold; together they are the whole text. Pure."""
        ...

    def ticket_url(self, ticket_id: str) -> str:
        """Where agents read the ticket."""
        ...

    def open_ticket(self, body: Json, *, key: str) -> Json:
        """Create the ticket that ``render_ticket`` made, under an idempotency key. → {ticket_id, url, requester_id,
        ignored: ids of fields that are not there}"""
        ...

    def find_ticket(self, external_id: str) -> Json | None:
        """The ticket with our external id, if it exists: what ``open_ticket`` would have answered."""
        ...

    def update_ticket(self, ticket_id: str, changes: Json, *, key: str, repeated: bool) -> Json:
        """Apply neutral changes (status, priority, group, assignee, tags to add, remove_tags, custom_fields, comment,
        public).

        ``repeated``: an earlier try may have happened; a comment is looked for by its mark before it is
        written again.
        """
        ...

    def read_ticket(self, ticket_id: str) -> Json | None:
        """How the ticket stands now; None when it is gone. → {ticket_id, subject, requester_id, status, tags, merged,
        custom_fields: id → value, reopens: how often a solved ticket was opened again, solved_at}; the last two are
        None where the vendor does not count."""
        ...

    def request_call(self, phone: str, line: str, group: str | None) -> None:
        """Put a phone number (E.164) into the vendor's queue of callbacks, to be called from the line ``line``."""
        ...

    def get_user(self, user_id: str) -> VendorUser | None: ...

    def find_users(self, email: str) -> Sequence[VendorUser]: ...

    def add_user(self, email: str, name: str) -> str | None:
        """Make a user without a mail to them. → their id; None when the address is in use after all."""
        ...

    def write_score(self, score: Score) -> None:
        """Write the score into the user's fields."""
        ...

    def me(self) -> VendorUser:
        """The user we act as; its own writes come back as webhooks and are dropped."""
        ...


class Crm(Protocol):
    """Salesforce and its like."""

    def write_scores(self, scores: Sequence[Score]) -> Sequence[ItemResult]:
        """Write up to 200 scores in as few calls as the vendor allows; one result per score, in order.

        An error of the whole call is raised; a refused record is only in its result.
        """
        ...

    def find_contacts(self, email: str) -> Sequence[VendorUser]: ...

    def get_contact(self, contact_id: str) -> VendorUser | None: ...

    def me(self) -> VendorUser: ...


class Sales(Protocol):
    """What sales works with in a CRM: accounts, their owners, tasks on records."""

    def account_of(self, record: str) -> Json | None:
        """The account of a contact: {contact, account, account_name, value, owner, owner_name, owner_email}."""
        ...

    def render_task(self, task: Json) -> Json:
        """Turn neutral task fields into the vendor's request body. Pure."""
        ...

    def create_task(self, body: Json, *, key: str, repeated: bool) -> Json:
        """Create the task that ``render_task`` made. ``repeated``: an earlier try may have; it is looked for by its
        mark. → {task, url}, or {} when it was there."""
        ...


@dataclass(frozen=True, slots=True)
class Mail:
    """A whole e-mail, ready to go. ``headers`` holds List-Unsubscribe and the like; ``message_id`` is stable."""

    to: str
    subject: str
    text: str
    html: str = ""
    message_id: str = ""
    headers: Mapping[str, str] | None = None
    to_name: str = ""


class Messenger(Protocol):
    """E-mail now; SMS and chat later."""

    def send(self, mail: Mail) -> None:
        """Hand the mail over. Ambiguous when the connection broke after the content was sent."""
        ...

    def greet(self) -> None:
        """Connect, log in and hang up: whether mail could be handed over."""
        ...


class Alerter(Protocol):
    """Tells a team through their chat tool."""

    def alert(self, targets: Sequence[str], title: str, text: str) -> None: ...
