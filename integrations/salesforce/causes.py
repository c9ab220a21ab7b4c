"""What a refusal of Salesforce means: a passing cause inside a lasting code, the fields, and the remedy. Pure.

A message quotes values, ids and what people wrote, so nothing of it goes on but names of fields and words that are
written here.

Sources: Salesforce's SOAP API guide ("Core Data Types Used in API Calls", StatusCode), Bulk API 2.0 guide ("Errors"),
and messages of real orgs as their users published them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from integrations.errors import AuthFailed, IntegrationError, RateLimited, Transient

KINDS: Mapping[str, type[IntegrationError]] = {
    "UNABLE_TO_LOCK_ROW": Transient,
    "QUERY_TIMEOUT": Transient,
    "REQUEST_RUNNING_TOO_LONG": Transient,
    "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE": Transient,  # somebody else wrote the record meanwhile
    "SERVER_UNAVAILABLE": Transient,
    "REQUEST_LIMIT_EXCEEDED": RateLimited,  # the org's whole day; no Retry-After comes with it
    "INVALID_SESSION_ID": AuthFailed,
}
"""Codes that say more than their status. All others are Permanent, with the code."""

_WRAPPERS = frozenset({
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    "APEX_ERROR", "UNKNOWN_EXCEPTION",
})  # fmt: skip
"""Codes under which an org's triggers and flows hand on what stopped them. Others quote values: what looks like a cause
there may be a customer's words."""

_INNER = re.compile(r"(?:first error|error occurred)\W{1,4}([A-Z][A-Z_]{4,79})\b")
"""The code inside, as Apex ("first error: X, …") and flows ("This error occurred: X: …") tell it."""

_PASSING: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("UNABLE_TO_LOCK_ROW", re.compile(
        r"\bUNABLE_TO_LOCK_ROW\b|unable to obtain exclusive access|Record Currently Unavailable|"
        r"currently being modified by another user|was modified by another user|\bdeadlock", re.IGNORECASE)),
    ("QUERY_TIMEOUT", re.compile(r"\bQUERY_TIMEOUT\b|query request was running for too long", re.IGNORECASE)),
    ("REQUEST_RUNNING_TOO_LONG", re.compile(
        r"\bREQUEST_RUNNING_TOO_LONG\b|request was running for too long|CPU time limit exceeded|"
        r"exceeded the time limit|exceeded max(?:imum)? time", re.IGNORECASE)),
    ("SERVER_UNAVAILABLE", re.compile(
        r"\bSERVER_UNAVAILABLE\b|ConcurrentPerOrgLongTxn|ConcurrentRequests|Too many lock failure", re.IGNORECASE)),
)  # fmt: skip

_PASSING_JOBS = frozenset({"ExceededQuota", "InternalServerError", "Timeout", "TooManyLockFailure", "Unknown"})
"""What a job as a whole may end with and another one need not."""

_FIELD = re.compile(r"[A-Za-z]\w{0,79}", re.ASCII)
_LOOKS_LIKE_ID = re.compile(r"(?=\w*\d)[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_NAMED: tuple[re.Pattern[str], ...] = (
    re.compile(r"No such column '(\w+)'"),
    re.compile(r"Field name not found\s*:\s*([\w.]+)"),
    re.compile(r"Unable to create/update fields?:\s*(\w+(?:\s*,\s*\w+)*)"),
    re.compile(r"Required fields are missing:\s*\[([\w\s,]+)\]"),
    re.compile(r"duplicate value found:\s*(\w+) duplicates"),
    re.compile(r"restricted picklist field:?\s*\w*\s*\((\w+)\)"),
)
"""Where a message names fields that the answer's own list leaves out."""

_TYPED = re.compile(r"not a valid value for the type\s+xsd:(\w+)|Cannot deserialize instance of (\w+) from", re.ASCII)
_NO_FIELD = re.compile(r"Field name not found")
_NO_KEY = re.compile(r"external ID field does not exist or is not accessible:\s*(\w+)", re.ASCII)

_MOVED = frozenset(
    ("ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY")
)
"""What one record of many is refused with when it was deleted or merged since we saw it."""

_HIDDEN = "the field does not exist, or our user may not see it: check its field-level security"
_REMEDIES: Mapping[str, str] = {
    "INVALID_FIELD_FOR_INSERT_UPDATE": "our user may read but not write this field: give it edit access in the "
    "permission set, and see that it is no formula",
    "INVALID_FIELD": _HIDDEN,
    "InvalidBatch": _HIDDEN,
    "INVALID_TYPE_ON_FIELD_IN_RECORD": "the field is of another type than what is written: change its type in "
    "Salesforce, or name another field in the connection's fields",
    "JSON_PARSER_ERROR": "a field is of another type than what is written: compare the connection's fields with those "
    "in Salesforce",
    "INVALID_TYPE": "the object does not exist, or our user may not see it: run ringback provision, and check the "
    "permission set",
    "NUMBER_OUTSIDE_VALID_RANGE": "the field has too few digits: give it more in Salesforce",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "the field is a picklist that lacks the value: add it, or make the "
    "field a text",
    "STRING_TOO_LONG": "make the field longer, or leave it out of the connection's fields",
    "REQUIRED_FIELD_MISSING": "the org demands this field and the record has none: fill it there, or no longer demand "
    "it",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "a validation rule or trigger of the org refused it: exempt our user there, "
    "or correct the record",
    "FIELD_FILTER_VALIDATION_EXCEPTION": "a lookup filter of the org refused it: exempt our user there",
    "FIELD_INTEGRITY_EXCEPTION": "the org's rules for this field refused the value: correct the record there",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": "a trigger of the org failed: see its Apex error mails, or exempt our user",
    "CANNOT_EXECUTE_FLOW_TRIGGER": "a flow of the org failed: see its flow error mails, or exempt our user",
    "APEX_ERROR": "a trigger of the org failed: see its Apex error mails, or exempt our user",
    "DUPLICATES_DETECTED": "a duplicate rule of the org stopped it: let our user save all the same, or merge the "
    "duplicates",
    "DUPLICATE_VALUE": "another record has this value already, and the field is unique",
    "DUPLICATE_EXTERNAL_ID": "several records have this external id: make the field unique and remove the others",
    "INVALID_EMAIL_ADDRESS": "the record holds an e-mail address that Salesforce does not take: correct it there",
    "ENTITY_IS_LOCKED": "an approval has locked the record: finish it, or let our user write during approvals",
    "STORAGE_LIMIT_EXCEEDED": "the org's data storage is full: make room or buy more",
    "INSUFFICIENT_ACCESS": "our user may not write this record: check the permission set and sharing",
    "API_DISABLED_FOR_ORG": "the org's edition or our user's profile has no API access",
    "FeatureNotEnabled": "the Bulk API is not enabled in this org, or not for our user: check API Enabled",
    "InvalidUser": "our user may not use the Bulk API: give it API Enabled",
    "ENTITY_IS_DELETED": "the record was deleted or merged: find the customer's record again",
    "NOT_FOUND": "the record is gone: find the customer's record again",
    "INVALID_CROSS_REFERENCE_KEY": "the record is gone or hidden from our user",
}


def passing(code: str, message: str) -> str:
    """The passing cause (a code of ``KINDS``) that a lasting code wraps; "" when there is none, or it lasts too."""
    if code not in _WRAPPERS:
        return ""
    told = [each for each in _INNER.findall(message) if each not in _WRAPPERS]
    if told:
        return told[0] if KINDS.get(told[0]) is Transient else ""
    return next((cause for cause, shape in _PASSING if shape.search(message)), "")


def job_passes(code: str, message: str) -> bool:
    """Whether a job that ended with this may end well another time; so it is with one that gives no code."""
    return not code or code in _PASSING_JOBS or code in KINDS or any(shape.search(message) for _, shape in _PASSING)


def fields_in(message: str, told: Iterable[object] = ()) -> tuple[str, ...]:
    """The fields that are meant: those that the answer lists, else those that the message names. Never an id."""
    listed = tuple(name for each in told if (name := _field(each)))
    return listed or tuple(dict.fromkeys(filter(None, map(_field, _names(message)))))


def _names(message: str) -> Iterable[str]:
    found = (match for shape in _NAMED for match in shape.findall(message))
    return [name.strip().rstrip(".") for match in found for name in match.split(",")]


def _field(name: object) -> str:
    text = name if isinstance(name, str) else ""
    return text if _FIELD.fullmatch(text) and not _LOOKS_LIKE_ID.fullmatch(text) else ""


def remedy(code: str, message: str = "") -> str:
    """What the admin can do about it, "" where nobody knows."""
    if typed := _TYPED.search(message):
        return (f"the field takes {typed[1] or typed[2]}, and something else is written: change its type in "
                "Salesforce, or name another field in the connection's fields")  # fmt: skip
    if key := _NO_KEY.search(message):  # said with NOT_FOUND, where no record is missing
        return f"the external id field {_field(key[1])} is meant: {_HIDDEN}"
    if code.startswith("INSUFFICIENT_ACCESS"):
        return _REMEDIES["INSUFFICIENT_ACCESS"]
    if code == "InvalidBatch" and not _NO_FIELD.search(message):
        return ""
    return _REMEDIES.get(code, "")


def moved(code: str, message: str) -> bool:
    """Whether a refusal of one record says that it is another one now, or none. (Of a whole call these codes speak of
    the address.)"""
    return code in _MOVED and not _NO_KEY.search(message)
