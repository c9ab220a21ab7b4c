"""Relationship queries: ``SELECT Account.Owner.Email FROM Contact``, up through lookups, as deep as Salesforce goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.salesforce.schema import SObject, in_json

Record = dict[str, Any]
DEEPEST = 5

_TARGETS = {
    "OwnerId": "User", "AccountId": "Account", "ContactId": "Contact", "WhoId": "Contact", "CreatedById": "User",
    "LastModifiedById": "User", "ParentId": "Case",
}  # fmt: skip

Find = Callable[[str], SObject | None]


def target(sobject: SObject, relationship: str, find: Find) -> tuple[str, SObject] | None:
    """The lookup field behind a relationship's name, and the object it leads to."""
    field = sobject.field(f"{relationship}Id")
    kind = find(_TARGETS.get(field.name, "")) if field else None
    return (field.name, kind) if field and kind else None


def proper(path: str, sobject: SObject, find: Find) -> str | None:
    """A dotted path in the names' own spelling; None when a part of it is not known."""
    *steps, last = path.split(".")
    if len(steps) > DEEPEST:
        return None
    names = []
    for step in steps:
        found = target(sobject, step, find)
        if found is None:
            return None
        names.append(found[0].removesuffix("Id"))
        sobject = found[1]
    field = sobject.field(last)
    return ".".join([*names, field.name]) if field else None


def nested(
    row: Mapping[str, Any], sobject: SObject, paths: Sequence[str], find: Find, look_up: Callable[[str], Record | None],
    version: str,
) -> Record:  # fmt: skip
    """The related part of a record as REST shows it: {"Account": {"attributes": …, "Name": …, "Owner": {…}}}."""
    shown: Record = {}
    for name in dict.fromkeys(path.split(".")[0] for path in paths if "." in path):
        inner = [path.partition(".")[2] for path in paths if path.startswith(f"{name}.")]
        found = target(sobject, name, find)
        related = look_up(str(row[found[0]])) if found and row.get(found[0]) else None
        shown[name] = None
        if related is not None and found is not None:
            url = f"/services/data/v{version}/sobjects/{found[1].name}/{related['Id']}"
            own = {each: in_json(related[each]) for each in inner if "." not in each}
            deeper = nested(related, found[1], inner, find, look_up, version)
            shown[name] = {"attributes": {"type": found[1].name, "url": url}, **own, **deeper}
    return shown
