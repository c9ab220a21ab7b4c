"""Contacts and leads by phone number, many numbers a query. Salesforce keeps numbers as people wrote them, so a query
finds what may be the number, and whoever asks compares.

Sources: SOQL and SOSL Reference, "Comparison Operators" (LIKE); phonenumbers, "national significant number".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

import phonenumbers
from simple_salesforce.format import format_soql

from integrations.errors import Found
from integrations.protocols import VendorUser
from integrations.salesforce.fields import PHONES
from integrations.salesforce.rest import Rest
from integrations.salesforce.search import many
from integrations.salesforce.seen_fields import SeenFields

_AT_ONCE = 50  # numbers a query: each is looked for in all fields, whatever stands between its digits

# Names of ours; values come by format_soql.
_QUERIES: Mapping[str, str] = {
    "Contact": "SELECT Id, Name, Email, {names} FROM Contact WHERE {where} LIMIT {most}",
    "Lead": "SELECT Id, Name, Email, {names} FROM Lead WHERE IsConverted = false AND ({where}) LIMIT {most}",
}


def find(rest: Rest, numbers: Sequence[str], *, leads: bool, seen: SeenFields) -> Sequence[Found[VendorUser]]:
    """For each number (E.164), in order, those whose number has its digits in a row, whatever stands between them: a
    person appears once for each of their numbers that does; or why it could not be asked for. ``leads``: the open leads
    too, where no contact has it."""
    wanted = [_national(each) for each in numbers]
    found = _asked("Contact", rest, wanted, seen)
    if leads:
        found |= _asked("Lead", rest, [each for each in wanted if found[each] == []], seen)
    return [found[each] for each in wanted]


def _national(number: str) -> str:
    return phonenumbers.national_significant_number(phonenumbers.parse(number))


def _asked(kind: str, rest: Rest, wanted: Sequence[str], seen: SeenFields) -> dict[str, Found[VendorUser]]:
    """By the digits asked for."""
    names = PHONES[kind]
    parts = many.fitting(list(dict.fromkeys(wanted)), _AT_ONCE, lambda digits: len(quote(_condition(names, digits))))
    found: dict[str, Found[VendorUser]] = {}
    for part, rows in many.asked(parts, lambda part, most: _rows(kind, rest, part, most, seen)):
        told = {each: rows if isinstance(rows, Exception) else list(_users(rows, names, each)) for each in part}
        found |= told
    return found


def _rows(kind: str, rest: Rest, part: Sequence[str], most: int, seen: SeenFields) -> many.Rows:
    def selected(names: Sequence[str]) -> many.Rows:
        return rest.query(_query(kind, names, part, most)) if names else []

    return seen.ask(kind, PHONES[kind], selected)


def _query(kind: str, names: Sequence[str], part: Sequence[str], most: int) -> str:
    where = " OR ".join(_condition(names, digits) for digits in part)
    return _QUERIES[kind].format(names=", ".join(names), where=where, most=most)


def _condition(names: Sequence[str], digits: str) -> str:
    shape = "%" + "%".join(digits) + "%"
    return " OR ".join(format_soql(f"{name} LIKE {{}}", shape) for name in names)


def _users(rows: many.Rows, names: Sequence[str], digits: str) -> Iterator[VendorUser]:
    for row in rows:
        for phone in dict.fromkeys(row.get(name) for name in names):
            if isinstance(phone, str) and digits in "".join(char for char in phone if char.isdigit()):
                yield VendorUser(str(row["Id"]), row.get("Email"), row.get("Name"), phone)
