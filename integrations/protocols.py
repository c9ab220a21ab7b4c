"""What can be asked of a vendor. A new vendor implements one of these and gets its actions for nothing.

All methods may raise the errors of ``errors.py``. Requests and results are plain JSON values, because they are
stored before and after the call.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from integrations.errors import Found, IntegrationError

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VendorUser:
    """A person as the vendor knows them. ``id`` is the vendor's own."""

    id: str
    email: str | None = None
    name: str | None = None
    phone: str | None = None
    locale: str | None = None
    time_zone: str | None = None  # by its IANA name
    suspended: bool = False  # the vendor takes nothing from them: spammers, as a rule
    staff: bool = False  # an agent or admin of the helpdesk, no customer
    alias: str | None = None  # the name that customers see of an agent, where it is another
    photo: str | None = None  # the web address of their picture
    account: str = ""  # the id of the account that they belong to; "" where the vendor does not tell it


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


@dataclass(frozen=True, slots=True)
class CrmPerson:
    """A contact or a lead as the CRM has it now. Ids are canonical (``RecordNames``)."""

    record: str
    kind: str  # contact, lead; user of a helpdesk
    account: str = ""  # an organisation, in a helpdesk
    merged_into: str = ""  # the record that lives on: the winner of a merge, the contact that a lead became
    gone: bool = False
    email: str = ""
    opted_out: bool | None = None  # of e-mail; None, here and below: nobody said
    do_not_call: bool | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, as a record of its own."""

    id: str  # ours; the record is found by it
    metric: str
    score: int
    factor: int  # -1, 0, 1
    band: str
    answered_at: datetime
    comment: str = ""
    survey: str = ""
    moment: str = ""
    ticket_link: str = ""
    loop_status: str = ""
    person: str = ""  # record of a contact or lead
    kind: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class PersonPicture:
    """What a contact or lead says of its customer: the newest score of each metric, and what all answers come to."""

    record: str
    kind: str
    scores: tuple[Score, ...]
    quadrant: str = ""
    loop_status: str = ""
    trend: str = ""
    responses: int = 0
    newest: tuple[str, ...] = ()  # our ids of the answers behind the scores


@dataclass(frozen=True, slots=True)
class AccountPicture:
    """The NPS of an account's people; ``score`` is None when nobody answered."""

    record: str
    score: float | None
    responses: int
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class CrmRow:
    """Values to write onto one record: of the id ``key``, or where the field ``by`` is ``key``."""

    object: str  # the vendor's name of this kind of record
    key: str
    values: Json
    by: str = ""

    @property
    def digest(self) -> str:
        """The same for the same values: what stands on the record already need not be written again."""
        return hashlib.sha256(json.dumps([self.object, self.values], sort_keys=True).encode()).hexdigest()[:40]


@dataclass(frozen=True, slots=True)
class Usage:
    """The calls that all integrations of an organisation made in the last 24 hours, of how many."""

    used: int
    total: int


class RecordNames(Protocol):
    def canonical_id(self, record: str) -> str:
        """The one form under which we keep an id that a vendor writes in several; no id stays as it is. Pure."""


class CrmRecords(RecordNames, Protocol):
    """What we keep on a vendor's records: of answers, people and accounts (a helpdesk's users and organisations)."""

    bulk_above: int
    """With more rows of one object than this, a job is better than calls."""
    most: int
    """How many answers are worth being taken together."""
    gathers_for: int
    """Seconds for which answers are gathered before they are written."""
    look_after: float
    """Seconds until it is worth looking at a job again."""
    pace: float
    """Seconds that must lie between two writes of the account's people; 0: as many as we like."""

    keeps_answers: bool
    """Whether each answer has a record of its own."""
    finds_many: bool
    """Whether people with many addresses are found by one call; if not, each address is a call of its own."""

    def usage_seen(self) -> Usage | None:
        """What the vendor last told this process of its daily calls, if it does that."""
        ...

    def portion(self, waiting: int) -> int:
        """How many of the waiting answers to do in one go: what it takes must fit into a lease."""
        ...

    def keeps(self, metric: str) -> bool:
        """Whether answers of this metric have a place."""
        ...

    def answer(self, answer: Answer) -> CrmRow | None:
        """Pure, as the two below. None: the connection keeps none of these."""
        ...

    def person(self, picture: PersonPicture) -> CrmRow: ...

    def account(self, picture: AccountPicture) -> CrmRow | None: ...

    def people(self, records: Sequence[str]) -> Sequence[CrmPerson]:
        """Those that exist or are in the recycle bin."""
        ...

    def people_by_email(self, emails: Sequence[str]) -> Mapping[str, Found[CrmPerson]]:
        """By address: all contacts with it, or the open leads if no contact has it."""
        ...

    def write(self, rows: Sequence[CrmRow]) -> Sequence[IntegrationError | None]:
        """Write rows of one object in as few calls as the vendor allows; what became of each, in order. An error of a
        whole call is that of its rows."""
        ...

    def start(self, rows: Sequence[CrmRow]) -> str:
        """Hand rows of one object over as a job. → its id"""
        ...

    def finished(self, job: str) -> Mapping[str, IntegrationError | None] | None:
        """What became of a job's rows, by key; None while it is at work. Raises Permanent when all of it failed."""
        ...


class Helpdesk(Protocol):
    """Zendesk and its like. Ticket ids are the vendor's, as strings."""

    takes_phone: bool
    """Whether a ticket has a place for the number to call (the neutral field ``phone``, in E.164)."""

    def render_ticket(self, ticket: Json) -> Json:
        """Turn neutral ticket fields into the vendor's request body. Pure: the same fields, the same body."""
        ...

    def pages(self, text: str) -> Sequence[str]:
        """The text in pieces that one comment each can hold; together they are the whole text. Pure."""
        ...

    def ticket_url(self, ticket_id: str) -> str:
        """Where agents read the ticket."""
        ...

    def open_ticket(self, body: Json, *, key: str, newcomer: Json | None = None) -> Json:
        """Create the ticket that ``render_ticket`` made, under an idempotency key. ``newcomer``: {email, name} of a
        requester whose user we do not know; they get no mail for it. → {ticket_id, url, requester_id, ignored: ids of
        fields that are not there}"""
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

    @property
    def pictures(self) -> CrmRecords | None:
        """Users and organisations, and what they say of their scores."""
        ...

    def get_user(self, user_id: str) -> VendorUser | None: ...

    def find_users(self, email: str) -> Sequence[VendorUser]: ...

    def me(self) -> VendorUser:
        """The user we act as; its own writes come back as webhooks and are dropped."""
        ...


class Crm(RecordNames, Protocol):
    """Salesforce and its like."""

    def write_scores(self, scores: Sequence[Score]) -> Sequence[ItemResult]:
        """Write up to 200 scores in as few calls as the vendor allows; one result per score, in order.

        An error of the whole call is raised; a refused record is only in its result.
        """
        ...

    def contacts_by_email(self, emails: Sequence[str]) -> Sequence[Found[VendorUser]]:
        """Those with each of these addresses, in order, in as few calls as the vendor allows."""

    def people_by_phone(self, numbers: Sequence[str]) -> Sequence[Found[VendorUser]]:
        """The same of those whose number may be one of these (E.164); ``phone`` as it is written there, to compare."""

    def get_contact(self, contact_id: str) -> VendorUser | None: ...

    reserve: float
    """The part (0…1) of the day's calls that we leave to others."""

    @property
    def pictures(self) -> CrmRecords | None:
        """None: this connection keeps the newest score on contacts, and nothing else."""
        ...

    def usage(self) -> Usage:
        """Ask how much of the day's calls is used."""
        ...

    def hidden(self) -> Sequence[str]:
        """Fields that we write and our user does not see or may not write, each with the reason in brackets."""
        ...

    def me(self) -> VendorUser: ...


class Sales(RecordNames, Protocol):
    """What sales works with in a CRM: accounts, their owners, tasks on records."""

    def accounts_of(self, records: Sequence[str]) -> Sequence[Json]:
        """The accounts of contacts: {contact, email, account, account_name, value, owner, owner_name, owner_email}; of
        those there are, in any order."""
        ...

    def accounts_by_email(self, emails: Sequence[str]) -> Sequence[Json]:
        """The same of all contacts with these addresses."""
        ...

    def render_task(self, task: Json) -> Json:
        """Turn neutral task fields into the vendor's request body. Pure."""
        ...

    def create_task(self, body: Json, *, key: str, repeated: bool) -> Json:
        """Create the task that ``render_task`` made. ``repeated``: an earlier try may have; it is looked for by its
        mark. → {task, url}, or {} when it was there."""
        ...
