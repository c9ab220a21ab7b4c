"""The Metadata API's deploy: a package is judged as a whole, and everything in it happens or nothing."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element

from sandbox.clock import Clock
from sandbox.salesforce import metadata_checks
from sandbox.salesforce.ids import id_maker
from sandbox.salesforce.metadata_zip import Key, Package, canonical, read_package, text_of, texts_of
from sandbox.salesforce.records import Records
from sandbox.salesforce.schema import Field, custom_object, in_json
from sandbox.salesforce.security import Rights, Security

_TYPES = {
    "Number": "double", "Text": "string", "LongTextArea": "textarea", "DateTime": "datetime", "Date": "date",
    "Url": "url", "Lookup": "reference", "Checkbox": "boolean", "Email": "email", "Phone": "phone",
}  # fmt: skip


@dataclass(slots=True)
class Deployment:
    """One deployment. ``looks`` counts how often it was asked for: it is done at the second look."""

    id: str
    options: Mapping[str, Any]
    by: str
    at: str
    successes: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    trouble: str = ""
    looks: int = 0
    package: bytes = b""


class Deployments:
    """What was deployed, and the components that the organisation holds.

    ``live``: as in production, flows arrive switched off. ``refuse`` programs a refusal of one component.
    """

    def __init__(
        self, records: Records, setup: Records, security: Security, usernames: frozenset[str], clock: Clock
    ) -> None:
        self.log: list[Deployment] = []
        self.components: dict[Key, Element] = {}
        self.live = False
        self._records, self._setup, self._security = records, setup, security
        self._usernames, self._clock = usernames, clock
        self._refusals: dict[Key, str] = {}
        self._lock = threading.RLock()
        self._ids, self._prefixes = id_maker("0Af"), itertools.count(0)
        self._component_ids = id_maker("00N")

    def refuse(self, kind: str, name: str, problem: str) -> None:
        """From now on this component is refused; "" ends it."""
        self._refusals[kind, name] = problem

    def start(self, content: bytes, options: Mapping[str, Any], by: str) -> Deployment:
        """POST /metadata/deployRequest"""
        with self._lock:
            made = Deployment(self._ids(), options, by, in_json(self._clock()), package=content)
            self.log.append(made)
            package = read_package(content)
            made.trouble = package.trouble
            self._judge(package, made)
            if not made.failures and not made.trouble and not options.get("checkOnly"):
                self._apply(package)
            return made

    def look(self, deployment_id: str) -> dict[str, Any] | None:
        """GET /metadata/deployRequest/{id}"""
        with self._lock:
            found = next((each for each in self.log if each.id[:15] == deployment_id[:15]), None)
            if found is None:
                return None
            found.looks += 1
            return _result(found, done=found.looks > 1)

    def custom_fields(self) -> Iterator[dict[str, Any]]:
        """What the Tooling API says of custom fields, deployed or made by hand."""
        for sobject in list(self._records.objects.values()):
            for each in sobject.fields.values():
                if each.name.endswith("__c"):
                    element = self.components.get(("CustomField", f"{sobject.name}.{each.name}"))
                    described = text_of(element, "description") if element is not None else ""
                    yield _tooling_row(sobject.name, each.name, described)

    def active_flows(self) -> list[str]:
        """The flows of which a version is switched on."""
        if not self.components:
            return []
        names = [row["ApiName"] for row in self._setup.all("FlowDefinitionView") if row["ActiveVersionId"]]
        return [name for name in names if ("Flow", name) in self.components]

    def delete(self, kind: str, name: str) -> None:
        """A person deletes something in Setup."""
        with self._lock:
            self._drop((kind, name))

    # Judging

    def _judge(self, package: Package, made: Deployment) -> None:
        for key in package.missing:
            problem = (
                f"An object '{key[1]}' of type {key[0]} was named in package.xml, but was not found in zipped directory"
            )
            made.failures.append(self._message(key, "package.xml", problem=problem))
        after = {**self.components, **package.components}
        known = metadata_checks.Known(after, self._fields_after(package), self._usernames)
        for key, element in package.components.items():
            problem = self._refusals.get(key) or metadata_checks.problem(key, element, known)
            told = self._message(key, package.files[key], problem=problem)
            (made.failures if problem else made.successes).append(told | self._difference(key, element))
        for key in package.gone:
            self._judge_removal(key, made)

    def _judge_removal(self, key: Key, made: Deployment) -> None:
        there = self._there(key)
        problem = self._refusals.get(key, "")
        if there and not problem:
            problem = metadata_checks.still_needed(key, self.components, self._holders)
        told = self._message(key, "destructiveChanges.xml", problem=problem)
        if problem:
            made.failures.append(told)
        elif there:
            made.successes.append(told | {"deleted": True, "changed": True})
        else:  # a warning: an error unless warnings are ignored
            says = {"problem": f"No {key[0]} named: {key[1]} found", "problemType": "Warning"}
            ignored = bool(made.options.get("ignoreWarnings"))
            (made.successes if ignored else made.failures).append(told | says | {"success": ignored})

    def _difference(self, key: Key, element: Element) -> dict[str, Any]:
        before = self.components.get(key)
        changed = before is None or canonical(before) != canonical(self._as_kept(key, element))
        return {"created": before is None, "changed": changed}

    def _fields_after(self, package: Package) -> frozenset[str]:
        there = {f"{each.name}.{one.name}" for each in self._records.objects.values() for one in each.fields.values()}
        return frozenset(there | {name for kind, name in package.components if kind == "CustomField"})

    def _there(self, key: Key) -> bool:
        kind, name = key
        if kind == "Flow":
            flow, _, number = name.rpartition("-")
            return any(self._version_is(row, flow, number) for row in self._setup.all("FlowVersionView"))
        return key in self.components

    def _version_is(self, row: Mapping[str, Any], flow: str, number: str) -> bool:
        return bool(row["FlowDefinitionViewId"] == flow and str(int(row["VersionNumber"])) == number)

    def _holders(self, permission_set: str) -> bool:
        ids = {row["Id"] for row in self._setup.all("PermissionSet") if row["Name"] == permission_set}
        return any(row["PermissionSetId"] in ids for row in self._setup.all("PermissionSetAssignment"))

    def _message(self, key: Key, path: str, *, problem: str = "") -> dict[str, Any]:
        told = {"componentType": key[0], "fullName": key[1], "fileName": path, "success": not problem,
                "changed": False, "created": False, "deleted": False, "createdDate": in_json(self._clock()),
                "id": None if problem else self._component_ids()}  # fmt: skip
        return told | ({"problem": problem, "problemType": "Error"} if problem else {})

    # Doing

    def _apply(self, package: Package) -> None:
        for key, element in sorted(package.components.items(), key=lambda each: _ORDER.get(each[0][0], 1)):
            self._make(key, element)
        for key in package.gone:
            self._drop(key)

    def _as_kept(self, key: Key, element: Element) -> Element:
        """A flow is kept without its status: that it is off in production does not make it another flow."""
        if key[0] != "Flow":
            return element
        for status in element.findall("{http://soap.sforce.com/2006/04/metadata}status"):
            element.remove(status)
        return element

    def _make(self, key: Key, element: Element) -> None:
        kind, name = key
        before = self.components.get(key)
        if kind == "CustomObject" and name.endswith("__c") and before is None:
            self._records.add_object(custom_object(name, f"a{next(self._prefixes):02d}"))
            self._security.guard(name)
        elif kind == "CustomField":
            owner, _, own = name.partition(".")
            self._records.add_field(owner, _field(own, element))
            if before is None:
                self._security.guard(name)
        elif kind == "PermissionSet":
            self._security.define(name, _rights(element))
            if before is None:
                self._setup.create(kind, {"Name": name, "Label": text_of(element, "label")}, "")
        elif kind == "Flow":
            self._make_flow(name, element, before)
        elif kind == "FlowDefinition":
            self._switch(name, int(text_of(element, "activeVersionNumber") or 0))
            return
        self.components[key] = self._as_kept(key, element)

    def _make_flow(self, name: str, element: Element, before: Element | None) -> None:
        active = text_of(element, "status") == "Active" and not self.live
        if before is not None and canonical(before) == canonical(self._as_kept(("Flow", name), element)):
            return
        versions = [row for row in self._setup.all("FlowVersionView") if row["FlowDefinitionViewId"] == name]
        number = len(versions) + 1
        self._setup.create(
            "FlowVersionView",
            {"FlowDefinitionViewId": name, "VersionNumber": number, "Status": "Active" if active else "Draft"},
            "",
        )
        if before is None:
            self._setup.create("FlowDefinitionView", {"DurableId": name, "ApiName": name, "ActiveVersionId": None}, "")
        if active:
            self._switch(name, number)

    def _switch(self, name: str, number: int) -> None:
        for row in self._setup.all("FlowDefinitionView"):
            if row["ApiName"] == name:
                active = f"{name}-{number}" if number else None
                self._setup.update("FlowDefinitionView", row["Id"], {"ActiveVersionId": active}, "")

    def _drop(self, key: Key) -> None:
        kind, name = key
        if kind == "Flow":
            self._drop_flow_version(name)
            return
        self.components.pop(key, None)
        if kind == "CustomField":
            owner, _, own = name.partition(".")
            self._records.remove_field(owner, own)
        elif kind == "CustomObject":
            for other in [each for each in self.components if each[1].startswith((f"{name}.", f"{name}-"))]:
                self._drop(other)
            self._records.remove_object(name)
        elif kind == "PermissionSet":
            for row in self._setup.all(kind):
                if row["Name"] == name:
                    self._setup.delete(kind, row["Id"], "")
        self._security.forget(name)

    def _drop_flow_version(self, name: str) -> None:
        flow, _, number = name.rpartition("-")
        left = 0
        for row in self._setup.all("FlowVersionView"):
            if self._version_is(row, flow, number):
                self._setup.delete("FlowVersionView", row["Id"], "")
            elif row["FlowDefinitionViewId"] == flow:
                left += 1
        if not left:
            self.components.pop(("Flow", flow), None)
            for row in self._setup.all("FlowDefinitionView"):
                if row["ApiName"] == flow:
                    self._setup.delete("FlowDefinitionView", row["Id"], "")


_ORDER = {"CustomObject": 0, "PermissionSet": 2, "Flow": 2}
"""What must be there before the rest, and what comes after it."""


def _tooling_row(owner: str, name: str, description: str) -> dict[str, Any]:
    named = {"DeveloperName": name.removesuffix("__c"), "TableEnumOrId": owner, "NamespacePrefix": None}
    return {"Id": "", "IsDeleted": False, **named, "Description": description}


def _field(name: str, element: Element) -> Field:
    kind = _TYPES[text_of(element, "type")]
    length = int(text_of(element, "length") or (18 if kind == "reference" else 255))
    external = text_of(element, "externalId") == "true"
    formula = bool(text_of(element, "formula"))
    unique = text_of(element, "unique") == "true"
    return Field(name, kind, length, writable=not formula, key=external, unique=unique)


def _rights(element: Element) -> Rights:
    fields = zip(
        texts_of(element, "fieldPermissions/field"), texts_of(element, "fieldPermissions/editable"), strict=True
    )
    return Rights(
        {name: edit == "true" for name, edit in fields},
        frozenset(texts_of(element, "objectPermissions/object")),
        frozenset(texts_of(element, "customPermissions/name")),
    )


def _result(made: Deployment, *, done: bool) -> dict[str, Any]:
    failed = bool(made.failures or made.trouble)
    total = len(made.successes) + len(made.failures)
    state = {"done": done, "success": done and not failed,
             "status": ("Failed" if failed else "Succeeded") if done else "InProgress"}  # fmt: skip
    result: dict[str, Any] = {
        "id": made.id, "checkOnly": bool(made.options.get("checkOnly")), "createdBy": made.by[:15],
        "createdByName": "somebody", "createdDate": made.at, "ignoreWarnings": bool(made.options.get("ignoreWarnings")),
        "numberComponentErrors": len(made.failures),
        "numberComponentsDeployed": len(made.successes) if done else total // 2, "numberComponentsTotal": total,
        "numberTestErrors": 0, "numberTestsCompleted": 0, "numberTestsTotal": 0,
        "rollbackOnError": True, "runTestsEnabled": False, **state,
        "details": {"componentFailures": made.failures if done else [],
                    "componentSuccesses": [] if failed or not done else made.successes,
                    "retrieveResult": None},
    }  # fmt: skip
    if made.trouble:
        result["errorMessage"] = made.trouble
    return result
