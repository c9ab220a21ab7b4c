"""A Salesforce case as a ticket: for orgs whose helpdesk is Salesforce itself.

A case is a ticket when we opened it (it carries our key), or when the connection says so of all (``cases:
{are_tickets: true}``). A contact request is one likewise; it has no moment of its closing, and the connection's
``statuses`` say which words mean that it is closed. Messages tell the state and not what changed, so:

- ``ticket.solved`` is a closed case, once per ``ClosedDate``;
- ``ticket.assigned`` is an open case that a person owns, once per owner;
- ``ticket.reopened`` is told of each change of an open case; whoever keeps the events knows whether it was closed
  before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from webhooks import channels
from webhooks.delivery import Account
from webhooks.parsing import mapping
from webhooks.salesforce.records import RecordNotification

KEY, TAGS = "Ringback_Key__c", "Ringback_Tags__c"
"""The fields of a case that hold our key and the tags, unless the connection names others."""

OBJECTS = ("Case", "ContactRequest")
"""What may be a ticket."""

_USER = "005"
_SEPARATORS = re.compile(r"[;,\s]+")

TYPES = ("ticket.solved", "ticket.assigned", "ticket.reopened", "ticket.merged", "ticket.deleted")
"""What is told of cases that are tickets."""

Fact = tuple[str, str, Mapping[str, Any]]
"""An event's type, what tells it from the same one another time, and its data."""


def is_ticket(telling: RecordNotification, options: Mapping[str, Any]) -> bool:
    cases = mapping(options.get("cases"))
    return telling.kind in OBJECTS and (cases.get("are_tickets") is True or bool(_key(telling, cases)))


def ticket_facts(telling: RecordNotification, account: Account) -> Iterator[Fact]:
    """What the case's state means for the ticket it is. A case that we own, having opened it, nobody has taken."""
    connection, cases = account.connection, mapping(account.options.get("cases"))
    data = ticket_data(telling, connection, cases)
    changed = str(telling.fields.get("LastModifiedDate") or telling.id)
    if telling.fields.get("IsDeleted") is True:
        into = telling.text("MasterRecordId")
        told = {"into": f"{connection}:{into[:15]}"} if into else {"status": "deleted"}
        yield "ticket.merged" if into else "ticket.deleted", "", {**data, **told}
    elif _is_closed(telling, cases):
        yield "ticket.solved", str(telling.fields.get("ClosedDate") or changed), {**data, "status": "solved"}
    else:
        owner = telling.text("OwnerId") or ""
        if owner.startswith(_USER) and owner[:15] != str(account.own_user)[:15]:
            yield "ticket.assigned", owner[:15], data
        yield "ticket.reopened", changed, data


def ticket_data(telling: RecordNotification, connection: str, cases: Mapping[str, Any]) -> dict[str, Any]:
    """The neutral ticket fields: every one is there, None (or []) where the message says nothing."""
    owner = telling.text("OwnerId") or ""
    text = telling.text
    return {
        "ticket": f"{connection}:{telling.record_id[:15]}",
        "ticket_id": telling.record_id[:15],
        "number": text("CaseNumber"),
        "status": _lower(text("Status")),
        "priority": _lower(text("Priority")),
        "tags": [tag for tag in _SEPARATORS.split(text(str(cases.get("tags") or TAGS)) or "") if tag],
        "group": owner if owner and not owner.startswith(_USER) else None,  # a queue
        "agent": owner if owner.startswith(_USER) else None,
        "subject": text("Subject"),
        "external_id": _key(telling, cases),
        "channel": channels.neutral(text("Origin")),
        "is_public": None,  # no case is hidden from its contact as such
        "requester_is_staff": None,
        "callback": None,  # filled in by the connector when the ticket is one of ours
    }


def _is_closed(telling: RecordNotification, cases: Mapping[str, Any]) -> bool:
    named = mapping(cases.get("statuses"))
    told = {_lower(str(named.get(name, "Closed"))) for name in ("solved", "closed")}
    words = {"closed"} if telling.kind == "Case" else told
    by_status = _lower(telling.text("Status")) in words
    return telling.fields.get("IsClosed", by_status) is True


def _key(telling: RecordNotification, cases: Mapping[str, Any]) -> str | None:
    return telling.text(str(cases.get("key") or KEY))


def _lower(text: str | None) -> str | None:
    return text.lower() if text else None
