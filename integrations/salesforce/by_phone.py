"""Contacts and leads by phone number. Salesforce keeps numbers as people wrote them, so a query finds what may be the
number, and whoever asks compares.

Sources: SOQL and SOSL Reference, "Comparison Operators" (LIKE); phonenumbers, "national significant number".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import phonenumbers
from simple_salesforce.format import format_soql

from integrations.protocols import VendorUser
from integrations.salesforce.fields import PHONES
from integrations.salesforce.rest import Rest
from integrations.salesforce.seen_fields import SeenFields

# Names of ours; values come by format_soql.
_QUERIES: Mapping[str, str] = {
    "Contact": "SELECT Id, Name, Email, {names} FROM Contact WHERE {where} LIMIT 50",
    "Lead": "SELECT Id, Name, Email, {names} FROM Lead WHERE IsConverted = false AND ({where}) LIMIT 50",
}


def find(rest: Rest, number: str, *, leads: bool, seen: SeenFields) -> Sequence[VendorUser]:
    """Those whose number has the digits of ``number`` (E.164) in a row, whatever stands between them: a person appears
    once for each of their numbers that does. ``leads``: the open leads too, where no contact has it."""
    digits = phonenumbers.national_significant_number(phonenumbers.parse(number))
    found = _of("Contact", rest, digits, seen)
    return found or (_of("Lead", rest, digits, seen) if leads else [])


def _of(kind: str, rest: Rest, digits: str, seen: SeenFields) -> list[VendorUser]:
    def asked(names: Sequence[str]) -> list[VendorUser]:
        return list(_users(rest.query(_query(kind, names, digits)), names, digits)) if names else []

    return seen.ask(kind, PHONES[kind], asked)


def _query(kind: str, names: Sequence[str], digits: str) -> str:
    shape = "%" + "%".join(digits) + "%"
    where = " OR ".join(format_soql(f"{name} LIKE {{}}", shape) for name in names)
    return _QUERIES[kind].format(names=", ".join(names), where=where)


def _users(rows: Sequence[Mapping[str, Any]], names: Sequence[str], digits: str) -> Iterator[VendorUser]:
    for row in rows:
        for phone in dict.fromkeys(row.get(name) for name in names):
            if isinstance(phone, str) and digits in "".join(char for char in phone if char.isdigit()):
                yield VendorUser(str(row["Id"]), row.get("Email"), row.get("Name"), phone)
