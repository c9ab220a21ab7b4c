"""What is set up in an org, as far as provisioning must know: fields, flows, who holds which permission set.

Source: Salesforce's Tooling API reference (CustomField), its object reference (PermissionSetAssignment,
FlowDefinitionView, FlowVersionView, Organization) and the REST API guide (sObject Describe, Query).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simple_salesforce.format import format_soql

from integrations.errors import IntegrationError, Permanent, Transient
from integrations.http import VendorSession
from integrations.salesforce.record_ids import record_id

_DEVELOPER = "Developer Edition"
_HELD = "DUPLICATE_VALUE"  # the permission set is assigned already


@dataclass(frozen=True, slots=True)
class Org:
    """``live``: people work in it, so flows arrive switched off and only a person switches them on."""

    id: str
    live: bool


@dataclass(frozen=True, slots=True)
class User:
    """Whose token a session carries."""

    id: str
    username: str
    org_id: str


@dataclass(frozen=True, slots=True)
class FlowState:
    """A flow that is there: whether one of its versions is active, and the numbers of all of them."""

    active: bool
    versions: tuple[int, ...]


class Setup:
    """An org's set-up, seen by one user."""

    def __init__(self, session: VendorSession, api_version: str) -> None:
        self._session, self._base = session, f"/services/data/v{api_version}"

    def org(self) -> Org:
        [found] = self._query("SELECT Id, IsSandbox, OrganizationType FROM Organization")
        return Org(str(found["Id"]), not found["IsSandbox"] and found["OrganizationType"] != _DEVELOPER)

    def user(self) -> User:
        info = self._get("/services/oauth2/userinfo")
        return User(_text(info, "user_id"), _text(info, "preferred_username"), _text(info, "organization_id"))

    def described(self, sobject: str) -> Mapping[str, Mapping[str, Any]]:
        """The fields that this user sees, by name; none when the user does not see the object at all."""
        try:
            answer = self._get(f"{self._base}/sobjects/{sobject}/describe")
        except IntegrationError as error:
            if error.status == 404:
                return {}
            raise
        return {str(each["name"]): each for each in answer.get("fields", ())}

    def custom_fields(self, names: Sequence[str]) -> Mapping[str, str]:
        """The org's own fields with these names ("Contact.NPS_Score__c" → its description), whoever sees them.

        On standard objects only: those of custom objects go by the object's id.
        """
        bare = sorted({name.partition(".")[2].removesuffix("__c") for name in names})
        asked = format_soql(
            "SELECT DeveloperName, TableEnumOrId, Description FROM CustomField"
            " WHERE NamespacePrefix = null AND DeveloperName IN {}", bare,
        )  # fmt: skip
        found = {
            f"{each['TableEnumOrId']}.{each['DeveloperName']}__c": str(each.get("Description") or "")
            for each in self._query(asked, "/tooling/query/")
        }
        return {name: found[name] for name in names if name in found}

    def flows(self, names: Sequence[str]) -> Mapping[str, FlowState]:
        """The flows that are there, by API name."""
        asked = "SELECT DurableId, ApiName, ActiveVersionId FROM FlowDefinitionView WHERE ApiName IN {}"
        found = list(self._query(format_soql(asked, sorted(names)))) if names else []
        return {str(each["ApiName"]): self._flow(each) for each in found}

    def _flow(self, definition: Mapping[str, Any]) -> FlowState:
        asked = "SELECT VersionNumber FROM FlowVersionView WHERE FlowDefinitionViewId = {}"
        versions = self._query(format_soql(asked, definition["DurableId"]))
        return FlowState(bool(definition["ActiveVersionId"]), tuple(int(each["VersionNumber"]) for each in versions))

    def permission_set(self, name: str) -> str | None:
        """The id of the permission set; None when there is none of this name."""
        found = list(self._query(format_soql("SELECT Id FROM PermissionSet WHERE Name = {}", name)))
        return record_id("the permission set", found[0]["Id"]) if found else None

    def holders(self, permission_set: str) -> Mapping[str, str]:
        """Who holds it: the user's id → the assignment's id."""
        asked = "SELECT Id, AssigneeId FROM PermissionSetAssignment WHERE PermissionSetId = {}"
        return {str(each["AssigneeId"]): str(each["Id"]) for each in self._query(format_soql(asked, permission_set))}

    def assign(self, permission_set: str, user: str) -> None:
        """Give it to the user; that somebody else has just done so is no trouble."""
        path = f"{self._base}/sobjects/PermissionSetAssignment"
        try:
            self._session.post(path, json={"AssigneeId": user, "PermissionSetId": permission_set})
        except IntegrationError as error:
            if error.code != _HELD:
                raise Permanent(f"{error.reason}: {_cannot_assign(error.code)}", code=error.code) from error

    def unassign(self, assignment: str) -> None:
        path = f"{self._base}/sobjects/PermissionSetAssignment/{record_id('the assignment', assignment)}"
        try:
            self._session.delete(path)
        except IntegrationError as error:
            if error.status != 404:
                raise

    def _query(self, soql: str, path: str = "/query/") -> Iterator[Mapping[str, Any]]:
        answer = self._get(f"{self._base}{path}", q=soql)
        yield from answer.get("records", ())
        while more := answer.get("nextRecordsUrl"):
            answer = self._get(str(more))
            yield from answer.get("records", ())

    def _get(self, path: str, **params: str) -> Mapping[str, Any]:
        answer = self._session.get(path, params=params or None).json()
        if not isinstance(answer, Mapping):
            raise Transient("Salesforce's answer cannot be read", code="unreadable")
        return answer


def same_id(one: str, other: str) -> bool:
    """15 and 18 characters name the same thing; the case of the first 15 matters."""
    return one[:15] == other[:15]


def _text(info: Mapping[str, Any], name: str) -> str:
    value = info.get(name)
    if not isinstance(value, str) or not value:
        raise Transient(f"Salesforce does not say our {name}", code="unreadable")
    return value


def _cannot_assign(code: str) -> str:
    if "LICENSE" in code or code == "FIELD_INTEGRITY_EXCEPTION":
        return "give the integration user the permission set license Salesforce API Integration first"
    return "assign the permission set Ringback integration in Setup → Permission Sets → Manage Assignments"
