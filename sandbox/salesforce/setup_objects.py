"""The objects of an organisation's set-up that can be asked for like records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.salesforce.errors import RecordError
from sandbox.salesforce.records import Records
from sandbox.salesforce.schema import Field, SObject


def setup_objects() -> tuple[SObject, ...]:
    """With the fields that an integration asks for."""
    return (
        _object("Organization", "00D", Field("Name"), Field("OrganizationType"), Field("IsSandbox", "boolean")),
        _object("PermissionSet", "0PS", Field("Name", length=80), Field("Label", length=80)),
        _object("PermissionSetAssignment", "0Pa", Field("AssigneeId", "reference", 18, required=True),
                Field("PermissionSetId", "reference", 18, required=True)),
        _object("FlowDefinitionView", "3dd", Field("DurableId"), Field("ApiName"), Field("ActiveVersionId")),
        _object("FlowVersionView", "301", Field("FlowDefinitionViewId"), Field("VersionNumber", "double"),
                Field("Status")),
    )  # fmt: skip


def custom_field_object() -> SObject:
    """The Tooling API's CustomField."""
    return _object(
        "CustomField", "00N", Field("DeveloperName"), Field("TableEnumOrId"), Field("NamespacePrefix"),
        Field("Description", "textarea", 1000),
    )  # fmt: skip


def check_assignment(records: Records, given: Mapping[str, Any]) -> None:
    """Raises DUPLICATE_VALUE when the user holds the permission set already."""
    wanted = (str(given.get("AssigneeId"))[:15], str(given.get("PermissionSetId"))[:15])
    for row in records.all("PermissionSetAssignment"):
        if (row["AssigneeId"][:15], row["PermissionSetId"][:15]) == wanted:
            message = f"Duplicate PermissionSetAssignment.  Assignee: {wanted[0]}; Permission Set: {wanted[1]}"
            raise RecordError("DUPLICATE_VALUE", message, ["AssigneeId", "PermissionSetId"])


def _object(name: str, prefix: str, *fields: Field) -> SObject:
    system = (Field("Id", "id", 18, writable=False), Field("IsDeleted", "boolean", writable=False))
    return SObject(name, prefix, {each.name.lower(): each for each in (*system, *fields)})
