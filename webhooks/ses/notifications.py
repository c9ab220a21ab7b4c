"""What SES tells of a mail: bounces and complaints ("Amazon SNS notification contents for Amazon SES"; event publishing
writes ``eventType`` for ``notificationType``). Fields that are not known are left alone, as Amazon asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from webhooks.errors import Unreadable
from webhooks.mail import status
from webhooks.mail.findings import Bounce, Cause, Complaint, Finding, NothingToDo, Trail
from webhooks.parsing import mapping, text_or_none

_NO_COMPLAINTS = frozenset({"not-spam", "auth-failure"})
_KNOWN_BAD = frozenset({"NoEmail", "Suppressed", "OnAccountSuppressionList"})  # bounceSubTypes: SES itself knows it
_MOST = 50


def read(told: Mapping[str, Any]) -> tuple[Sequence[Finding], str]:
    """The findings, and SES's own id of what it tells. Raises ``Unreadable``."""
    kind = told.get("notificationType") or told.get("eventType")
    trail = _trail(mapping(told.get("mail")))
    if kind == "Bounce":
        bounce = mapping(told.get("bounce"))
        return [_bounce(each, bounce, trail) for each in _people(bounce, "bouncedRecipients")], _id(bounce)
    if kind == "Complaint":
        complaint = mapping(told.get("complaint"))
        people = _people(complaint, "complainedRecipients")
        return [_complaint(each, complaint, trail) for each in people], _id(complaint)
    return [NothingToDo(f"SES tells of {str(kind)[:40]!r}, from which nothing follows")], ""


def _people(told: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    people = told.get(name)
    if not isinstance(people, list) or not people:
        raise Unreadable(f"{name} is missing", remedy="send SES's notifications as they are")
    return [mapping(each) for each in people[:_MOST]]


def _bounce(person: Mapping[str, Any], bounce: Mapping[str, Any], trail: Trail) -> Bounce:
    code, said = str(person.get("status") or ""), str(person.get("diagnosticCode") or "")
    hard, cause = status.judge(code, said)
    permanent = bounce.get("bounceType") == "Permanent"
    if permanent and (bounce.get("bounceSubType") in _KNOWN_BAD or cause is Cause.UNKNOWN):
        hard, cause = True, Cause.NO_ADDRESS
    return Bounce(trail, _address(person), hard and permanent, cause, code or status.code_in(said), said[:500])


def _complaint(person: Mapping[str, Any], complaint: Mapping[str, Any], trail: Trail) -> Finding:
    kind = str(complaint.get("complaintFeedbackType") or "abuse")
    if kind in _NO_COMPLAINTS:
        return NothingToDo(f"a report of the kind {kind!r}, which is no complaint")
    return Complaint(trail, _address(person), kind[:40])


def _address(person: Mapping[str, Any]) -> str:
    return (text_or_none(person.get("emailAddress")) or "")[:320]


def _id(told: Mapping[str, Any]) -> str:
    return str(told.get("feedbackId") or "")[:200]


def _trail(mail: Mapping[str, Any]) -> Trail:
    """``source`` is the envelope address that we gave, with our mark; SES writes an id of its own into what it sends,
    and shows us ours in the headers."""
    headers = [mapping(each) for each in mail.get("headers") or () if isinstance(each, dict)][:200]
    ours = [str(each.get("value") or "") for each in headers if str(each.get("name")).lower() == "message-id"]
    ids = (*ours, str(mapping(mail.get("commonHeaders")).get("messageId") or ""))
    sources = [str(mail.get("source") or "")]
    return Trail(tuple(filter(None, sources)), tuple(dict.fromkeys(id_.strip("<> ") for id_ in ids if id_)))
