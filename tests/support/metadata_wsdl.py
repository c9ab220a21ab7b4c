"""Salesforce's own schema of metadata: its Metadata API WSDL (version 63.0), which simple-salesforce brings with it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import simple_salesforce
import xmlschema

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
_XSD = "http://www.w3.org/2001/XMLSchema"
_ROOTS = (
    "CompactLayout", "CustomField", "CustomObject", "CustomPermission", "CustomTab", "Dashboard", "DashboardFolder",
    "DeployMessage",
    "DeployOptions", "DeployResult", "FieldSet", "FlexiPage", "Flow", "FlowDefinition", "Layout", "ListView", "Package",
    "PermissionSet", "Report", "ReportFolder", "ReportType", "Workflow",
)  # fmt: skip


@lru_cache(maxsize=1)
def metadata_schema() -> Any:
    """The schema of the types that are deployed or answered, each as a root element of its own."""
    types = _types()
    needed = "".join(ElementTree.tostring(types[name], encoding="unicode") for name in sorted(_closure(types)))
    roots = "".join(f'<x:element name="{name}" type="tns:{name}"/>' for name in _ROOTS)
    return xmlschema.XMLSchema(
        f'<x:schema xmlns:x="{_XSD}" xmlns:xsd="{_XSD}" xmlns:tns="{NAMESPACE}" elementFormDefault="qualified"'
        f' targetNamespace="{NAMESPACE}">{roots}{needed}</x:schema>'
    )


def mistakes(text: str) -> list[str]:
    """What the schema says against a document: unknown elements and values, a wrong order, something missing."""
    return list(_mistakes(text))


@cache
def _mistakes(text: str) -> tuple[str, ...]:
    """Most documents come again and again: packages differ in little."""
    return tuple(f"{error.path}: {error.reason}" for error in metadata_schema().iter_errors(text))


def elements(name: str) -> set[str]:
    """The names of the elements of a type, as of DeployOptions."""
    return {str(each.get("name")) for each in _types()[name].iter(f"{{{_XSD}}}element")}


@lru_cache(maxsize=1)
def _types() -> dict[str, ElementTree.Element]:
    wsdl = Path(simple_salesforce.__file__).parent / "metadata.wsdl"
    root = ElementTree.parse(wsdl).getroot()  # noqa: S314 - a file of an installed package
    [schema] = [each for each in root.iter(f"{{{_XSD}}}schema") if each.get("targetNamespace") == NAMESPACE]
    return {str(each.get("name")): each for each in schema if each.tag != f"{{{_XSD}}}element"}


def _closure(types: dict[str, ElementTree.Element]) -> set[str]:
    """The roots and every type they refer to: the whole schema takes half a minute to build."""
    found: set[str] = set()
    waiting = list(_ROOTS)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_referred(types[name]))
    return found


def _referred(kind: ElementTree.Element) -> Iterable[str]:
    values = (each.get(attribute) or "" for each in kind.iter() for attribute in ("type", "base"))
    return [value.removeprefix("tns:") for value in values if value.startswith("tns:")]
