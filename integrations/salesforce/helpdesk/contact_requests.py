"""Salesforce as a helpdesk whose callbacks are contact requests: "please call me back", for teams without cases.

A contact request has no subject, no priority and no comments of its own. What would be there stands in its description,
each comment under our mark, so that a repetition finds it. Its statuses are the org's own; none of them is "closed" by
nature, so the connection's ``statuses`` say which word means solved.

Source: Salesforce's Object Reference, "ContactRequest".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.errors import Permanent
from integrations.protocols import Json
from integrations.salesforce.helpdesk.case_mapping import (
    TEXT_LIMIT,
    CaseNames,
    CaseUpdate,
    cut,
    mark_of,
    render_case,
)
from integrations.salesforce.helpdesk.cases import SalesforceCases

SOBJECT = "ContactRequest"
_TOLD = {"Subject": "", "Priority": "Priority: "}
_PLACES: Mapping[str, str] = {"ContactId": "WhoId", "Status": "Status", "OwnerId": "OwnerId"}
_SUPPLIED = ("SuppliedName", "SuppliedEmail")
_NOT_HERE = ("Origin", "RecordTypeId", "IsEscalated", "Description", *_TOLD, *_SUPPLIED)


class SalesforceContactRequests(SalesforceCases):
    """A ``Helpdesk``, as cases are, on another object."""

    sobject = SOBJECT
    takes_phone = True
    _read = "RequestDescription,WhoId,Status,LastModifiedDate"
    _asker = "WhoId"

    def render_ticket(self, ticket: Json) -> Json:
        """The body of ``POST /sobjects/ContactRequest`` from neutral fields."""
        rest = {name: value for name, value in ticket.items() if name != "phone"}
        return render_request(render_case(rest, self._names), ticket.get("phone"))

    def _changed(self, request: str, update: CaseUpdate, *, key: str, repeated: bool) -> None:
        """One write: of fields, and of the description with the comment below it."""
        values = {name: value for name, value in update.values.items() if name not in _NOT_HERE}
        values |= self._with_tags(request, update.tags, update.without)
        lines = [f"Priority: {update.values['Priority']}"] if "Priority" in update.values else []
        text = "\n".join([*lines, update.comment]).strip()
        if text:
            values |= self._with_comment(request, text, key)
        if values:
            self._rest.call(f"sobjects/{SOBJECT}/{request}", "PATCH", values)

    def _with_comment(self, request: str, text: str, key: str) -> Json:
        row = self._rest.call(f"sobjects/{SOBJECT}/{request}", "GET", fields="RequestDescription")
        before = str(row.get("RequestDescription") or "")
        if mark_of(key) in before:
            return {}
        added = f"\n\n{text}\n{mark_of(key)}"
        if len(added) > TEXT_LIMIT // 2:
            raise Permanent("the comment is too long for a contact request; shorten it", code="STRING_TOO_LONG")
        return {"RequestDescription": cut(before, TEXT_LIMIT - len(added), len) + added}

    def _state(self, row: Mapping[str, Any]) -> Json:
        solved = is_solved(row.get("Status"), self._names)
        first, _, _ = str(row.get("RequestDescription") or "").partition("\n")
        at = row.get("LastModifiedDate") if solved else None
        told = {"subject": first, "requester_id": row.get("WhoId") or "", "solved_at": at}
        return {**told, "status": "solved" if solved else "open"}


def render_request(case: Json, phone: str | None) -> Json:
    """What a case would hold, as a contact request holds it."""
    supplied = ", ".join(str(case[name]) for name in _SUPPLIED if case.get(name))
    head = [f"{label}{case[name]}" for name, label in _TOLD.items() if case.get(name)]
    head += [f"Customer: {supplied}"] if supplied else []
    text = "\n".join(head) + f"\n\n{case.get('Description', '')}"
    kept = {_PLACES.get(name, name): value for name, value in case.items() if name not in _NOT_HERE}
    number = {"PreferredPhone": phone} if phone else {}
    return {**kept, **number, "PreferredChannel": "Phone", "RequestDescription": cut(text.strip(), TEXT_LIMIT, len)}


def is_solved(status: Any, names: CaseNames) -> bool:
    words = {names.statuses.get(name, "").casefold() for name in ("solved", "closed")}
    return bool(status) and str(status).casefold() in words
