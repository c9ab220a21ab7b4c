"""Neutral values ⇄ Salesforce's JSON, and how Salesforce refuses. Pure.

Sources: Salesforce's REST API guide ("sObject Collections", "Status codes and error responses",
"Limit Info header") and answers recorded from real orgs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from types import MappingProxyType
from typing import Any, TypeVar

import requests

from integrations.error_mapping import Complaint, Dialect, Limit, word
from integrations.errors import AuthFailed, IntegrationError, Permanent, RateLimited, Transient
from integrations.protocols import CrmPerson, Json, Score, Usage, VendorUser
from integrations.salesforce.fields import PERSON
from integrations.salesforce.record_ids import record_id
from integrations.scores import FieldMap, ScoreFields, written

BATCH = 200  # records a call (sObject Collections)
LEAD = "00Q"  # how the ids of leads begin
T = TypeVar("T")

DEFAULT_FIELDS: FieldMap = MappingProxyType(
    {
        "nps": ScoreFields(
            score=PERSON.score, band=PERSON.band, answered_at=PERSON.answered_at, comment=PERSON.comment
        )
    }
)

KINDS: Mapping[str, type[IntegrationError]] = {
    "UNABLE_TO_LOCK_ROW": Transient,
    "SERVER_UNAVAILABLE": Transient,
    "REQUEST_LIMIT_EXCEEDED": RateLimited,  # the org's whole day; no Retry-After comes with it
    "INVALID_SESSION_ID": AuthFailed,
}
"""Codes that say more than their status. All others are Permanent, with the code."""

_REMEDIES: Mapping[str, str] = {
    "INVALID_FIELD": "the field does not exist, or our user may not see it: check its field-level security",
    "INSUFFICIENT_ACCESS": "our user may not write this record: check the permission set and sharing",
    "API_DISABLED_FOR_ORG": "the org's edition or our user's profile has no API access",
    "ENTITY_IS_DELETED": "the record was deleted or merged: find the customer's record again",
    "NOT_FOUND": "the record is gone: find the customer's record again",
    "INVALID_CROSS_REFERENCE_KEY": "the record is gone or hidden from our user",
    "STRING_TOO_LONG": "make the field longer, or leave it out of the connection's fields",
}

_COLUMN = re.compile(r"No such column '(\w+)'")
_USAGE = re.compile(r"(?:^|[;,\s])api-usage=(\d+)/(\d+)")


@dataclass(frozen=True, slots=True)
class Row:
    """What to write onto one record: all scores for it, merged; ``places`` are their places in the request."""

    record: str
    group: str
    values: Json
    places: tuple[int, ...] = field(default=())


def rows(scores: Sequence[Score], fields: FieldMap) -> tuple[tuple[Row, ...], dict[int, IntegrationError]]:
    """One row per record, those of one group side by side, and the scores that cannot be written, by place.

    Salesforce refuses the same record twice in a call, so its scores are merged; the newest answer wins.
    """
    merged: dict[str, Row] = {}
    wrong: dict[int, IntegrationError] = {}
    for place, score in sorted(enumerate(scores), key=lambda each: each[1].answered_at):
        try:
            record = record_id("record", score.record)
            values = written(score, fields)
        except IntegrationError as error:
            wrong[place] = error
            continue
        before = merged.get(record[:15], Row(record, "", {}))  # 15 and 18 characters name the same record
        merged[record[:15]] = Row(record, score.group, {**before.values, **values}, (*before.places, place))
    return tuple(sorted(merged.values(), key=attrgetter("group"))), wrong


def batch(part: Sequence[Row], sobject: str) -> Json:
    """The body of ``PATCH /composite/sobjects``."""
    records = [{"attributes": {"type": sobject}, "id": row.record, **row.values} for row in part]
    return {"allOrNone": False, "records": records}


def item_error(result: Any) -> IntegrationError | None:
    """What became of one record of a batch: None when it was written."""
    if isinstance(result, Mapping) and result.get("success") is True:
        return None
    errors = result.get("errors") if isinstance(result, Mapping) else None
    found = complaint(errors)
    return refused(found.code, found.fields)


def refused(given: str, fields: Sequence[str]) -> IntegrationError:
    """The error for one record, from the code and the fields that Salesforce names."""
    code = word(given) or "UNKNOWN"
    reason = f"Salesforce refused the record: {code}{_named(fields)}{_remedy(code)}"
    kind = KINDS.get(code, Permanent)
    return RateLimited(reason, retry_after=None, code=code) if kind is RateLimited else kind(reason, code=code)


def complaint(body: Any) -> Complaint:
    """Read ``[{"errorCode" | "statusCode", "message", "fields"}]``, or OAuth's ``{"error"}``."""
    first = body[0] if isinstance(body, list) and body else body
    if not isinstance(first, Mapping):
        return Complaint()
    code = first.get("errorCode") or first.get("statusCode") or first.get("error") or ""
    fields = first.get("fields")
    # An unknown column is named in the message only.
    named = fields if isinstance(fields, list) and fields else _COLUMN.findall(str(first.get("message")))
    return Complaint(str(code), tuple(map(str, named)))


def limits(headers: Mapping[str, str]) -> tuple[Limit, ...]:
    """The org's API calls of the last 24 hours, from ``Sforce-Limit-Info: api-usage=18/5000``."""
    found = _USAGE.search(headers.get("Sforce-Limit-Info", ""))
    if not found:
        return ()
    used, total = int(found[1]), int(found[2])
    return (Limit("api-usage", total, max(0, total - used)),)


def stale(response: requests.Response) -> bool:
    """401 by the REST API, but 403 "Bad_OAuth_Token" by the OAuth endpoints such as userinfo."""
    return response.status_code == 401 or (
        response.status_code == 403 and response.content.startswith(b"Bad_OAuth_Token")
    )


def contact(record: Mapping[str, Any]) -> VendorUser:
    return VendorUser(
        id=str(record["Id"]), email=record.get("Email"), name=record.get("Name"), phone=record.get("Phone")
    )


def person(record: Mapping[str, Any], kind: str) -> CrmPerson:
    """A contact, or a lead; one that was converted lives on as the contact it became."""
    heir = record.get("MasterRecordId") or (record.get("ConvertedContactId") if record.get("IsConverted") else None)
    return CrmPerson(
        record=str(record["Id"]),
        kind=kind,
        account=str(record.get("AccountId") or ""),
        merged_into=str(heir or ""),
        gone=record.get("IsDeleted") is True and not heir,
        email=str(record.get("Email") or ""),
        opted_out=record.get("HasOptedOutOfEmail") is True,
        do_not_call=record.get("DoNotCall") is True,
    )


def usage(limits_: Any) -> Usage:
    """From the limits resource."""
    calls = limits_["DailyApiRequests"]
    return Usage(int(calls["Max"]) - int(calls["Remaining"]), int(calls["Max"]))


def as_many(answer: Any, count: int) -> list[Any]:
    """The results, one per record sent: they are told apart by their order alone."""
    if not isinstance(answer, list) or len(answer) != count:
        raise ValueError(f"{count} results were due")
    return answer


def chunks(items: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _named(fields: Sequence[str]) -> str:
    names = ", ".join(filter(None, map(word, fields)))
    return f" (fields: {names})" if names else ""


def _remedy(code: str) -> str:
    return next((f"; {remedy}" for start, remedy in _REMEDIES.items() if code.startswith(start)), "")


DIALECT = Dialect(
    vendor="Salesforce",
    complaint=complaint,
    kinds=KINDS,
    limits=limits,
    rolls_back=True,  # a request is one transaction: UNKNOWN_EXCEPTION rolls all of it back
    stale=stale,
)
