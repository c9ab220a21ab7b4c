"""The metadata package: from the source-format project in ``package/`` to the zip that the Metadata API takes.

The project is the only source. ``sf project deploy start`` deploys it as it lies there; this module makes of it what
Salesforce calls metadata format: one file per object, a ``package.xml`` that lists every component, and the project's
own replacements carried out. Source: Salesforce's Metadata API guide ("Deploying and retrieving metadata with the zip
file", "File-based calls") and its DX guide ("Replace strings in code before deploying").
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from xml.sax.saxutils import escape

from defusedxml import ElementTree

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
PROJECT = Path(__file__).parents[1] / "package"
SOURCE = PurePosixPath("force-app/main/default")
ENDPOINT, USERNAME = "RINGBACK_SALESFORCE_ENDPOINT", "RINGBACK_SALESFORCE_USERNAME"
"""The variables of the project's replacements: where outbound messages go, and as whom they are sent."""

_EPOCH = (2020, 1, 1, 0, 0, 0)  # the same files make the same zip
_ROOT = '<?xml version="1.0" encoding="UTF-8"?>\n<{0} xmlns="' + NAMESPACE + '">\n{1}</{0}>\n'

_FOLDERS: Mapping[str, tuple[str, str]] = {
    "customPermissions": ("CustomPermission", "customPermission"),
    "dashboards": ("Dashboard", "dashboard"),
    "flexipages": ("FlexiPage", "flexipage"),
    "flows": ("Flow", "flow"),
    "layouts": ("Layout", "layout"),
    "permissionsets": ("PermissionSet", "permissionset"),
    "reportTypes": ("ReportType", "reportType"),
    "reports": ("Report", "report"),
    "tabs": ("CustomTab", "tab"),
}
"""Folder → the type of its components, and the suffix of their files."""

_PARTS: Mapping[str, tuple[str, str]] = {
    "compactLayouts": ("CompactLayout", "compactLayout"),
    "fieldSets": ("FieldSet", "fieldSet"),
    "fields": ("CustomField", "field"),
    "listViews": ("ListView", "listView"),
}
"""Folder below an object, which is also the element of the object's file → type and suffix."""

_PERMISSION = re.compile(r"    <((?:field|object|user)Permissions)>\n.*?    </\1>\n", re.DOTALL)
_NAMED = re.compile(r"<(?:field|object|name)>([^<]+)<")
_COLUMN = re.compile(r"    <columns>([^<]+)</columns>\n")

_MESSAGES, _OBJECT = "WorkflowOutboundMessage", "CustomObject"
_FOLDER_SUFFIXES = (".reportFolder", ".dashboardFolder")


@dataclass(frozen=True, slots=True, order=True)
class Component:
    """One thing in an org. ``kind`` is Salesforce's metadata type, ``name`` its full name ("Contact.NPS_Score__c")."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Source:
    """One component and the text of its file in the project."""

    component: Component
    path: PurePosixPath  # below the project
    text: str

    @property
    def body(self) -> str:
        """What stands between the root element's tags."""
        return self.text.split(f'xmlns="{NAMESPACE}">\n', 1)[1].rsplit("</", 1)[0]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A package that can be deployed. ``files`` are paths and texts in the zip, without ``package.xml``."""

    components: tuple[Component, ...]
    files: Mapping[str, str]
    api_version: str

    def zip(self) -> bytes:
        return _zip({"package.xml": manifest(self.components, self.api_version), **self.files})


def sources(values: Mapping[str, str], project: Path = PROJECT) -> tuple[Source, ...]:
    """Every component of the project, its replacements carried out with ``values`` (by variable).

    Raises KeyError for a variable without a value, so that no placeholder ever reaches an org.
    """
    filled = _replacements(project, values)
    files = sorted(each for each in (project / SOURCE).rglob("*-meta.xml"))
    found = (PurePosixPath(file.relative_to(project).as_posix()) for file in files)
    return tuple(each for path in found for each in _read(path, filled(path, (project / path).read_text("utf-8"))))


def names() -> frozenset[str]:
    """Everything that ``without`` knows: types, full names, permissions, and columns of list views."""
    parts = sources({ENDPOINT: "", USERNAME: ""})
    found = {name for each in parts for name in (each.component.kind, each.component.name)}
    return frozenset(found).union(*(_details(each.text) for each in parts))


def without(parts: Iterable[Source], left_out: frozenset[str]) -> tuple[Source, ...]:
    """The parts without those of these types or names, and without what permission sets and list views say of them."""
    kept = (each for each in parts if not left_out & {each.component.kind, each.component.name})
    return tuple(replace(each, text=_stripped(each.text, left_out)) for each in kept)


def _details(text: str) -> Iterator[str]:
    for block in _PERMISSION.finditer(text):
        yield from _NAMED.findall(block[0])
    yield from _COLUMN.findall(text)


def _stripped(text: str, left_out: frozenset[str]) -> str:
    text = _PERMISSION.sub(lambda block: "" if left_out & set(_NAMED.findall(block[0])) else block[0], text)
    return _COLUMN.sub(lambda line: "" if line[1] in left_out else line[0], text)


def bundle(
    parts: Sequence[Source], api_version: str, wanted: Callable[[Component], bool] = lambda _each: True
) -> Bundle:
    """The package of the components that are ``wanted``."""
    taken = [each for each in parts if wanted(each.component)]
    return Bundle(tuple(sorted(each.component for each in taken)), dict(_files(taken)), api_version)


def removal(components: Iterable[Component], api_version: str) -> bytes:
    """The zip that takes components away, and deploys nothing."""
    return _zip({"package.xml": manifest((), api_version), "destructiveChanges.xml": manifest(components, api_version)})


def switching_off(flows: Iterable[str], api_version: str) -> bytes:
    """The zip that makes flows inactive: Salesforce deletes no active one."""
    off = {f"flowDefinitions/{name}.flowDefinition": _document("FlowDefinition", _OFF) for name in sorted(flows)}
    named = [Component("FlowDefinition", name) for name in flows]
    return _zip({"package.xml": manifest(named, api_version), **off})


_OFF = "    <activeVersionNumber>0</activeVersionNumber>\n"


def manifest(components: Iterable[Component], api_version: str) -> str:
    """``package.xml``: the components by type."""
    by_kind: dict[str, list[str]] = {}
    for each in sorted(components):
        by_kind.setdefault(each.kind, []).append(each.name)
    types = "".join(_types(kind, names) for kind, names in by_kind.items())
    return _document("Package", f"{types}    <version>{api_version}</version>\n")


def _types(kind: str, names: Sequence[str]) -> str:
    members = "".join(f"        <members>{escape(name)}</members>\n" for name in names)
    return f"    <types>\n{members}        <name>{kind}</name>\n    </types>\n"


def _replacements(project: Path, values: Mapping[str, str]) -> Callable[[PurePosixPath, str], str]:
    """By the project's own table, which ``sf`` follows too."""
    table = json.loads((project / "sfdx-project.json").read_text("utf-8"))["replacements"]

    def filled(path: PurePosixPath, text: str) -> str:
        for each in table:
            if path.match(each["glob"]):
                text = text.replace(each["stringToReplace"], escape(values[each["replaceWithEnv"]]))
        return text

    return filled


def _read(path: PurePosixPath, text: str) -> list[Source]:
    parts = path.relative_to(SOURCE).parts
    stem = parts[-1].removesuffix("-meta.xml")
    if parts[0] == "objects":
        return [Source(_of_object(parts, stem), path, text)]
    if parts[0] == "workflows":
        return [Source(each, path, text) for each in _outbound(stem.removesuffix(".workflow"), text)]
    kind, suffix = _FOLDERS[parts[0]]
    name = "/".join((*parts[1:-1], _without(stem, (f".{suffix}", *_FOLDER_SUFFIXES))))
    return [Source(Component(kind, name), path, text)]


def _of_object(parts: Sequence[str], stem: str) -> Component:
    if len(parts) == 3:
        return Component(_OBJECT, stem.removesuffix(".object"))
    kind, suffix = _PARTS[parts[2]]
    return Component(kind, f"{parts[1]}.{stem.removesuffix(f'.{suffix}')}")


def _outbound(sobject: str, text: str) -> list[Component]:
    tag = f"{{{NAMESPACE}}}"
    messages = ElementTree.fromstring(text.encode()).findall(f"{tag}outboundMessages")
    return [Component(_MESSAGES, f"{sobject}.{each.findtext(f'{tag}fullName')}") for each in messages]


def _without(stem: str, suffixes: Iterable[str]) -> str:
    return next((stem.removesuffix(each) for each in suffixes if stem.endswith(each)), stem)


def _files(taken: Sequence[Source]) -> Iterable[tuple[str, str]]:
    """Paths and texts in metadata format: objects put together, all others under their own names."""
    objects: dict[str, list[Source]] = {}
    for each in taken:
        parts = each.path.relative_to(SOURCE).parts
        if parts[0] == "objects":
            objects.setdefault(parts[1], []).append(each)
        else:
            yield str(PurePosixPath(*parts[:-1], _in_the_zip(parts[-1]))), each.text
    for name, pieces in objects.items():
        yield f"objects/{name}.object", _document(_OBJECT, _together(pieces))


def _in_the_zip(name: str) -> str:
    """``X.report-meta.xml`` is ``X.report``; a folder ``X.reportFolder-meta.xml`` is ``X-meta.xml``."""
    stem = name.removesuffix("-meta.xml")
    folder = _without(stem, _FOLDER_SUFFIXES)
    return stem if folder == stem else f"{folder}-meta.xml"


def _together(pieces: Sequence[Source]) -> str:
    """The object's own elements and its parts, by element name: the order in which Salesforce writes them."""
    elements: list[tuple[str, str]] = []
    for each in pieces:
        if each.component.kind == _OBJECT:
            elements.extend(_top_elements(each.body))
        else:
            elements.append((each.path.parts[-2], _wrapped(each.path.parts[-2], each.body)))
    return "".join(text for _, text in sorted(elements, key=lambda named: named[0]))


def _top_elements(body: str) -> list[tuple[str, str]]:
    """The elements at the outer indent of four spaces, each with its lines."""
    found: list[tuple[str, str]] = []
    for line in body.splitlines(keepends=True):
        if line.startswith("    <") and not line.startswith("    </"):
            found.append((line.strip().strip("<>/").split(">")[0], line))
        else:
            name, text = found.pop()
            found.append((name, text + line))
    return found


def _wrapped(element: str, body: str) -> str:
    inner = "".join(f"    {line}" for line in body.splitlines(keepends=True))
    return f"    <{element}>\n{inner}    </{element}>\n"


def _document(root: str, body: str) -> str:
    return _ROOT.format(root, body)


def _zip(files: Mapping[str, str]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), text, zipfile.ZIP_DEFLATED)
    return held.getvalue()
