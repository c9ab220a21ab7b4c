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
from integrations.errors import IntegrationError, Moved, Permanent, RateLimited
from integrations.protocols import CrmPerson, Json, Score, Usage, VendorUser
from integrations.salesforce import causes
from integrations.salesforce.fields import PERSON, PHONES
from integrations.salesforce.record_ids import known_as, record_id
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
    return _refusal(complaint(errors))


def refused(given: str, fields: Sequence[str], message: str = "") -> IntegrationError:
    """The error for one record, from the code, the fields and the message that Salesforce gives; nothing of the message
    but names of fields reaches the reason."""
    return _refusal(_complaint(given, message, fields))


def job_refused(told: str) -> IntegrationError | None:
    """The error of all of a bulk job, from its ``errorMessage`` ("InvalidBatch : Field name not found : X"); None when
    another job may end well."""
    code, _, message = told.partition(":")
    code = word(code.strip())
    return None if causes.job_passes(code, message) else _refusal(_complaint(code, message, ()), "job")


def _refusal(found: Complaint, what: str = "record") -> IntegrationError:
    code = word(found.code) or "UNKNOWN"
    cause = f" ({found.cause})" if found.cause else ""
    remedy = f"; {found.remedy}" if found.remedy else ""
    reason = f"Salesforce refused the {what}: {code}{cause}{_named(found.fields)}{remedy}"
    kind = causes.KINDS.get(found.cause) or causes.KINDS.get(code) or (Moved if found.moved else Permanent)
    error = RateLimited(reason, retry_after=None, code=code) if kind is RateLimited else kind(reason, code=code)
    error.fields = found.fields
    return error


def complaint(body: Any) -> Complaint:
    """Read ``[{"errorCode" | "statusCode", "message", "fields"}]``, or OAuth's ``{"error"}``."""
    first = body[0] if isinstance(body, list) and body else body
    if not isinstance(first, Mapping):
        return Complaint()
    code = first.get("errorCode") or first.get("statusCode") or first.get("error") or ""
    fields = first.get("fields")
    return _complaint(str(code), str(first.get("message") or ""), fields if isinstance(fields, list) else ())


def _complaint(code: str, message: str, fields: Sequence[Any]) -> Complaint:
    """A passing cause has no remedy: time mends it."""
    cause, moved = causes.passing(code, message), causes.moved(code, message)
    remedy = "" if cause else causes.remedy(code, message)
    return Complaint(code, causes.fields_in(message, fields), cause, remedy, moved)


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
        id=str(record["Id"]), email=record.get("Email"), name=record.get("Name"),
        phone=next((number for name in PHONES["Contact"] if (number := record.get(name))), None),
    )  # fmt: skip


def person(record: Mapping[str, Any], kind: str) -> CrmPerson:
    """A contact, or a lead; one that was converted lives on as the contact it became."""
    heir = record.get("MasterRecordId") or (record.get("ConvertedContactId") if record.get("IsConverted") else None)
    return CrmPerson(
        record=known_as(str(record["Id"])),
        kind=kind,
        account=known_as(str(record.get("AccountId") or "")),
        merged_into=known_as(str(heir or "")),
        gone=record.get("IsDeleted") is True and not heir,
        email=str(record.get("Email") or ""),
        opted_out=_told(record, "HasOptedOutOfEmail"),
        do_not_call=_told(record, "DoNotCall"),
    )


def _told(record: Mapping[str, Any], name: str) -> bool | None:
    value = record.get(name)
    return value if isinstance(value, bool) else None


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


DIALECT = Dialect(
    vendor="Salesforce",
    complaint=complaint,
    kinds=causes.KINDS,
    limits=limits,
    rolls_back=True,  # a request is one transaction: UNKNOWN_EXCEPTION rolls all of it back
    stale=stale,
)
