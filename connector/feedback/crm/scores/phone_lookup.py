"""The record of a customer whom a CRM knows by no id and no e-mail address of theirs: by their phone number.

Weaker evidence, so a record is the customer's only if nobody else has the number and the whole name agrees, and neither
has an e-mail address that the other contradicts. What is merely possible is left to a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from connector.feedback.customers import matching
from connector.feedback.customers.identity import HOME
from connector.feedback.customers.matching import KnownPerson, MatchVerdict
from connector.feedback.customers.phone_numbers import Number, region_of, trait
from connector.feedback.customers.phone_origins import Origin, origin_of
from integrations import mailboxes
from integrations.errors import Found, IntegrationError
from integrations.protocols import VendorUser


class Directory(Protocol):
    """Where people are looked up; what a ``Crm`` has of it."""

    def people_by_phone(self, numbers: Sequence[str]) -> Sequence[Found[VendorUser]]: ...


def wish(customer: Mapping[str, Any], country: str = HOME) -> dict[str, str]:
    """What is asked about a customer (``view``): their name, and their number if it is one."""
    number = trait(customer.get("phone"), origin_of(customer, country))
    return {"name": str(customer.get("name") or ""), "phone": number.text} if number else {}


def find(
    crm: Directory, requests: Sequence[Mapping[str, Any]], country: str = HOME
) -> Sequence[MatchVerdict | IntegrationError]:
    """Whose record each customer's is (``same``), or may be, by the ``wish`` in their request; in order. Raises what
    concerns all of them."""
    numbers = [trait(request.get("phone"), country) for request in requests]
    asked = list(dict.fromkeys(number.text for number in numbers if number))
    found = dict(zip(asked, crm.people_by_phone(asked), strict=True)) if asked else {}
    return [
        _verdict(request, number, found[number.text], country) if number else MatchVerdict()
        for request, number in zip(requests, numbers, strict=True)
    ]


def _verdict(
    request: Mapping[str, Any], number: Number, found: Found[VendorUser], country: str
) -> MatchVerdict | IntegrationError:
    if isinstance(found, IntegrationError):
        return found
    region = region_of(number)
    origin = Origin(country, (region,) if region and region != country else ())  # theirs is written as at home, too
    holders = {each.id: _person(each) for each in found if trait(each.phone, origin) == number}
    who = KnownPerson("", request.get("name"), _ids(request.get("email"), customer="us"))
    return matching.match(who, list(holders.values()), personal=number.personal)


def _person(user: VendorUser) -> KnownPerson:
    return KnownPerson(user.id, user.name, _ids(user.email, record=user.id))


def _ids(email: str | None, **own: str) -> dict[str, str]:
    """Nobody here is only a voice on the phone: both sides have a record."""
    return {**own, "email": mailboxes.normal(email)} if email else own
