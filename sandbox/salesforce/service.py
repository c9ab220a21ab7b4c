"""The objects of service and sales beside people: cases, their comments, tasks, opportunities, orders, users.

What Salesforce works out by itself when such a record is written is here, too.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sandbox.salesforce.schema import Field, SObject, fields_of

Record = dict[str, Any]

CLOSED, WON = "Closed", "Closed Won"
_NUMBERS: Iterator[int] = itertools.count(1026)


def objects() -> tuple[SObject, ...]:
    return (_case(), _contact_request(), _case_comment(), _task(), _user(), _opportunity(), _order())


def derive(kind: str, row: Record, by: str, now: datetime) -> None:
    """What follows from a write, in the record itself."""
    if kind == "Case":
        _derive_case(row, now)
    elif kind == "Opportunity":
        closed, won = str(row["StageName"]).startswith("Closed"), row["StageName"] == WON
        if (row["IsClosed"], row["IsWon"]) != (closed, won):
            row["LastStageChangeDate"] = now
        row["IsClosed"], row["IsWon"] = closed, won
    elif kind == "Task" and not row["OwnerId"]:
        row["OwnerId"] = by


def _derive_case(row: Record, now: datetime) -> None:
    row["Status"] = row["Status"] or "New"
    row["CaseNumber"] = row["CaseNumber"] or f"{next(_NUMBERS):08d}"
    closed = row["Status"] == CLOSED
    if closed != row["IsClosed"]:
        row["IsClosed"], row["ClosedDate"] = closed, now if closed else None


def _case() -> SObject:
    return SObject("Case", "500", fields_of(
        Field("CaseNumber", length=30, writable=False),
        Field("Subject"),
        Field("Description", "textarea", 32000),
        Field("Status"),
        Field("Priority"),
        Field("Origin"),
        Field("Reason"),
        Field("ContactId", "reference", 18),
        Field("AccountId", "reference", 18),
        Field("RecordTypeId", "reference", 18),
        Field("SuppliedEmail", "email", 80),
        Field("SuppliedName", length=80),
        Field("SuppliedPhone", length=40),
        Field("ContactEmail", "email", 80, writable=False),
        Field("ContactPhone", "phone", 40, writable=False),
        Field("ContactMobile", "phone", 40, writable=False),
        Field("IsClosed", "boolean", writable=False),
        Field("IsEscalated", "boolean"),
        Field("ClosedDate", "datetime", writable=False),
        Field("Ringback_Key__c", length=80, key=True, unique=True),
        Field("Ringback_Tags__c"),
        Field("Ringback_Due_At__c", "datetime"),
    ))  # fmt: skip


def _contact_request() -> SObject:
    return SObject("ContactRequest", "0Yu", fields_of(
        Field("Name", length=255, writable=False),
        Field("WhoId", "reference", 18),
        Field("WhatId", "reference", 18),
        Field("PreferredPhone", "phone", 40),
        Field("PreferredChannel", length=40),
        Field("RequestReason", length=40),
        Field("RequestDescription", "textarea", 32000),
        Field("Status", length=40),
        Field("IsCallback", "boolean"),
        Field("Ringback_Key__c", length=80, key=True, unique=True),
        Field("Ringback_Tags__c"),
        Field("Ringback_Due_At__c", "datetime"),
    ))  # fmt: skip


def _case_comment() -> SObject:
    return SObject("CaseComment", "00a", fields_of(
        Field("ParentId", "reference", 18, required=True),
        Field("CommentBody", "textarea", 4000),
        Field("IsPublished", "boolean"),
    ))  # fmt: skip


def _task() -> SObject:
    return SObject("Task", "00T", fields_of(
        Field("Subject"),
        Field("Description", "textarea", 32000),
        Field("Status"),
        Field("Priority"),
        Field("ActivityDate", "date"),
        Field("WhoId", "reference", 18),
        Field("WhatId", "reference", 18),
    ))  # fmt: skip


def _user() -> SObject:
    return SObject("User", "005", fields_of(
        Field("Name", length=121),
        Field("Email", "email", 80),
        Field("Username", length=80),
        Field("IsActive", "boolean"),
    ))  # fmt: skip


def _opportunity() -> SObject:
    return SObject("Opportunity", "006", fields_of(
        Field("Name", length=120, required=True),
        Field("StageName", required=True),
        Field("Amount", "double"),
        Field("CloseDate", "date"),
        Field("AccountId", "reference", 18),
        Field("ContactId", "reference", 18),
        Field("IsClosed", "boolean", writable=False),
        Field("IsWon", "boolean", writable=False),
        Field("LastStageChangeDate", "datetime", writable=False),
    ))  # fmt: skip


def _order() -> SObject:
    return SObject("Order", "801", fields_of(
        Field("OrderNumber", length=30),
        Field("Status", required=True),
        Field("AccountId", "reference", 18),
        Field("BillToContactId", "reference", 18),
        Field("TotalAmount", "double"),
    ))  # fmt: skip
