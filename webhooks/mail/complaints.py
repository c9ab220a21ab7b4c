"""Complaints: somebody pressed "this is spam", and their provider tells us (ARF, RFC 5965; Microsoft's JMRP)."""

from __future__ import annotations

from email import message_from_string
from email.message import Message

from webhooks.mail.findings import Complaint, Finding, NothingToDo, Trail
from webhooks.mail.parts import Mail, addresses, header, text_of, walk
from webhooks.mail.trail import sent_mail, trail_of

_REPORT = "message/feedback-report"
_JMRP = "X-HmXmrOriginalRecipient"  # Microsoft's Junk Mail Reporting Program returns the mail with this header
_AGAINST = frozenset({"abuse", "fraud", "opt-out", "opt-out-list", "virus", "other", "miscategorized", ""})
"""Feedback-Types of RFC 5965, 7.3, and its registry; not "not-spam", nor reports on signatures (RFC 6591)."""


def read(mail: Mail) -> list[Finding] | None:
    """The complaint; None when the mail is none."""
    report = next((part for part in walk(mail) if part.get_content_type() == _REPORT), None)
    if report is None:
        return _of_microsoft(mail)
    fields = message_from_string(_fields(report))
    kind = header(fields, "Feedback-Type").lower()
    if kind not in _AGAINST:
        return [NothingToDo(f"a report of the kind {kind[:40]!r}, which is no complaint")]
    trail = trail_of(mail)
    known = (*trail.addresses, *addresses(fields, "Original-Mail-From"))  # the mail itself may come back without it
    trail = Trail(tuple(dict.fromkeys(known)), trail.message_ids)
    return [Complaint(trail, _recipient(fields, mail), kind or "abuse")]


def _fields(report: Mail) -> str:
    """The library takes a message/* part for a mail, whose header the fields then are; or for a text."""
    inside = report.get_payload()
    if isinstance(inside, list):
        return "\n".join(f"{name}: {value}" for each in inside if isinstance(each, Message)
                         for name, value in each.items())  # fmt: skip
    return text_of(report).strip()


def _recipient(fields: Mail, mail: Mail) -> str:
    """Who complained, where their provider tells it: most leave it out, and our mark must say it."""
    returned = sent_mail(mail)
    told = addresses(fields, "Original-Rcpt-To", "Removal-Recipient")
    return (told or (addresses(returned, "To") if returned is not None else ()) or ("",))[0][:320]


def _of_microsoft(mail: Mail) -> list[Finding] | None:
    returned = sent_mail(mail)
    if returned is None or not returned.get(_JMRP):
        return None
    return [Complaint(trail_of(mail), header(returned, _JMRP).strip("<>")[:320], "abuse")]
