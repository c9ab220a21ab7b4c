"""What a seller sees of the customer's voice on a record: the section that a record page gets, drawn our own way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.salesforce.org import Org

Record = Mapping[str, Any]

ANSWERS = "Ringback_Response__c"
_TRENDS = {"rising": "▲", "falling": "▼", "steady": "▶", "first answer": "●"}
_VOICE = ("NPS_", "Account_NPS", "Loyalty_Quadrant", "Loop_Status")


@dataclass(frozen=True, slots=True)
class Voice:
    """The section. ``answers`` are the related list, newest first; ``people`` those of an account with a score."""

    score: Any
    band: str
    answered_at: Any
    comment: str
    facts: Sequence[tuple[str, Any]]
    answers: Sequence[Record]
    people: Sequence[Record]
    tasks: Sequence[Record]


def voice(org: Org, kind: str, row: Record) -> Voice:
    """Of a contact, a lead or an account."""
    trend = row.get("NPS_Trend__c")
    facts = {
        "Trend": f"{_TRENDS.get(str(trend), '')} {trend}" if trend else None,
        "Loyalty": row.get("Loyalty_Quadrant__c"),
        "Answers": row.get("NPS_Responses__c") or row.get("Account_NPS_Responses__c"),
        "Loop": row.get("Loop_Status__c") or row.get("NPS_Loop_Status__c"),
    }
    shown = [(name, value) for name, value in facts.items() if value is not None]
    score = row.get("Account_NPS__c") if kind == "Account" else row.get("NPS_Score__c")
    return Voice(
        score, str(row.get("NPS_Band__c") or ""), row.get("NPS_Date__c"), str(row.get("NPS_Comment__c") or ""), shown,
        _answers(org, kind, row["Id"]), _people(org, row["Id"]) if kind == "Account" else (), _tasks(org, row["Id"]),
    )  # fmt: skip


def belongs(name: str) -> bool:
    """Whether a field is shown in the section, and not among the details."""
    return name.startswith(_VOICE)


def _answers(org: Org, kind: str, record_id: str) -> list[Record]:
    if ANSWERS not in org.records.objects:
        return []
    lookup = {"Contact": "Contact__c", "Lead": "Lead__c"}.get(kind, "Account__c")
    found = [answer for answer in org.records.all(ANSWERS) if answer.get(lookup) == record_id]
    return sorted(found, key=lambda answer: str(answer.get("Answered_At__c")), reverse=True)


def _people(org: Org, account_id: str) -> list[Record]:
    mine = [row for row in org.records.all("Contact") if row.get("AccountId") == account_id]
    scored = [row for row in mine if row.get("NPS_Score__c") is not None]
    return sorted(scored, key=lambda row: float(row["NPS_Score__c"]))


def _tasks(org: Org, record_id: str) -> list[Record]:
    about = [row for row in org.records.all("Task") if record_id in (row["WhoId"], row["WhatId"])]
    return [row for row in about if row["Status"] != "Completed"]
