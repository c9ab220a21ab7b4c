"""What Salesforce objects to in a component: names that lead nowhere, and things that are still in use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from sandbox.salesforce.metadata_zip import Key, each_of, text_of, texts_of

_OBJECTS = frozenset({"Account", "Campaign", "Case", "Contact", "Lead", "Opportunity", "Task", "User"})
_NEEDS = {"Text": ("length",), "LongTextArea": ("length", "visibleLines"), "Number": ("precision", "scale"),
          "Lookup": ("referenceTo", "relationshipName")}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """What the organisation would hold after the deployment."""

    components: Mapping[Key, Element]
    fields: frozenset[str]
    usernames: frozenset[str]

    def has_object(self, name: str) -> bool:
        return name in _OBJECTS or ("CustomObject", name) in self.components

    def has_field(self, sobject: str, name: str) -> bool:
        """Standard fields are taken on trust."""
        return not name.endswith("__c") or f"{sobject}.{name}" in self.fields


def problem(key: Key, element: Element, known: Known) -> str:
    """The first objection, in Salesforce's words where they are recorded; "" when there is none."""
    check = _CHECKS.get(key[0])
    return next(check(key[1], element, known), "") if check else ""


def still_needed(key: Key, components: Mapping[Key, Element], held: Callable[[str], bool]) -> str:
    """Why a component cannot be deleted."""
    kind, name = key
    if kind == "PermissionSet" and held(name):
        return "This permission set is assigned to users and can't be deleted"
    if kind == "WorkflowOutboundMessage":
        users = [other for (of, other), element in components.items()
                 if of == "Flow" and text_of(element, "actionCalls/actionName") == name]  # fmt: skip
        return f"This component is referenced elsewhere in Salesforce: Flow {users[0]}" if users else ""
    return ""


def _custom_field(name: str, element: Element, known: Known) -> Iterator[str]:
    owner = name.partition(".")[0]
    kind = text_of(element, "type")
    if not known.has_object(owner):
        yield f"Entity Enumeration Or ID: bad value for restricted picklist field: {owner}"
    if not text_of(element, "label"):
        yield "Required field is missing: label"
    for needed in _NEEDS.get(kind, ()):
        if not text_of(element, needed):
            yield f"Required field is missing: {needed}"
    target = text_of(element, "referenceTo")
    if target and not known.has_object(target):
        yield f"referenceTo value of '{target}' does not resolve to a valid sObject type"


def _permission_set(_name: str, element: Element, known: Known) -> Iterator[str]:
    for field in texts_of(element, "fieldPermissions/field"):
        if not known.has_field(*field.split(".", 1)):
            yield f"In field: field - no CustomField named {field} found"
    for sobject in texts_of(element, "objectPermissions/object"):
        if not known.has_object(sobject):
            yield f"In field: field - no CustomObject named {sobject} found"
    for permission in texts_of(element, "customPermissions/name"):
        if ("CustomPermission", permission) not in known.components:
            yield f"In field: customPermission - no CustomPermission named {permission} found"


def _columns(path: str) -> Callable[[str, Element, Known], Iterator[str]]:
    def check(name: str, element: Element, known: Known) -> Iterator[str]:
        owner = re.split(r"[.-]", name)[0]
        for field in texts_of(element, path):
            if not known.has_field(owner, field):
                yield f"Could not resolve list view column: {field}"

    return check


def _report_type(_name: str, element: Element, known: Known) -> Iterator[str]:
    base, join = text_of(element, "baseObject"), text_of(element, "join/relationship")
    lookups = {text_of(each, "relationshipName") + "__r" for (kind, _), each in known.components.items()
               if kind == "CustomField" and text_of(each, "referenceTo") == base}  # fmt: skip
    if join and join not in lookups:
        yield f"Invalid relationship: {join}"


def _dashboard(name: str, element: Element, known: Known) -> Iterator[str]:
    """Each component shows a report that is there, by a grouping and a figure that the report has."""
    if ("Dashboard", name.partition("/")[0]) not in known.components:
        yield f"Cannot find folder:{name.partition('/')[0]}"
    for part in each_of(element, "dashboardGridLayout/dashboardGridComponents/dashboardComponent"):
        report = known.components.get(("Report", text_of(part, "report")))
        if report is None:
            yield f"no Report named {text_of(part, 'report')} found"
            continue
        groupings = {"", *texts_of(report, "groupingsDown/field"), *texts_of(report, "groupingsAcross/field")}
        if text_of(part, "groupingColumn") not in groupings:
            yield f"Invalid grouping column: {text_of(part, 'groupingColumn')}"
        figures = {"RowCount", *texts_of(report, "aggregates/developerName"), *texts_of(report, "columns/field")}
        if text_of(part, "chartSummary/column") not in figures:
            yield f"Invalid summary column: {text_of(part, 'chartSummary/column')}"


def _flow(_name: str, element: Element, known: Known) -> Iterator[str]:
    for action in texts_of(element, "actionCalls/actionName"):
        if ("WorkflowOutboundMessage", action) not in known.components:
            yield f"Tell_Ringback (Action) - The action {action} wasn't found"


def _message(name: str, element: Element, known: Known) -> Iterator[str]:
    username = text_of(element, "integrationUser")
    if username not in known.usernames:
        yield f"In field: integrationUser - no User named {username} found"
    for field in texts_of(element, "fields"):
        if not known.has_field(name.partition(".")[0], field):
            yield f"In field: fields - no CustomField named {field} found"


def _page(_name: str, element: Element, known: Known) -> Iterator[str]:
    owner = text_of(element, "sobjectType")
    for item in texts_of(element, "flexiPageRegions/itemInstances/fieldInstance/fieldItem"):
        if not known.has_field(owner, item.removeprefix("Record.")):
            yield f"We couldn't retrieve or load the information on the field: {item}"


_CHECKS: Mapping[str, Callable[[str, Element, Known], Iterator[str]]] = {
    "CompactLayout": _columns("fields"),
    "CustomField": _custom_field,
    "Dashboard": _dashboard,
    "FieldSet": _columns("displayedFields/field"),
    "FlexiPage": _page,
    "Flow": _flow,
    "Layout": _columns("layoutSections/layoutColumns/layoutItems/field"),
    "ListView": _columns("columns"),
    "PermissionSet": _permission_set,
    "ReportType": _report_type,
    "WorkflowOutboundMessage": _message,
}
