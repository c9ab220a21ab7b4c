"""Who may see and write what: permission sets, and the fields that are invisible without one.

Fields that were there from the start are visible to everybody, as if all profiles named them. A field that was deployed
is visible to nobody, not even to an admin, until a permission set that names it is assigned: as at Salesforce.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sandbox.salesforce.ids import long_id
from sandbox.salesforce.records import Records
from sandbox.salesforce.schema import Field, SObject

ASSIGNMENT, PERMISSION_SET = "PermissionSetAssignment", "PermissionSet"


@dataclass(frozen=True, slots=True)
class Rights:
    """What a permission set gives: field ("Contact.NPS_Score__c") → whether it may be written, the objects, and the
    custom permissions."""

    fields: Mapping[str, bool] = field(default_factory=dict)
    objects: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()


class Security:
    """The organisation's field-level security."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._lock = threading.RLock()
        self._guarded: set[str] = set()  # objects and fields, as "Contact.NPS_Score__c"
        self._rights: dict[str, Rights] = {}  # by the permission set's name

    def guard(self, name: str) -> None:
        """From now on ``name`` needs a permission set."""
        with self._lock:
            self._guarded.add(name)

    def forget(self, name: str) -> None:
        with self._lock:
            self._guarded.discard(name)
            self._rights.pop(name, None)

    def define(self, permission_set: str, rights: Rights) -> None:
        with self._lock:
            self._rights[permission_set] = rights

    def sees(self, user_id: str, kind: str, field_name: str = "") -> bool:
        """Whether the user sees the object, or the field on it."""
        with self._lock:
            if kind in self._guarded and not any(kind in each.objects for each in self._held(user_id)):
                return False
            name = f"{kind}.{field_name}"
            return name not in self._guarded or any(name in each.fields for each in self._held(user_id))

    def writes(self, user_id: str, kind: str, field_name: str) -> bool:
        with self._lock:
            name = f"{kind}.{field_name}"
            return name not in self._guarded or any(each.fields.get(name) for each in self._held(user_id))

    def permits(self, user_id: str, permission: str) -> bool:
        """Whether the user holds a custom permission."""
        with self._lock:
            return any(permission in each.permissions for each in self._held(user_id))

    def view(self, user_id: str, sobject: SObject) -> SObject | None:
        """The object as the user sees it: without hidden fields, read-only ones marked. None: not at all."""
        if not self._guarded:
            return sobject
        if not self.sees(user_id, sobject.name):
            return None
        seen = [each for each in sobject.fields.values() if self.sees(user_id, sobject.name, each.name)]
        return SObject(sobject.name, sobject.prefix, {each.name.lower(): self._as_seen(user_id, sobject, each)
                                                      for each in seen})  # fmt: skip

    def _as_seen(self, user_id: str, sobject: SObject, each: Field) -> Field:
        return replace(each, writable=each.writable and self.writes(user_id, sobject.name, each.name))

    def _held(self, user_id: str) -> list[Rights]:
        names = {row["Id"]: row["Name"] for row in self._records.all(PERMISSION_SET)}
        held = [names.get(row["PermissionSetId"], "") for row in self._records.all(ASSIGNMENT)
                if row["AssigneeId"] == long_id(user_id)]  # fmt: skip
        return [self._rights[name] for name in held if name in self._rights]
