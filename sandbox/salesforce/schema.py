"""The objects this stand-in knows and their fields: how a value is checked, kept and written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.clock import parse
from sandbox.salesforce.errors import RecordError
from sandbox.salesforce.ids import is_id, long_id

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


@dataclass(frozen=True, slots=True)
class Field:
    """``kind`` is a Salesforce type. ``key``: usable in an upsert (an external id, or the e-mail address)."""

    name: str
    kind: str = "string"
    length: int = 255
    required: bool = False
    writable: bool = True
    key: bool = False
    unique: bool = False

    @property
    def label(self) -> str:
        return self.name.removesuffix("__c").replace("_", " ")


@dataclass(frozen=True, slots=True)
class SObject:
    """A kind of record. ``prefix`` begins its ids."""

    name: str
    prefix: str
    fields: dict[str, Field]  # by lower-case name: Salesforce does not mind the case

    def field(self, name: str) -> Field | None:
        return self.fields.get(name.lower())

    def add(self, field: Field) -> None:
        self.fields[field.name.lower()] = field


def _fields(*fields: Field) -> dict[str, Field]:
    return {field.name.lower(): field for field in (*_system(), *fields)}


def fields_of(*fields: Field) -> dict[str, Field]:
    """These fields and those that every record has."""
    return _fields(*fields)


def _system() -> tuple[Field, ...]:
    moments = tuple(
        Field(name, "datetime", writable=False)
        for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp")
    )
    people = tuple(
        Field(name, "reference", 18, writable=False) for name in ("CreatedById", "LastModifiedById")
    )
    return (
        Field("Id", "id", 18, writable=False),
        *moments,
        *people,
        Field("IsDeleted", "boolean", writable=False),
        Field("MasterRecordId", "reference", 18, writable=False),
        Field("OwnerId", "reference", 18),
    )


def _loop() -> tuple[Field, ...]:
    """What the integration writes on a customer's record."""
    return (
        Field("NPS_Score__c", "double"),
        Field("NPS_Band__c", "string", 40),
        Field("NPS_Date__c", "datetime"),
        Field("NPS_Comment__c", "textarea", 32768),
        Field("NPS_Loop_Status__c", "string", 80),
        Field("External_Id__c", "string", 80, key=True, unique=True),
    )


def contact() -> SObject:
    return SObject(
        "Contact",
        "003",
        _fields(
            Field("AccountId", "reference", 18),
            Field("FirstName", length=40),
            Field("LastName", length=80, required=True),
            Field("Name", length=121, writable=False),
            Field("Email", "email", 80, key=True),
            Field("Phone", "phone", 40),
            Field("MobilePhone", "phone", 40),
            Field("HomePhone", "phone", 40),
            Field("OtherPhone", "phone", 40),
            Field("AssistantPhone", "phone", 40),
            Field("Title", length=128),
            Field("Department", length=80),
            Field("Description", "textarea", 32000),
            Field("MailingCity", length=40),
            Field("MailingCountry", length=80),
            Field("HasOptedOutOfEmail", "boolean"),
            Field("DoNotCall", "boolean"),
            Field("EmailBouncedDate", "datetime", writable=False),
            Field("LeadSource", length=255),
            Field("Birthdate", "date"),
            *_loop(),
        ),
    )


def lead() -> SObject:
    return SObject(
        "Lead",
        "00Q",
        _fields(
            Field("FirstName", length=40),
            Field("LastName", length=80, required=True),
            Field("Name", length=121, writable=False),
            Field("Company", length=255, required=True),
            Field("Email", "email", 80, key=True),
            Field("Phone", "phone", 40),
            Field("MobilePhone", "phone", 40),
            Field("HasOptedOutOfEmail", "boolean"),
            Field("DoNotCall", "boolean"),
            Field("IsConverted", "boolean"),
            Field("ConvertedContactId", "reference", 18),
            Field("ConvertedAccountId", "reference", 18),
            *_loop(),
        ),
    )


def account() -> SObject:
    return SObject(
        "Account",
        "001",
        _fields(
            Field("Name", length=255, required=True),
            Field("Phone", "phone", 40),
            Field("Website", "url", 255),
            Field("Industry", length=255),
            Field("AnnualRevenue", "double"),
            Field("Description", "textarea", 32000),
            *_loop(),
        ),
    )


def custom_object(name: str, prefix: str, *fields: Field) -> SObject:
    """An object that an admin, or a package, added."""
    return SObject(name, prefix, _fields(*fields))


def read(field: Field, value: Any) -> Any:
    """The value as it is kept. Raises RecordError when the field cannot hold it."""
    if value is None or value == "":
        return False if field.kind == "boolean" else None
    return _READERS.get(field.kind, _read_text)(field, value)


def _read_text(field: Field, value: Any) -> str:
    text = str(value)
    if len(text) > field.length:
        message = f"{field.label}: data value too large: {text} (max length={field.length})"
        raise RecordError("STRING_TOO_LONG", message, [field.name])
    return text


def _read_email(field: Field, value: Any) -> str:
    if not _EMAIL.fullmatch(str(value)):
        raise RecordError(
            "INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {value}", [field.name]
        )
    return _read_text(field, value)


def _read_number(field: Field, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _unreadable("double", value)
    return float(value)


def _read_boolean(_field: Field, value: Any) -> bool:
    if str(value).lower() not in ("true", "false"):
        raise _unreadable("boolean", value)
    return str(value).lower() == "true"


def _read_datetime(_field: Field, value: Any) -> datetime:
    try:
        if "T" not in str(value):
            raise ValueError(value)
        return parse(str(value)).astimezone(UTC)
    except ValueError:
        raise _unreadable("datetime", value) from None


def _read_date(_field: Field, value: Any) -> str:
    try:
        return datetime.strptime(str(value), "%Y-%m-%d").replace(tzinfo=UTC).date().isoformat()
    except ValueError:
        raise _unreadable("date", value) from None


def _read_reference(field: Field, value: Any) -> str:
    if not is_id(str(value)):
        raise RecordError("MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", [field.name])
    return long_id(str(value))


def _unreadable(kind: str, value: Any) -> RecordError:
    return RecordError("JSON_PARSER_ERROR", f"Cannot deserialize instance of {kind} from value {value}")


_READERS = {
    "email": _read_email,
    "double": _read_number,
    "boolean": _read_boolean,
    "datetime": _read_datetime,
    "date": _read_date,
    "reference": _read_reference,
}


def in_json(value: Any) -> Any:
    """As REST writes it: "2026-11-22T10:00:00.000+0000"."""
    return (
        f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}+0000"
        if isinstance(value, datetime)
        else value
    )


def in_xml(value: Any) -> str:
    """As outbound messages write it: "2026-11-22T10:00:00.000Z", "true", "9.0"."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z"
    return str(value).lower() if isinstance(value, bool) else str(value)
