"""Salesforce as a helpdesk: a callback is a Case, for orgs that have no other. (Or a contact request, which derives
from it.)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simple_salesforce.format import format_soql

from integrations.errors import Permanent
from integrations.protocols import CrmRecords, Json, VendorUser
from integrations.salesforce.helpdesk.case_mapping import (
    CASES,
    CaseNames,
    CaseUpdate,
    commented,
    mark_of,
    render_case,
    render_update,
    with_tags,
)
from integrations.salesforce.record_ids import record_id
from integrations.salesforce.rest import Rest

_COMMENTS = "SELECT CommentBody FROM CaseComment WHERE ParentId = {} ORDER BY CreatedDate DESC LIMIT 200"


class SalesforceCases:
    """A ``Helpdesk``. A ticket's id is the first 15 characters of the case's, which name it as well as all 18.

    ``find_users``, ``get_user`` and ``me`` are the CRM's: the people are its contacts.
    """

    sobject = "Case"
    takes_phone = False  # the description tells the number
    _read = "Subject,ContactId,IsClosed,ClosedDate"
    _asker = "ContactId"

    def __init__(self, rest: Rest, people: Any, names: CaseNames = CASES) -> None:
        self._rest, self._people, self._names = rest, people, names

    def render_ticket(self, ticket: Json) -> Json:
        return render_case(ticket, self._names)

    def open_ticket(self, body: Json, *, key: str, newcomer: Json | None = None) -> Json:
        """``POST /sobjects/Case``. The external id in the body is unique, so a repetition finds the case that an
        earlier try made instead of making another or overwriting what agents did to it since. A ``newcomer`` who is a
        contact becomes the case's; making contacts is for sales, so others are named by it only."""
        try:
            made = self._rest.call(f"sobjects/{self.sobject}", "POST", {**body, **self._contact(newcomer)})
            return self._opened(str(made["id"]))
        except Permanent as error:
            found = self.find_ticket(str(body.get(self._names.key))) if error.code == "DUPLICATE_VALUE" else None
            if found is None:
                raise
            return found

    def find_ticket(self, external_id: str) -> Json | None:
        query = f"SELECT Id FROM {self.sobject} WHERE {self._names.key} = {{}} LIMIT 1"  # noqa: S608  # a checked name
        found = self._rest.query(format_soql(query, external_id))
        return self._opened(str(found[0]["Id"])) if found else None

    def update_ticket(self, ticket_id: str, changes: Json, *, key: str, repeated: bool) -> Json:
        """``PATCH /sobjects/Case/{id}``, then ``POST /sobjects/CaseComment``."""
        case = record_id("ticket", ticket_id)
        self._changed(case, render_update(changes, self._names), key=key, repeated=repeated)
        return self._opened(case)

    def _changed(self, case: str, update: CaseUpdate, *, key: str, repeated: bool) -> None:
        values = {**update.values, **self._with_tags(case, update.tags, update.without)}
        if values:
            self._rest.call(f"sobjects/Case/{case}", "PATCH", values)
        if update.comment and not (repeated and self._has_mark(case, key)):
            body = commented(update.comment, key)
            comment = {"ParentId": case, "CommentBody": body, "IsPublished": update.public}
            self._rest.call("sobjects/CaseComment", "POST", comment)

    def pages(self, text: str) -> Sequence[str]:
        """One: what does not fit into a case's description or comment is cut there, with a word about it."""
        return (text,)

    def read_ticket(self, ticket_id: str) -> Json | None:
        """``GET /sobjects/Case/{id}``. Salesforce counts no reopenings."""
        case, tags = record_id("ticket", ticket_id), self._names.tags
        try:
            named = ",".join(filter(None, (self._read, tags)))
            row = self._rest.call(f"sobjects/{self.sobject}/{case}", "GET", fields=named)
        except Permanent as error:
            if error.status == 404:
                return None
            raise
        known = [tag.strip() for tag in str((tags and row.get(tags)) or "").split(";") if tag.strip()]
        rest = {"ticket_id": case[:15], "merged": False, "custom_fields": {}, "reopens": None}
        return {**rest, "tags": known, **self._state(row)}

    def _state(self, row: Mapping[str, Any]) -> Json:
        told = {"subject": row.get("Subject") or "", "requester_id": row.get("ContactId") or ""}
        return {**told, "status": "solved" if row.get("IsClosed") else "open", "solved_at": row.get("ClosedDate")}

    def request_call(self, phone: str, line: str, group: str | None) -> None:
        raise Permanent("Salesforce has no queue of calls for us; open a case instead", code="no_calls")

    @property
    def pictures(self) -> CrmRecords | None:
        """The CRM's: a case has no scores of its own."""
        kept: CrmRecords | None = self._people.pictures
        return kept

    def ticket_url(self, ticket_id: str) -> str:
        return f"{self._rest.url}/lightning/r/{self.sobject}/{ticket_id}/view"

    def get_user(self, user_id: str) -> VendorUser | None:
        found: VendorUser | None = self._people.get_contact(user_id)
        return found

    def find_users(self, email: str) -> Sequence[VendorUser]:
        found: Sequence[VendorUser] = self._people.find_contacts(email)
        return found

    def me(self) -> VendorUser:
        user: VendorUser = self._people.me()
        return user

    def _contact(self, newcomer: Json | None) -> Json:
        same = self.find_users(newcomer["email"]) if newcomer else ()
        return {self._asker: same[0].id} if len(same) == 1 else {}  # of several none is taken: that would be a guess

    def _with_tags(self, case: str, added: tuple[str, ...], without: tuple[str, ...]) -> Json:
        if not (added or without) or not self._names.tags:
            return {}
        row = self._rest.call(f"sobjects/{self.sobject}/{case}", "GET", fields=self._names.tags)
        return with_tags(row.get(self._names.tags), added, self._names, without)

    def _has_mark(self, case: str, key: str) -> bool:
        return any(mark_of(key) in str(row["CommentBody"]) for row in self._rest.query(format_soql(_COMMENTS, case)))

    def _opened(self, case: str) -> Json:
        short = record_id("case", case)[:15]
        return {"ticket_id": short, "url": self.ticket_url(short)}
