"""The outside of the tour: looking at the stand-ins, and doing there what people do, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.demo.cast import Person
from connector.demo.http import call
from connector.demo.values import Customer, Json, Places

_SHOWN = ("NPS_Score__c", "NPS_Band__c", "NPS_Comment__c")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail in the stand-in's mail box. ``key`` is that of the effect that sent it."""

    number: int
    at: datetime
    sender: str
    to: str
    subject: str
    text: str
    has_html: bool
    key: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of the helpdesk to deliver a webhook, and what we replied."""

    invocation: str
    at: datetime
    status: int
    reply: str


@dataclass(frozen=True, slots=True)
class Sight:
    """The outside at one moment. ``salesforce`` and ``zendesk`` are the customer's scores by vendor field."""

    tickets: Mapping[int, Json]
    comments: Mapping[int, tuple[Json, ...]]
    salesforce: Json
    zendesk: Json
    letters: tuple[Letter, ...]
    attempts: tuple[Attempt, ...]
    is_down: bool


class Outside:
    """``repeat`` delivers a webhook once more, by its invocation id; False: there is none of that id."""

    def __init__(self, places: Places, repeat: Callable[[str], bool]) -> None:
        self.places, self.repeat = places, repeat

    def write_in(self, who: Person) -> int:
        """The customer writes to support. → the ticket's number."""
        letter = {"name": who.name, "email": who.email, "subject": who.subject, "body": who.question}
        return int(self._post(f"{self.places.zendesk}/sandbox/tickets", letter)["ticket"]["id"])

    def solve(self, ticket: int, comment: str) -> None:
        """The agent solves a ticket, with an internal note."""
        self._post(f"{self.places.zendesk}/sandbox/tickets/{ticket}/solve", {"comment": comment})

    def break_zendesk(self) -> None:
        """From now on the helpdesk's API answers 503, until ``mend_zendesk``."""
        fault = {"path": "^/api/", "status": 503, "times": 10_000, "body": {"error": "ServiceUnavailable"}}
        self._post(f"{self.places.zendesk}/sandbox/faults", fault)

    def mend_zendesk(self) -> None:
        call("DELETE", f"{self.places.zendesk}/sandbox/faults")

    def look(self, customer: Customer) -> Sight:
        """What a visitor would see there now."""
        desk = self._get(f"{self.places.zendesk}/sandbox/state")
        sales = self._get(f"{self.places.salesforce}/sandbox/state")
        user: Json = next((each for each in desk["users"] if str(each["id"]) == customer.user_id), {})
        contact: Json = next((each for each in sales["Contact"] if each["Id"] == customer.contact_id), {})
        return Sight(
            tickets={each["id"]: each for each in desk["tickets"]},
            comments={int(number): tuple(said) for number, said in desk["comments"].items()},
            salesforce={name: contact.get(name) for name in _SHOWN},
            zendesk=user.get("user_fields", {}),
            letters=(*self._letters(customer.who.email), *self._letters(self.places.care)),
            attempts=self._attempts(),
            is_down=bool(self._get(f"{self.places.zendesk}/sandbox/faults")["faults"]),
        )

    def _letters(self, address: str) -> tuple[Letter, ...]:
        found = call("GET", f"{self.places.mail}/sandbox/mails", params={"to": address})
        return tuple(_letter(each, address) for each in found.json()["mails"])

    def _attempts(self) -> tuple[Attempt, ...]:
        found = self._get(f"{self.places.zendesk}/sandbox/deliveries")["deliveries"]
        return tuple(
            Attempt(each["invocation"], datetime.fromisoformat(each["at"]), each["status"], each["reply"])
            for each in found
        )

    def _get(self, address: str) -> Any:
        return call("GET", address).json()

    def _post(self, address: str, given: Json) -> Any:
        return call("POST", address, json=given).json()


def _letter(mail: Json, address: str) -> Letter:
    headers = {name.lower(): value for name, value in mail["headers"]}
    return Letter(
        number=mail["number"],
        at=datetime.fromisoformat(mail["at"]),
        sender=headers.get("from", ""),
        to=address,
        subject=mail["subject"],
        text=mail["text"],
        has_html=bool(mail["html"]),
        key=headers.get("message-id", "").strip("<> ").partition("@")[0],
    )
