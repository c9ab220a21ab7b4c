"""Contacts by e-mail address, many addresses a query. Salesforce compares them without regard to case."""

from __future__ import annotations

from collections.abc import Sequence

from simple_salesforce.format import format_soql

from integrations import mailboxes
from integrations.errors import Found
from integrations.protocols import VendorUser
from integrations.salesforce import mapping
from integrations.salesforce.fields import PHONES
from integrations.salesforce.rest import Rest
from integrations.salesforce.search import many
from integrations.salesforce.seen_fields import SeenFields

_CONTACTS = "SELECT {names} FROM Contact WHERE Email {how} {{}} LIMIT {most}"
_KNOWN_BY = ("Id", "Name", "Email")
_OF_ONE = 50  # more contacts with one address are a matter for a person anyway


def of_one(rest: Rest, email: str, seen: SeenFields) -> Sequence[VendorUser]:
    """The contacts with exactly this address, as Salesforce compares it."""
    ways = mailboxes.spellings(email.strip())

    def selected(phones: Sequence[str]) -> Sequence[VendorUser]:
        return tuple(map(mapping.contact, rest.query(_query(ways, _OF_ONE, phones))))

    return seen.ask("Contact", PHONES["Contact"], selected)


def find(rest: Rest, emails: Sequence[str], seen: SeenFields) -> Sequence[Found[VendorUser]]:
    """For each address, in order, the contacts that have it in one of its spellings, or why it could not be asked
    for."""
    wanted = [mailboxes.normal(each) for each in emails]
    ways = [way for each in dict.fromkeys(wanted) if many.is_address(each) for way in mailboxes.spellings(each)]
    found: dict[str, Found[VendorUser]] = {}
    for part, rows in many.asked(many.fitting(ways), lambda part, most: _rows(rest, part, most, seen)):
        for email, told in _told(part, rows).items():
            before = found.get(email, ())
            found[email] = told if isinstance(told, Exception) or isinstance(before, Exception) else [*before, *told]
    return [found.get(each, ()) for each in wanted]


def _told(part: Sequence[str], rows: many.Rows | Exception) -> dict[str, Found[VendorUser]]:
    if isinstance(rows, Exception):
        return {mailboxes.normal(each): rows for each in part}  # type: ignore[misc]  # an error of ``many.asked``
    return dict(_by_address(rows))


def _rows(rest: Rest, part: Sequence[str], most: int, seen: SeenFields) -> many.Rows:
    return seen.ask("Contact", PHONES["Contact"], lambda phones: rest.query(_query(part, most, phones)))


def _query(part: Sequence[str], most: int, phones: Sequence[str]) -> str:
    names = ", ".join((*_KNOWN_BY, *phones))
    how, value = ("=", part[0]) if len(part) == 1 else ("IN", list(part))
    return str(format_soql(_CONTACTS.format(names=names, how=how, most=most), value))


def _by_address(rows: many.Rows) -> dict[str, list[VendorUser]]:
    same: dict[str, list[VendorUser]] = {}
    for row in rows:
        same.setdefault(mailboxes.normal(str(row["Email"])), []).append(mapping.contact(row))
    return same
