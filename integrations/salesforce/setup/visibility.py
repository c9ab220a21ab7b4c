"""Whether our user sees and may write the fields that we write: a new field is invisible to everybody until a
permission set names it, and a write then fails with "No such column".

Source: Salesforce's REST API guide, "sObject Describe": it tells the fields as the asking user sees them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple
from typing import Any

from integrations.errors import IntegrationError
from integrations.salesforce.helpdesk.case_mapping import CaseNames
from integrations.salesforce.helpdesk.contact_requests import SOBJECT
from integrations.salesforce.writeback.render import Names
from integrations.scores import FieldMap

Needed = Mapping[str, frozenset[str]]
"""Object → names of its fields that we write."""

_READ_ONLY = "read only"
_HIDDEN = "hidden, or not there"


def needed(fields: FieldMap, names: Names | None) -> Needed:
    """What a connection writes: the scores on contacts; with ``names`` everything on the other objects, too."""
    scores = frozenset(name for each in fields.values() for name in astuple(each) if name)
    if names is None:
        return {"Contact": scores}
    people = scores | frozenset(filter(None, astuple(names.people))) if names.people else scores
    found = {"Contact": people, "Lead": people}
    if names.accounts:
        found["Account"] = frozenset(filter(None, astuple(names.accounts)))
    if names.answers:
        found[names.answers.sobject] = frozenset(filter(None, astuple(names.answers))) - {names.answers.sobject}
    return found


def of_requests(names: CaseNames) -> Needed:
    """What an admin makes by hand on contact requests, where callbacks are these."""
    if names.object != SOBJECT:
        return {}
    return {SOBJECT: frozenset(filter(None, (names.key, names.tags, names.due_at)))}


def trouble(wanted: Needed, describe: Callable[[str], Mapping[str, Any]]) -> Iterator[str]:
    """Each field that cannot be written, and why: "Contact.NPS_Score__c (hidden, or not there)"."""
    for sobject, names in wanted.items():
        seen = {str(each["name"]): bool(each.get("updateable")) for each in _fields(sobject, describe)}
        for name in sorted(names):
            if not seen.get(name):
                yield f"{sobject}.{name} ({_READ_ONLY if name in seen else _HIDDEN})"


def _fields(sobject: str, describe: Callable[[str], Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """None of an object that our user does not see at all."""
    try:
        return list(describe(sobject).get("fields", ()))
    except IntegrationError as error:
        if error.status == 404:
            return []
        raise
