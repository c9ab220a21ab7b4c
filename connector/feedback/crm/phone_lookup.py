"""The record of a customer whom a CRM knows by no id and no e-mail address of theirs: by their phone number.

Weaker evidence, so a record is the customer's only if nobody else has the number and the whole name agrees, and neither
has an e-mail address that the other contradicts. What is merely possible is left to a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from connector.feedback.customers import matching
from connector.feedback.customers.identity import HOME
from connector.feedback.customers.matching import KnownPerson, MatchVerdict
from connector.feedback.customers.phone_numbers import region_of, trait
from connector.feedback.customers.phone_origins import Origin, origin_of
from integrations import mailboxes
from integrations.protocols import VendorUser


class Directory(Protocol):
    """Where people are looked up; what a ``Crm`` has of it."""

    def find_by_phone(self, number: str) -> Iterable[VendorUser]: ...


def wish(customer: Mapping[str, Any], country: str = HOME) -> dict[str, str]:
    """What is asked about a customer (``view``): their name, and their number if it is one."""
    number = trait(customer.get("phone"), origin_of(customer, country))
    return {"name": str(customer.get("name") or ""), "phone": number.text} if number else {}


def find(crm: Directory, request: Mapping[str, Any], country: str = HOME) -> MatchVerdict:
    """Whose record it is (``same``), or may be, by the ``wish`` in a request. Raises IntegrationError."""
    number = trait(request.get("phone"), country)
    if number is None:
        return MatchVerdict()
    region = region_of(number)
    origin = Origin(country, (region,) if region and region != country else ())  # theirs is written as at home, too
    told = (each for each in crm.find_by_phone(number.text) if trait(each.phone, origin) == number)
    holders = {each.id: KnownPerson(each.id, each.name, _ids(each.email, record=each.id)) for each in told}
    who = KnownPerson("", request.get("name"), _ids(request.get("email"), customer="us"))
    return matching.match(who, list(holders.values()), personal=number.personal)


def _ids(email: str | None, **own: str) -> dict[str, str]:
    """Nobody here is only a voice on the phone: both sides have a record."""
    return {**own, "email": mailboxes.normal(email)} if email else own
