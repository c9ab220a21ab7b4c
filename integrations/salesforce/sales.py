"""What sales sees: whose account a contact is, and tasks on the record.

Sources: Salesforce's Object Reference, "Contact", "Account", "Task"; SOQL, "Relationship queries".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simple_salesforce.format import format_soql

from integrations import mailboxes
from integrations.errors import Permanent
from integrations.protocols import Json
from integrations.salesforce.helpdesk.case_mapping import mark_of
from integrations.salesforce.record_ids import known_as, record_id
from integrations.salesforce.rest import Rest
from integrations.salesforce.search import many

VALUE = "AnnualRevenue"
"""The field of an account that says what it is worth, unless the connection names another (``account_value``)."""

_PERSON = "Owner.Name, Owner.Email, OwnerId"
_ACCOUNTS = ("SELECT Id, Email, AccountId, {person}, Account.Name, Account.OwnerId, Account.Owner.Name, "
             "Account.Owner.Email, Account.{value} FROM Contact WHERE {by} IN {{}}")  # fmt: skip
_TASKS = "SELECT Description FROM Task WHERE WhoId = {} ORDER BY CreatedDate DESC LIMIT 200"
_PRIORITIES: Mapping[str, str] = {"low": "Low", "normal": "Normal", "high": "High", "urgent": "High"}
_SUBJECT_LIMIT = 255  # characters
_TEXT_LIMIT = 31_000  # characters; Salesforce takes 32,000


class SalesforceSales:
    """A ``Sales``."""

    def __init__(self, rest: Rest, value: str = VALUE) -> None:
        self._rest, self._value = rest, value

    def canonical_id(self, record: str) -> str:
        return known_as(record)

    def accounts_of(self, records: Sequence[str]) -> Sequence[Json]:
        """Each contact's account and who owns it; of a contact without account, who owns the contact."""
        return self._accounts("Id", [record_id("contact", each) for each in records])

    def accounts_by_email(self, emails: Sequence[str]) -> Sequence[Json]:
        return self._accounts("Email", [way for email in emails for way in mailboxes.spellings(email)])

    def _accounts(self, by: str, values: Sequence[str]) -> Sequence[Json]:
        query = _ACCOUNTS.format(person=_PERSON, value=self._value, by=by)
        rows = [row for part in many.fitting(values) for row in self._rest.query(format_soql(query, part))]
        return [_account(row, self._value) for row in rows]

    def render_task(self, task: Json) -> Json:
        """The body of ``POST /sobjects/Task`` from neutral fields: contact, account, owner, subject, body, priority,
        due_on. None leaves a field out."""
        given = {name: value for name, value in task.items() if value is not None}
        ids = {"WhoId": given.get("contact"), "WhatId": given.get("account"), "OwnerId": given.get("owner")}
        named = {name: record_id(name, value) for name, value in ids.items() if value}
        rest = {
            "Subject": str(given["subject"])[:_SUBJECT_LIMIT],
            "Description": str(given.get("body") or "")[:_TEXT_LIMIT],
            "Priority": _priority(given.get("priority", "normal")),
            "ActivityDate": given.get("due_on"),
            "Status": "Not Started",
        }
        return named | {name: value for name, value in rest.items() if value}

    def create_task(self, body: Json, *, key: str, repeated: bool) -> Json:
        """``POST /sobjects/Task``. The description's last line is our mark, by which a repetition finds it."""
        if repeated and self._is_there(body, key):
            return {}
        marked = {**body, "Description": f"{body.get('Description', '')}\n\n{mark_of(key)}".strip()}
        made = self._rest.call("sobjects/Task", "POST", marked)
        return {"task": str(made["id"]), "url": f"{self._rest.url}/lightning/r/Task/{made['id']}/view"}

    def _is_there(self, body: Json, key: str) -> bool:
        if "WhoId" not in body:
            return False
        tasks = self._rest.query(format_soql(_TASKS, body["WhoId"]))
        return any(mark_of(key) in str(row["Description"]) for row in tasks)


def _account(contact: Mapping[str, Any], value: str) -> Json:
    account = contact.get("Account") or {}
    owner = account.get("Owner") or contact.get("Owner") or {}
    return {
        "contact": contact["Id"],
        "email": contact.get("Email"),
        "account": contact.get("AccountId"),
        "account_name": account.get("Name"),
        "value": account.get(value),
        "owner": account.get("OwnerId") or contact.get("OwnerId"),
        "owner_name": owner.get("Name"),
        "owner_email": owner.get("Email"),
    }


def _priority(name: Any) -> str:
    if name not in _PRIORITIES:
        raise Permanent(f"task field priority is not one of {', '.join(_PRIORITIES)}; correct it in the workflow",
                        code="invalid_task")  # fmt: skip
    return _PRIORITIES[name]
