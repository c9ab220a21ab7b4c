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
from integrations.salesforce.rest import Rest

_FIELDS = ("MobilePhone", "Phone")  # of contacts and leads alike

# Names of ours; values come by format_soql.
_CONTACTS = "SELECT Id, Name, Email, MobilePhone, Phone FROM Contact WHERE {where} LIMIT 50"
_LEADS = "SELECT Id, Name, Email, MobilePhone, Phone FROM Lead WHERE IsConverted = false AND ({where}) LIMIT 50"


def find(rest: Rest, number: str, *, leads: bool) -> Sequence[VendorUser]:
    """Those whose number has the digits of ``number`` (E.164) in a row, whatever stands between them: a person appears
    once for each of their numbers that does. ``leads``: the open leads too, where no contact has it."""
    digits = phonenumbers.national_significant_number(phonenumbers.parse(number))
    found = list(_users(rest.query(_asked(_CONTACTS, digits)), digits))
    if leads and not found:
        found = list(_users(rest.query(_asked(_LEADS, digits)), digits))
    return found


def _asked(query: str, digits: str) -> str:
    shape = "%" + "%".join(digits) + "%"
    where = " OR ".join(format_soql(f"{name} LIKE {{}}", shape) for name in _FIELDS)
    return query.format(where=where)


def _users(rows: Sequence[Mapping[str, Any]], digits: str) -> Iterator[VendorUser]:
    for row in rows:
        for phone in dict.fromkeys(row.get(name) for name in _FIELDS):
            if phone and digits in "".join(char for char in phone if char.isdigit()):
                yield VendorUser(str(row["Id"]), row.get("Email"), row.get("Name"), phone)
