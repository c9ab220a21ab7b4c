"""What stands in a package that is deployed: its components, each with its XML, and what it wants gone."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, tostring

from defusedxml import ElementTree

NS = "{http://soap.sforce.com/2006/04/metadata}"
Key = tuple[str, str]  # type and full name

_FOLDERS = {
    "CustomPermission": "customPermissions/{0}.customPermission",
    "CustomTab": "tabs/{0}.tab",
    "Dashboard": "dashboards/{0}.dashboard",
    "FlexiPage": "flexipages/{0}.flexipage",
    "Flow": "flows/{0}.flow",
    "FlowDefinition": "flowDefinitions/{0}.flowDefinition",
    "Layout": "layouts/{0}.layout",
    "PermissionSet": "permissionsets/{0}.permissionset",
    "Report": "reports/{0}.report",
    "ReportType": "reportTypes/{0}.reportType",
}
_PARTS = {
    "CustomField": "fields",
    "ListView": "listViews",
    "FieldSet": "fieldSets",
    "CompactLayout": "compactLayouts",
}


@dataclass(frozen=True, slots=True)
class Package:
    """``components`` with their XML; ``missing`` were named and not found; ``gone`` are to be deleted."""

    components: Mapping[Key, Element]
    files: Mapping[Key, str]
    missing: tuple[Key, ...] = ()
    gone: tuple[Key, ...] = ()
    trouble: str = field(default="")


def read_package(content: bytes) -> Package:
    """Never raises: what is wrong with the whole package is its ``trouble``."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        texts = {name: archive.read(name) for name in archive.namelist()}
        manifest = _document(texts, "package.xml")
    except (zipfile.BadZipFile, KeyError):
        return Package({}, {}, trouble="No package.xml found")
    except ElementTree.ParseError as error:
        return Package({}, {}, trouble=f"Error parsing package.xml: {error}")
    wanted = tuple(_members(manifest))
    found, files = _found(wanted, texts)
    gone = tuple(_members(_document(texts, "destructiveChanges.xml"))) if "destructiveChanges.xml" in texts else ()
    return Package(found, files, tuple(key for key in wanted if key not in found), gone)


def text_of(element: Element, path: str) -> str:
    return element.findtext("/".join(NS + part for part in path.split("/"))) or ""


def texts_of(element: Element, path: str) -> list[str]:
    return [each.text or "" for each in element.findall("/".join(NS + part for part in path.split("/")))]


def each_of(element: Element, path: str) -> list[Element]:
    return element.findall("/".join(NS + part for part in path.split("/")))


def canonical(element: Element) -> str:
    """The element without the white space between its parts: what decides whether something changed."""
    return "".join(part.strip() for part in tostring(element, encoding="unicode").splitlines())


def _document(texts: Mapping[str, bytes], name: str) -> Element:
    found: Element = ElementTree.fromstring(texts[name])
    return found


def _members(manifest: Element) -> Iterator[Key]:
    for types in manifest.findall(f"{NS}types"):
        for member in texts_of(types, "members"):
            yield text_of(types, "name"), member


def _found(wanted: tuple[Key, ...], texts: Mapping[str, bytes]) -> tuple[dict[Key, Element], dict[Key, str]]:
    found: dict[Key, Element] = {}
    files: dict[Key, str] = {}
    for key in wanted:
        for path, element in _places(key, texts):
            found[key], files[key] = element, path
    return found, files


def _places(key: Key, texts: Mapping[str, bytes]) -> Iterator[tuple[str, Element]]:
    kind, name = key
    if kind in _PARTS or kind == "WorkflowOutboundMessage":
        owner, _, own = name.partition(".")
        folder, suffix = ("objects", "object") if kind in _PARTS else ("workflows", "workflow")
        path = f"{folder}/{owner}.{suffix}"
        parts = _document(texts, path).findall(NS + _PARTS.get(kind, "outboundMessages")) if path in texts else []
        yield from ((path, each) for each in parts if text_of(each, "fullName") == own)
    elif kind == "CustomObject" and f"objects/{name}.object" in texts:
        yield f"objects/{name}.object", _own_part(_document(texts, f"objects/{name}.object"))
    elif kind in _FOLDERS:
        path = _FOLDERS[kind].format(name)
        folder = f"{path.partition('/')[0]}/{name}-meta.xml"
        yield from ((each, _document(texts, each)) for each in (path, folder) if each in texts)


def _own_part(element: Element) -> Element:
    """The object without its fields, views and sets, which are components of their own."""
    for part in _PARTS.values():
        for each in element.findall(NS + part):
            element.remove(each)
    return element
