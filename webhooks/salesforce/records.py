"""A Salesforce record as somebody told us of it: an outbound message, a Flow's callout, or our own look for gaps.

Outbound messages give every value as text without a type. We turn "true" and "false" into booleans, and a text into a
number only when it is written exactly as Salesforce writes a double ("9.0", "1.2E7"): "208230", "0612345678" and "1.10"
stay text, because they may be an account number, a phone number and a version. Dates stay ISO 8601 text. JSON has types
of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from webhooks.parsing import text_or_none
from webhooks.timestamps import moment
from workflows.events import Person

PEOPLE: Mapping[str, str] = {"Contact": "", "Lead": "/lead"}
"""The sObjects that are a person themselves, and what their ids' system is called beyond the connection's name: a
lead's id must never be taken for a contact's."""

_PREFIXES: Mapping[str, str] = {"Contact": "003", "Lead": "00Q"}

_SAME_WRITE = timedelta(seconds=2)
"""The moments of one write (closed at, last modified at) lie closer together than this."""

_EMAILS = ("Email", "PersonEmail", "ContactEmail", "SuppliedEmail")
_PHONES = (
    "MobilePhone", "PersonMobilePhone", "Phone", "HomePhone", "PersonHomePhone", "OtherPhone", "PersonOtherPhone",
    "ContactMobile", "ContactPhone", "SuppliedPhone", "PreferredPhone",
)  # fmt: skip
"""Where a record tells a person's number, of a person account, too; an assistant's is not theirs."""
_EMAIL_LENGTH = 320  # characters, 64 before the @ and 255 after

_DOUBLE = re.compile(r"-?(0|[1-9][0-9]{0,15})\.(0|[0-9]{0,16}[1-9])(E-?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class RecordNotification:
    """One record's state. ``id`` names the telling, ``kind`` is the sObject ("Contact", "IO__Order__c").

    ``fields`` holds values; what is null or was not selected may be absent. ``trouble`` says why it is broken.
    """

    id: str
    kind: str
    fields: Mapping[str, Any]
    trouble: str = ""

    @property
    def record_id(self) -> str:
        return str(self.fields["Id"])

    def text(self, name: str) -> str | None:
        """A field's text; None when it is empty, absent or no text."""
        return text_or_none(self.fields.get(name))

    def moment(self, name: str) -> datetime | None:
        try:
            return moment(self.fields.get(name))
        except ValueError:
            return None

    @property
    def changed_at(self) -> datetime | None:
        """When the record last changed, if that was selected."""
        return self.moment("LastModifiedDate") or self.moment("SystemModstamp")

    def is_own(self, user: str | None, happened: datetime | None = None) -> bool:
        """Whether ``user`` (us) wrote it. What ``happened`` before that write was somebody else's doing, even where our
        write is the record's latest."""
        modifier = self.text("LastModifiedById")
        if not user or not modifier or modifier[:15] != user[:15]:
            return False
        return happened is None or self.changed_at is None or happened > self.changed_at - _SAME_WRITE


def looks_like_id(value: object) -> bool:
    """15 or 18 letters and digits; both name the same record."""
    return isinstance(value, str) and len(value) in (15, 18) and value.isascii() and value.isalnum()


def person_of(telling: RecordNotification, connection: str, lookups: Mapping[str, str]) -> Person | None:
    """Who the record is about. A contact or lead is the person; another record points at one, or carries what they
    supplied. ``lookups`` names the fields that say so: contact, lead, email, name, phone."""
    own = telling.kind in PEOPLE
    ids = {f"{connection}{suffix}": id_ for kind, suffix in PEOPLE.items() if (id_ := _id_of(telling, kind, lookups))}
    person = Person(
        email=next(filter(_may_be_address, _texts(telling, lookups.get("email"), *_EMAILS)), None),
        name=_name(telling) if own else _first(telling, lookups.get("name"), "SuppliedName"),
        phone=_first(telling, lookups.get("phone"), *_PHONES),
        ids=ids,
    )
    return person if person.ids or person.email or person.phone else None


def _id_of(telling: RecordNotification, kind: str, lookups: Mapping[str, str]) -> str | None:
    if telling.kind == kind:
        return telling.record_id
    if telling.kind == "ContactRequest":  # one field for both
        who = telling.text("WhoId")
        return who if looks_like_id(who) and str(who).startswith(_PREFIXES[kind]) else None
    pointer = "ConvertedContactId" if telling.kind == "Lead" else lookups.get(kind.lower()) or f"{kind}Id"
    found = telling.text(pointer) or (telling.text("PersonContactId") if kind == "Contact" else None)
    return found if looks_like_id(found) else None


def _name(telling: RecordNotification) -> str | None:
    parts = [telling.text(part) for part in ("FirstName", "LastName")]
    return " ".join(part for part in parts if part) or _first(telling, "Name")


def _first(telling: RecordNotification, *names: str | None) -> str | None:
    return next(_texts(telling, *names), None)


def _texts(telling: RecordNotification, *names: str | None) -> Iterator[str]:
    return (text for name in names if name and (text := telling.text(name)))


def _may_be_address(text: str) -> bool:
    """What is longer than an address can be, or has lost a character on its way, is nobody's."""
    return len(text) <= _EMAIL_LENGTH and "\ufffd" not in text


def typed(text: str | None) -> Any:
    """The value of a text in an outbound message."""
    if text in ("true", "false"):
        return text == "true"
    return text if text is None or not _is_double(text) else float(text)


def _is_double(text: str) -> bool:
    """Whether the text is what Salesforce prints for a double: in its form, finite, and nothing lost on the way."""
    return _DOUBLE.fullmatch(text) is not None and Decimal(repr(float(text))) == Decimal(text)


_CONSENT = {"opted_out": "HasOptedOutOfEmail", "do_not_call": "DoNotCall"}


def consent_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a person's record says they allow, in neutral words: {record: its one name, opted_out, do_not_call}; of the
    two only what is told. {} when neither is."""
    told = {name: fields.get(field) for name, field in _CONSENT.items()}
    given = {name: value for name, value in told.items() if isinstance(value, bool)}
    return {"record": str(fields.get("Id") or "")[:15], **given} if given else {}
