"""The vendors, in memory: a helpdesk, a CRM, a mail box and a chat, behind the integrations' own protocols.

They keep what the invariants ask for: every ticket that was really opened, every comment written, every mail that
left, and the order in which scores were put onto a record.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, TypeVar

from connector.feedback.base.actions import NotPossibleError
from connector.feedback.customers.record_ids import PLAIN, RecordIds
from integrations.errors import Ambiguous, Found, IntegrationError, Permanent, Transient
from integrations.messaging import Mail
from integrations.protocols import (
    AccountPicture,
    Answer,
    CrmPerson,
    CrmRow,
    ItemResult,
    PersonPicture,
    Score,
    VendorUser,
)
from integrations.roles import Role
from tests.simulation.ground import OUR_USER, SimulatedClock
from tests.simulation.weather import Weather

V = TypeVar("V")

KEYS_LIVE = timedelta(hours=2)
_ROLES = {
    "zendesk": (Role.HELPDESK, Role.TICKETS), "salesforce": (Role.CRM, Role.SALES, Role.TICKETS),
    "mail": (Role.MESSENGER,),
}  # fmt: skip


@dataclass(slots=True)
class Ticket:
    """A ticket and its life. ``solves`` counts what really happened, whoever heard of it."""

    id: str
    requester: str
    external_id: str | None = None
    status: str = "open"
    solves: int = 0
    marks: list[str] = field(default_factory=list)  # one per comment of ours

    @property
    def is_over(self) -> bool:
        return self.status in ("merged", "deleted")


@dataclass(slots=True)
class Records:
    """The score fields of records: (record, metric) → when answered, in the order of writing.

    The CRM's ids have 15 or 18 characters and name the same record; the helpdesk's are shorter.
    """

    written: dict[tuple[str, str], list[datetime]] = field(default_factory=dict)

    def write(self, score: Score) -> None:
        self.written.setdefault((score.record[:15], score.metric), []).append(score.answered_at)


class UserPictures:
    """The helpdesk's users, as records: one score at a time, as it always shows one metric."""

    bulk_above, most, gathers_for, look_after, pace, keeps_answers, finds_many = 1_000, 100, 0, 1.0, 0.0, False, False

    def __init__(
        self, weather: Weather, records: Records, find: Callable[[str], Sequence[VendorUser]]
    ) -> None:
        self._weather, self._records, self._find = weather, records, find

    def usage_seen(self) -> None:
        return None

    def portion(self, waiting: int) -> int:
        return waiting

    def keeps(self, metric: str) -> bool:
        return True

    def answer(self, answer: Answer) -> None:
        return None

    def account(self, picture: AccountPicture) -> None:
        return None

    def person(self, picture: PersonPicture) -> CrmRow:
        shown = {score.metric: score.answered_at.isoformat() for score in picture.scores}
        return CrmRow("users", picture.record, shown)

    def people(self, records: Sequence[str]) -> Sequence[CrmPerson]:
        return [CrmPerson(each, "user") for each in records]

    def people_by_email(self, emails: Sequence[str]) -> Mapping[str, Found[CrmPerson]]:
        return {email: self._found(email) for email in emails}

    def _found(self, email: str) -> Found[CrmPerson]:
        try:
            return [CrmPerson(user.id, "user", email=email) for user in self._find(email)]
        except IntegrationError as error:
            return error

    def canonical_id(self, record: str) -> str:
        return record

    def write(self, rows: Sequence[CrmRow]) -> Sequence[IntegrationError | None]:
        return [self._write(row) for row in rows]

    def _write(self, row: CrmRow) -> IntegrationError | None:
        try:
            self._weather.call("zendesk", partial(self._put, row))
        except IntegrationError as error:
            return error
        return None

    def _put(self, row: CrmRow) -> None:
        for metric, at in row.values.items():
            self._records.write(Score(row.key, metric, 0, "", datetime.fromisoformat(at)))

    def start(self, rows: Sequence[CrmRow]) -> str:
        raise AssertionError("nobody has so many rows")

    def finished(self, job: str) -> None:
        raise AssertionError("there is no job")


class Desk:
    """The helpdesk. ``changed`` hears of every change of a ticket: (ticket, envelope's type, event, actor)."""

    takes_phone = False

    def __init__(self, weather: Weather, clock: SimulatedClock, users: Sequence[VendorUser]) -> None:
        self._weather, self._clock = weather, clock
        self.users = {user.id: user for user in users}
        self.tickets: dict[str, Ticket] = {}
        self.records = Records()
        self.pictures = UserPictures(weather, self.records, self.find_users)
        self.changed: Callable[[Ticket, str, Mapping[str, Any], str], None] = lambda *_: None
        self._numbers = count(1)
        self._keys: dict[str, tuple[datetime, str, Mapping[str, Any]]] = {}

    # --- what is asked of it

    def render_ticket(self, ticket: Mapping[str, Any]) -> dict[str, Any]:
        return dict(ticket)

    def pages(self, text: str) -> Sequence[str]:
        return (text,)

    def ticket_url(self, ticket_id: str) -> str:
        return f"https://desk.example/{ticket_id}"

    def read_ticket(self, ticket_id: str) -> Mapping[str, Any] | None:
        return self._weather.call("zendesk", partial(self._read, ticket_id), writes=False)

    def _read(self, ticket_id: str) -> Mapping[str, Any] | None:
        ticket = self.tickets.get(ticket_id)
        if ticket is None or ticket.status == "deleted":
            return None
        merged = ticket.status == "merged"
        status = "closed" if merged else ticket.status
        told = {"ticket_id": ticket.id, "subject": "Call", "requester_id": ticket.requester, "status": status}
        metrics = {"reopens": None, "solved_at": None}
        return {**told, **metrics, "tags": [], "merged": merged, "custom_fields": {}}

    def open_ticket(
        self, body: Mapping[str, Any], *, key: str, newcomer: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        if newcomer is not None:
            self._introduce(newcomer)
        return self._weather.call("zendesk", partial(self._open, body, key))

    def find_ticket(self, external_id: str) -> Mapping[str, Any] | None:
        found = self._weather.call("zendesk", partial(self._marked, external_id), writes=False)
        return _answer(found[0]) if found else None

    def update_ticket(
        self, ticket_id: str, changes: Mapping[str, Any], *, key: str, repeated: bool
    ) -> Mapping[str, Any]:
        ticket = self.tickets[ticket_id]
        known = repeated and self._weather.call("zendesk", lambda: key in ticket.marks, writes=False)
        return self._weather.call("zendesk", partial(self._update, ticket, changes, "" if known else key))

    def get_user(self, user_id: str) -> VendorUser | None:
        return self._weather.call("zendesk", lambda: self.users.get(user_id), writes=False)

    def find_users(self, email: str) -> Sequence[VendorUser]:
        return self._weather.call("zendesk", lambda: _with_email(self.users, email), writes=False)

    def _introduce(self, newcomer: Mapping[str, Any]) -> None:
        """A user who may have been made is no doubt about the ticket."""
        try:
            self._weather.call("zendesk", partial(self._add_user, newcomer["email"], newcomer["name"]))
        except Ambiguous as error:
            raise Transient(error.reason) from None

    def _add_user(self, email: str, name: str) -> None:
        if not _with_email(self.users, email):
            user = VendorUser(f"8{next(self._numbers):03}", email, name)
            self.users[user.id] = user

    # --- what becomes of it

    def _open(self, body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """A key is honoured for two hours; the same key with other bytes is an error."""
        text = json.dumps(body, sort_keys=True)
        until, known, answer = self._keys.get(key, (self._clock(), "", {}))
        if known and until > self._clock():
            if known != text:
                raise Permanent("the key was used with another body", code="key_reused")
            return answer
        ticket = self.new_ticket(self._requester(body["requester"]), body["external_id"])
        self._keys[key] = (self._clock() + KEYS_LIVE, text, _answer(ticket))
        return _answer(ticket)

    def _requester(self, wanted: Mapping[str, Any]) -> str:
        if "id" in wanted:
            return str(wanted["id"])
        known = _with_email(self.users, wanted["email"])
        return known[0].id  # who is not known was made before

    def new_ticket(self, requester: str, external_id: str | None = None) -> Ticket:
        ticket = Ticket(str(next(self._numbers)), requester, external_id)
        self.tickets[ticket.id] = ticket
        self.changed(ticket, "ticket.created", {}, OUR_USER if external_id else requester)
        return ticket

    def _update(self, ticket: Ticket, changes: Mapping[str, Any], mark: str) -> Mapping[str, Any]:
        if ticket.is_over:
            raise Permanent("closed prevents ticket update", code="closed" if ticket.status == "merged" else "")
        if changes.get("status") == "open" and ticket.status == "solved":
            self.move(ticket, "open", OUR_USER)
        if changes.get("comment") and mark:
            ticket.marks.append(mark)
            self.changed(ticket, "ticket.comment_added", {"comment": {"body": "…", "is_public": False}}, OUR_USER)
        return _answer(ticket)

    def _marked(self, external_id: str) -> list[Ticket]:
        return [ticket for ticket in self.tickets.values() if ticket.external_id == external_id]

    def move(self, ticket: Ticket, status: str, actor: str) -> None:
        """Someone solves, reopens, merges or deletes a ticket."""
        before, ticket.status = ticket.status.upper(), status
        ticket.solves += status == "solved"
        if status == "merged":
            self.changed(ticket, "ticket.merged", {"target_ticket_id": "1"}, actor)
        elif status == "deleted":
            self.changed(ticket, "ticket.soft_deleted", {}, actor)
        else:
            self.changed(ticket, "ticket.status_changed", {"current": status.upper(), "previous": before}, actor)


class Contacts:
    """The CRM."""

    def __init__(self, weather: Weather, contacts: Sequence[VendorUser]) -> None:
        self._weather = weather
        self._contacts = {contact.id[:15]: contact for contact in contacts}
        self.records = Records()

    pictures = None  # it keeps the newest score on contacts, and nothing else

    def write_scores(self, scores: Sequence[Score]) -> Sequence[ItemResult]:
        return self._weather.call("salesforce", partial(self._write, scores))

    def _write(self, scores: Sequence[Score]) -> list[ItemResult]:
        for score in scores:
            self.records.write(score)
        return [ItemResult(score.record) for score in scores]

    def canonical_id(self, record: str) -> str:
        return record[:15]

    def contacts_by_email(self, emails: Sequence[str]) -> Sequence[Found[VendorUser]]:
        found = partial(_with_email, self._contacts)
        return self._weather.call("salesforce", lambda: [found(email) for email in emails], writes=False)

    def people_by_phone(self, numbers: Sequence[str]) -> Sequence[Found[VendorUser]]:
        return self._weather.call("salesforce", lambda: [[] for _ in numbers], writes=False)

    def get_contact(self, contact_id: str) -> VendorUser | None:
        return self._weather.call("salesforce", lambda: self._contacts.get(contact_id[:15]), writes=False)


class Mailbox:
    """Where mails end. ``leaving`` sees each mail before it may go wrong."""

    def __init__(self, weather: Weather) -> None:
        self._weather = weather
        self.mails: list[Mail] = []
        self.ids: Counter[str] = Counter()
        self.leaving: Callable[[Mail], None] = lambda _: None
        self.arrived: Callable[[Mail], None] = lambda _: None

    def send(self, mail: Mail) -> None:
        self.leaving(mail)
        self._weather.call("mail", partial(self._take, mail))

    def _take(self, mail: Mail) -> None:
        self.mails.append(mail)
        self.ids[mail.key] += 1
        self.arrived(mail)


class Chat:
    """A team's chat tool."""

    def __init__(self, weather: Weather) -> None:
        self._weather = weather
        self.told = 0

    def alert(self, targets: Sequence[str], title: str, text: str) -> None:
        self._weather.call("alerts", self._say)

    def _say(self) -> None:
        self.told += 1


class Vendors:
    """All of them, as the actions ask for them."""

    def __init__(
        self, weather: Weather, clock: SimulatedClock, users: Sequence[VendorUser], contacts: Sequence[VendorUser]
    ) -> None:
        self.weather = weather
        self.desk, self.contacts = Desk(weather, clock, users), Contacts(weather, contacts)
        self.mailbox, self.chat = Mailbox(weather), Chat(weather)

    def helpdesk(self, connection: str) -> Desk:
        return _only(connection, "zendesk", self.desk)

    def crm(self, connection: str) -> Contacts:
        return _only(connection, "salesforce", self.contacts)

    def messenger(self, connection: str | None) -> tuple[str, Mailbox]:
        return "mail", self.mailbox

    @property
    def ids(self) -> RecordIds:
        return PLAIN

    def has(self, connection: str, role: Role) -> bool:
        return role in _ROLES.get(connection, ())

    def having(self, *roles: Role) -> list[str]:
        return [name for name in _ROLES if any(self.has(name, role) for role in roles)]


def _only(connection: str, name: str, vendor: V) -> V:
    if connection != name:
        raise NotPossibleError(f"connection: {connection!r} is not configured as this kind.")
    return vendor


def _answer(ticket: Ticket) -> dict[str, Any]:
    return {"ticket_id": ticket.id, "url": f"https://desk.example/{ticket.id}"}


def _with_email(users: Mapping[str, VendorUser], email: str) -> list[VendorUser]:
    return [user for user in users.values() if user.email == email]
