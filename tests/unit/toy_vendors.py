"""A helpdesk and a CRM that nobody sells, each as a newcomer would write it: a client, a reader of webhooks, a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connector.feedback.customers.record_ids import IdForm
from connector.vendors.base import Vendor
from integrations.base_url import Address
from integrations.error_mapping import Dialect
from integrations.errors import Found
from integrations.http import VendorSession
from integrations.kind import Kind
from integrations.option_fields import Checked, ConnectionOptions
from integrations.protocols import CrmRecords, ItemResult, Json, Score, Usage, VendorUser
from webhooks import replies
from webhooks.delivery import Account, Delivery, Reply, Request, Source, Translation
from webhooks.errors import Refused
from webhooks.parsing import json_object
from workflows.events import Event, Person


class ToyOptions(ConnectionOptions):
    base_url = Checked(Address.parse)


class ToySource:
    """Tells of solved tickets and changed people; its secret stands in the path."""

    def of(self, content_type: str) -> Source:
        return self

    def verify(self, request: Request, account: Account) -> Delivery:
        if request.token not in account.secrets:
            raise Refused("not from there", status=401)
        told = json_object(request.body)
        return Delivery(account.connection, str(told["id"]), request.received_at, "application/json", {}, request.body)

    def translate(self, delivery: Delivery, account: Account) -> Translation:
        told = json_object(delivery.body)
        person = Person(email=told["email"], name=told["name"], ids={account.connection: told["user"]})
        data = {"ticket": f"{account.connection}:{told['ticket']}", "ticket_id": told["ticket"], "subject": "Toys"}
        happened = delivery.received_at
        return Translation((Event(delivery.key, "ticket.solved", happened, account.connection, data, person),))

    def answer(self, stored: bool) -> Reply:
        return replies.accepted(stored)

    def refuse(self, error: Exception) -> Reply:
        return replies.refusal(error)


class ToyDesk:
    """A ``Helpdesk`` over HTTP."""

    takes_phone, pictures = True, None

    def __init__(self, session: VendorSession) -> None:
        self.session = session

    def render_ticket(self, ticket: Json) -> Json:
        return {"about": ticket["subject"], "words": ticket.get("body", ""), "mark": ticket.get("external_id")}

    def pages(self, text: str) -> Sequence[str]:
        return (text,)

    def ticket_url(self, ticket_id: str) -> str:
        return f"{self.session.address.url}/tickets/{ticket_id}"

    def open_ticket(self, body: Json, *, key: str, newcomer: Json | None = None) -> Json:
        made = self.session.post("/tickets", json={**body, "newcomer": newcomer}).json()
        return {"ticket_id": made["id"], "url": self.ticket_url(made["id"]), "requester_id": "U-1", "ignored": []}

    def find_ticket(self, external_id: str) -> Json | None:
        return None

    def update_ticket(self, ticket_id: str, changes: Json, *, key: str, repeated: bool) -> Json:
        return {"ticket_id": ticket_id}

    def read_ticket(self, ticket_id: str) -> Json | None:
        return {"ticket_id": ticket_id, "status": "solved", "tags": [], "merged": False, "custom_fields": {}}

    def request_call(self, phone: str, line: str, group: str | None) -> None: ...

    def get_user(self, user_id: str) -> VendorUser | None:
        return VendorUser(user_id, email="ann@example.com", name="Ann Jansen", locale="en")

    def find_users(self, email: str) -> Sequence[VendorUser]:
        return ()

    def me(self) -> VendorUser:
        return VendorUser(str(self.session.get("/me").json()["id"]))


class ToyCrm:
    """A ``Crm`` over HTTP that keeps the newest score."""

    reserve = 0.0

    def __init__(self, session: VendorSession) -> None:
        self.session = session

    @property
    def pictures(self) -> CrmRecords | None:
        return None

    def canonical_id(self, record: str) -> str:
        return _canonical(record) or record

    def write_scores(self, scores: Sequence[Score]) -> Sequence[ItemResult]:
        self.session.post("/scores", json=[{"record": each.record, "score": each.score} for each in scores])
        return [ItemResult(each.record) for each in scores]

    def contacts_by_email(self, emails: Sequence[str]) -> Sequence[Found[VendorUser]]:
        known: Mapping[str, list[str]] = self.session.post("/contacts", json=list(emails)).json()
        return [[VendorUser(id_, email=email) for id_ in known.get(email, ())] for email in emails]

    def people_by_phone(self, numbers: Sequence[str]) -> Sequence[Found[VendorUser]]:
        return [() for _ in numbers]

    def get_contact(self, contact_id: str) -> VendorUser | None:
        return None

    def usage(self) -> Usage:
        return Usage(5, 1000)

    def hidden(self) -> Sequence[str]:
        return ("Score",)

    def me(self) -> VendorUser:
        return VendorUser(str(self.session.get("/me").json()["id"]))


def _canonical(value: str) -> str | None:
    """C-0007 and c-7 are one record."""
    letter, _, number = value.partition("-")
    return f"{letter.upper()}-{int(number)}" if number.isdigit() else None


def _session(given: Mapping[str, Any]) -> VendorSession:
    return VendorSession(given["base_url"], Dialect("Toys"))




DESK = Vendor(
    kind="toydesk", title="Toy Desk", source=ToySource(), identity_field="toydesk_user_id",
    id_form=IdForm(_canonical),
    client=Kind(schema=ToyOptions, make=lambda given, _: ToyDesk(_session(given)), helpdesk=lambda client: client),
)  # fmt: skip
CRM = Vendor(
    kind="toycrm", title="Toy CRM", id_form=IdForm(_canonical), identity_field="toycrm_contact_id",
    client=Kind(schema=ToyOptions, make=lambda given, _: ToyCrm(_session(given)), crm=lambda client: client),
)  # fmt: skip
