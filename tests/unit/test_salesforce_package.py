"""The metadata package: every file against Salesforce's own schema, and every name that one file says of another."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import zipfile
from collections.abc import Iterable
from configparser import ConfigParser
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from integrations.salesforce.fields import ACCOUNT, PERSON, RESPONSE
from integrations.salesforce.helpdesk.case_mapping import CASES
from integrations.salesforce.setup import bundle as package
from integrations.salesforce.setup.bundle import Component, Source
from tests.oracles import oracle_path
from tests.support.metadata_wsdl import mistakes
from webhooks.salesforce.cases import KEY, TAGS

NS = f"{{{package.NAMESPACE}}}"
ENDPOINT, USERNAME = "https://feedback.acme.example/webhooks/salesforce/a&b", "ringback@acme.example"
PARTS = package.sources({package.ENDPOINT: ENDPOINT, package.USERNAME: USERNAME})
BUNDLE = package.bundle(PARTS, "60.0")
NAMES = {(each.component.kind, each.component.name) for each in PARTS}

SHOWN = {ACCOUNT.score, ACCOUNT.responses}
"""What a contact shows of its account, by formula."""

STANDARD_COLUMNS = {
    "Account": {"ACCOUNT.NAME", "ACCOUNT.PHONE1", "CORE.USERS.ALIAS"},
    "Contact": {"FULL_NAME", "ACCOUNT.NAME", "CONTACT.PHONE1", "CONTACT.EMAIL", "CORE.USERS.ALIAS"},
    "Lead": {"FULL_NAME", "LEAD.COMPANY", "LEAD.PHONE", "LEAD.EMAIL", "CORE.USERS.ALIAS"},
    RESPONSE.sobject: {"NAME"},
}
"""Columns of list views have names of their own for standard fields."""


def of(kind: str) -> list[Source]:
    found = [each for each in PARTS if each.component.kind == kind]
    assert found, f"the package has no {kind}"
    return found


def tree(source: Source) -> ElementTree.Element:
    return ElementTree.fromstring(source.text)  # noqa: S314 - our own file


def texts(root: ElementTree.Element, path: str) -> list[str]:
    return [each.text or "" for each in root.findall("/".join(f"{NS}{name}" for name in path.split("/")))]


def fields_of(sobject: str) -> set[str]:
    names = (each.component.name for each in of("CustomField"))
    return {name.partition(".")[2] for name in names if name.startswith(f"{sobject}.")}


def has_field(sobject: str, name: str) -> bool:
    """Custom fields must be ours; standard ones end in no __c and are the org's."""
    return name in fields_of(sobject) if name.endswith("__c") else True


# What Salesforce's schema says


@pytest.mark.parametrize("path", sorted({each.path for each in PARTS}), ids=lambda path: path.name)
def test_each_file_is_as_the_schema_of_the_metadata_api_wants_it(path: Any) -> None:
    assert mistakes((package.PROJECT / path).read_text("utf-8")) == []


def test_each_file_of_the_zip_is_as_the_schema_wants_it_and_the_manifest_too() -> None:
    archive = zipfile.ZipFile(io.BytesIO(BUNDLE.zip()))
    assert {name: found for name in archive.namelist() if (found := mistakes(archive.read(name).decode()))} == {}


def test_the_schema_is_no_rubber_stamp() -> None:
    [score] = [each for each in of("CustomField") if each.component.name == f"Contact.{PERSON.score}"]
    for wrong in (
        score.text.replace("<type>Number</type>", "<type>Numeral</type>"),
        score.text.replace("<precision>", "<digits>").replace("</precision>", "</digits>"),
        score.text.replace("    <scale>0</scale>\n", "").replace("    <label>", "    <scale>0</scale><label>"),
        score.text.replace("<scale>0</scale>", "<scale>none</scale>"),
    ):
        assert wrong != score.text
        assert mistakes(wrong)


def test_a_removal_and_a_switching_off_are_as_the_schema_wants_them() -> None:
    for content in (package.removal(BUNDLE.components, "60.0"), package.switching_off(["Ringback_Case"], "60.0")):
        archive = zipfile.ZipFile(io.BytesIO(content))
        assert archive.namelist()[0] == "package.xml"
        assert [found for name in archive.namelist() for found in mistakes(archive.read(name).decode())] == []


# Names


def test_the_fields_are_those_that_are_written() -> None:
    person = set(dataclasses.astuple(PERSON))
    assert fields_of("Lead") == person
    assert fields_of("Contact") == person | SHOWN
    assert fields_of("Account") == set(dataclasses.astuple(ACCOUNT))
    assert fields_of("Case") == {CASES.key, CASES.tags, CASES.due_at} == {KEY, TAGS, CASES.due_at}
    assert fields_of(RESPONSE.sobject) == set(dataclasses.astuple(RESPONSE)) - {RESPONSE.sobject}


@pytest.mark.parametrize("source", PARTS, ids=lambda each: each.component.name)
def test_a_component_is_named_as_its_file(source: Source) -> None:
    inside = texts(tree(source), "fullName")
    own = source.component.name.rpartition(".")[2]
    assert not inside or inside == [own]
    last = own.rpartition("/")[2]
    if source.component.kind not in ("Layout", "CustomTab", "CustomObject"):
        bare = last.removesuffix("__c")
        assert re.fullmatch(r"[A-Za-z](?:_?[A-Za-z0-9])*", bare), "letters, digits, single underscores inside"
        assert len(bare) <= 40


def test_no_component_is_named_twice_and_everything_of_ours_says_so() -> None:
    assert len(NAMES) == len(PARTS) == len(BUNDLE.components)
    for kind in ("CustomField", "CustomObject", "PermissionSet", "Flow", "FlexiPage", "ReportType", "CustomPermission"):
        for source in of(kind):
            assert texts(tree(source), "description")[0].startswith("Made by Ringback. "), source.component
    ours = [each for each in PARTS if each.component.kind not in ("CustomField", "CustomObject", "Layout", "CustomTab")]
    assert all("Ringback" in each.component.name for each in ours)


def test_what_people_read_fits_where_it_is_shown() -> None:
    for source in PARTS:
        root = tree(source)
        for element, most in (("label", 40), ("description", 255), ("inlineHelpText", 510), ("name", 40)):
            if source.component.kind == "ReportType" and element == "label":
                most = 50
            assert all(len(text) <= most for text in texts(root, element)), (source.component, element)


# What one file says of another


def test_permission_sets_name_fields_and_objects_that_exist_and_none_that_is_required() -> None:
    for source in of("PermissionSet"):
        root = tree(source)
        for name in texts(root, "fieldPermissions/field"):
            sobject, _, field = name.partition(".")
            assert has_field(sobject, field), name
        for name in texts(root, "objectPermissions/object"):
            assert not name.endswith("__c") or ("CustomObject", name) in NAMES
        required = [each.component.name for each in of("CustomField") if texts(tree(each), "required") == ["true"]]
        assert not set(required) & set(texts(root, "fieldPermissions/field"))


def test_the_integration_may_write_every_field_of_ours_and_readers_may_only_see_them() -> None:
    every = {each.component.name for each in of("CustomField")}
    found = {each.component.name: each for each in of("PermissionSet")}
    rights = {name: field_rights(source) for name, source in found.items()}
    assert {field for field, may_edit in rights["Ringback_Integration"].items() if may_edit} >= every - formulas()
    assert not any(rights["Ringback_Integration"][name] for name in formulas()), "nobody edits a formula"
    assert rights["Ringback_Reader"] == dict.fromkeys(every, False)


def formulas() -> set[str]:
    return {each.component.name for each in of("CustomField") if "<formula>" in each.text}


def test_a_formula_reads_a_field_of_ours_on_the_account() -> None:
    assert formulas() == {f"Contact.{name}" for name in SHOWN}
    for source in of("CustomField"):
        for formula in texts(tree(source), "formula"):
            assert formula == f"Account.{source.component.name.partition('.')[2]}"


def field_rights(source: Source) -> dict[str, bool]:
    root = tree(source)
    assert set(texts(root, "fieldPermissions/readable")) == {"true"}
    edit = [text == "true" for text in texts(root, "fieldPermissions/editable")]
    return dict(zip(texts(root, "fieldPermissions/field"), edit, strict=True))


def test_nobody_but_the_integration_holds_the_permission_that_silences_messages() -> None:
    holders = [each.component.name for each in of("PermissionSet") if "<customPermissions>" in each.text]
    assert holders == ["Ringback_Integration"]
    for flow in of("Flow"):
        [formula] = texts(tree(flow), "start/filterFormula")
        assert formula.startswith("AND(NOT({!$Permission.Ringback_Integration}), ")
        assert formula.count("(") == formula.count(")")


def test_list_views_show_and_compare_fields_that_exist() -> None:
    for source in of("ListView"):
        sobject = source.component.name.partition(".")[0]
        named = [*texts(tree(source), "columns"), *texts(tree(source), "filters/field")]
        unknown = [n for n in named if n not in fields_of(sobject) and n not in STANDARD_COLUMNS[sobject]]
        assert unknown == [], source.component
        assert not set(texts(tree(source), "filters/field")) & {PERSON.comment}, "long text cannot be compared"


@pytest.mark.parametrize(
    ("kind", "path"),
    [("FieldSet", "displayedFields/field"), ("CompactLayout", "fields"),
     ("Layout", "layoutSections/layoutColumns/layoutItems/field")],
)  # fmt: skip
def test_sections_and_layouts_show_fields_that_exist(kind: str, path: str) -> None:
    for source in of(kind):
        sobject = re.split(r"[.-]", source.component.name)[0]
        shown = texts(tree(source), path)
        assert shown
        assert len(shown) == len(set(shown))
        assert all(has_field(sobject, name) for name in shown)
        if kind == "CompactLayout":
            assert RESPONSE.comment not in shown, "compact layouts take no long text"


def test_record_pages_hang_together_and_show_fields_that_exist() -> None:
    for source in of("FlexiPage"):
        root = tree(source)
        [sobject] = texts(root, "sobjectType")
        shown = texts(root, "flexiPageRegions/itemInstances/fieldInstance/fieldItem")
        assert {name.removeprefix("Record.") for name in shown} == fields_of(sobject)
        regions = texts(root, "flexiPageRegions/name")
        values = texts(root, "flexiPageRegions/itemInstances/componentInstance/componentInstanceProperties/value")
        assert {n for n in values if n.startswith("Facet-")} == {n for n in regions if n.startswith("Facet-")}
        assert set(regions) >= {"header", "main", "sidebar"}
        rules = texts(root, "flexiPageRegions/itemInstances/componentInstance/visibilityRule/criteria/leftValue")
        ruled = [re.fullmatch(r"\{!Record\.(\w+)\}", rule)[1] for rule in rules]  # type: ignore[index]  # a rule of another form fails here
        assert ruled
        assert set(ruled) <= fields_of(sobject)
        marks = [str(each.text) for each in root.iter(f"{NS}identifier")]
        assert len(marks) == len(set(marks))


def test_nobody_who_was_won_back_is_called_unhappy() -> None:
    """Neither by the warning on their page nor by the list of those to win back."""
    for source in of("FlexiPage"):
        if "This customer is unhappy" in source.text:
            place = "flexiPageRegions/itemInstances/componentInstance/visibilityRule/criteria"
            told = [texts(tree(source), f"{place}/{part}") for part in ("leftValue", "operator", "rightValue")]
            assert ("{!Record.Loop_Status__c}", "NE", "recovered") in set(zip(*told, strict=True)), source
    for sobject in ("Contact", "Lead"):
        [view] = [each for each in of("ListView") if f"{sobject}.Ringback_Unhappy" in each.component.name]
        assert texts(tree(view), "filters/value") == ["detractor", "recovered"]


def test_report_types_join_along_lookups_of_ours() -> None:
    relationships = {
        (texts(tree(each), "referenceTo")[0], f"{texts(tree(each), 'relationshipName')[0]}__r")
        for each in of("CustomField")
        if "Lookup" in texts(tree(each), "type")
    }
    for source in of("ReportType"):
        root = tree(source)
        [base], [relationship] = texts(root, "baseObject"), texts(root, "join/relationship")
        assert (base, relationship) in relationships
        tables = texts(root, "sections/columns/table")
        objects = {base: base, f"{base}.{relationship}": RESPONSE.sobject}
        for table, field in zip(tables, texts(root, "sections/columns/field"), strict=True):
            assert has_field(objects[table], field), (table, field)


def test_reports_read_fields_that_exist_and_their_nps_is_the_average_factor() -> None:
    prefix = f"{RESPONSE.sobject}."
    formulas = []
    for source in [each for each in of("Report") if "/" in each.component.name]:
        root = tree(source)
        assert texts(root, "reportType") == [f"CustomEntity${RESPONSE.sobject}"]
        named = [*texts(root, "columns/field"), *texts(root, "filter/criteriaItems/column"),
                 *texts(root, "groupingsDown/field"), *texts(root, "timeFrameFilter/dateColumn")]  # fmt: skip
        assert all(n == "CUST_NAME" or n.removeprefix(prefix) in fields_of(RESPONSE.sobject) for n in named)
        only_counts = not texts(root, "aggregates/masterLabel") and texts(root, "columns/field") == ["CUST_NAME"]
        assert only_counts or "nps" in texts(root, "filter/criteriaItems/value"), "scales are never mixed"
        formulas += texts(root, "aggregates/calculatedFormula")
        assert ("Report", source.component.name.partition("/")[0]) in NAMES
    assert set(formulas) == {f"{prefix}{RESPONSE.factor}:AVG * 100"}


def test_the_dashboard_shows_trend_open_loops_and_answers_of_reports_in_the_package() -> None:
    [dashboard] = [each for each in of("Dashboard") if "/" in each.component.name]
    root, part = tree(dashboard), "dashboardGridLayout/dashboardGridComponents"
    assert ("Dashboard", dashboard.component.name.partition("/")[0]) in NAMES
    assert texts(root, "dashboardType") == ["LoggedInUser"], "nobody sees more by it than they may"
    components = root.findall("/".join(f"{NS}{name}" for name in f"{part}/dashboardComponent".split("/")))
    shown = [(texts(each, "report")[0], texts(each, "chartSummary/column")[0]) for each in components]
    assert {report for report, _ in shown} == {
        "Ringback/NPS_by_Month", "Ringback/Unhappy_Customers_Open", "Ringback/Responses_by_Week"}  # fmt: skip
    for each, (report, figure) in zip(components, shown, strict=True):
        [source] = [found for found in of("Report") if found.component.name == report]
        behind = tree(source)
        assert figure == "RowCount" or figure in texts(behind, "aggregates/developerName")
        assert set(texts(each, "groupingColumn")) <= set(texts(behind, "groupingsDown/field"))


def test_no_two_parts_of_the_dashboard_lie_on_one_another() -> None:
    [dashboard] = [each for each in of("Dashboard") if "/" in each.component.name]
    root, part = tree(dashboard), "dashboardGridLayout/dashboardGridComponents"
    names = ("columnIndex", "colSpan", "rowIndex", "rowSpan")
    boxes = list(zip(*([int(each) for each in texts(root, f"{part}/{name}")] for name in names), strict=True))
    cells = [
        (x, y) for left, wide, top, high in boxes for x in range(left, left + wide) for y in range(top, top + high)
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < int(texts(root, "dashboardGridLayout/numberOfColumns")[0])


def test_each_flow_sends_a_message_of_the_package_about_its_own_object() -> None:
    sent = []
    for source in of("Flow"):
        root = tree(source)
        [message], [sobject] = texts(root, "actionCalls/actionName"), texts(root, "start/object")
        assert message.startswith(f"{sobject}.")
        assert texts(root, "start/connector/targetReference") == texts(root, "actionCalls/name")
        sent.append(message)
    assert sorted(sent) == sorted(each.component.name for each in of("WorkflowOutboundMessage"))


def test_messages_carry_what_is_understood_no_session_and_go_where_they_were_told_to() -> None:
    for source in of("WorkflowOutboundMessage"):
        root = tree(source)
        assert texts(root, "outboundMessages/endpointUrl") == [ENDPOINT]
        assert texts(root, "outboundMessages/integrationUser") == [USERNAME]
        assert texts(root, "outboundMessages/includeSessionId") == ["false"]
        shown, sobject = texts(root, "outboundMessages/fields"), source.component.name.partition(".")[0]
        assert {"Id", "LastModifiedById", "LastModifiedDate"} <= set(shown)
        assert all(has_field(sobject, name) for name in shown)


def test_no_placeholder_leaves_the_house() -> None:
    assert not [each.path for each in PARTS if "ringback.invalid" in each.text]
    with pytest.raises(KeyError):
        package.sources({package.ENDPOINT: ENDPOINT})


# As others recorded it


HIDDEN = {"DoNotCall", "HasOptedOutOfEmail"}
"""Standard fields of a contact that the user of the recording was not allowed to see."""


def recorded_contact() -> dict[str, Any]:
    file = oracle_path("salesforce/recorded/cumulusci_GET_sobjects_Contact_describe.yaml")
    describe = json.loads(yaml.safe_load(file.read_text())["response"]["body"]["string"])
    return {field["name"]: field for field in describe["fields"]}


def test_standard_fields_of_a_contact_are_there_in_a_real_org_and_take_permissions() -> None:
    known = recorded_contact()
    [message] = [each for each in of("WorkflowOutboundMessage") if each.component.name.startswith("Contact.")]
    assert set(texts(tree(message), "outboundMessages/fields")) <= set(known) | HIDDEN
    named = (field for each in of("PermissionSet") for field in field_rights(each) if field.startswith("Contact."))
    standard = {name.partition(".")[2] for name in named if not name.endswith("__c")}
    assert {name for name in standard - HIDDEN if not known[name]["permissionable"]} == set()


def test_the_message_about_a_contact_is_one_that_a_real_message_schema_describes() -> None:
    wsdl = ElementTree.parse(oracle_path("salesforce/wsdl/kvansaders_contact_outbound_message.wsdl"))  # noqa: S314 - evidence beside the project
    xsd = "{http://www.w3.org/2001/XMLSchema}"
    kinds = {each.get("name"): each for each in wsdl.iter(f"{xsd}complexType")}
    described = {str(each.get("name")) for each in kinds["Contact"].iter(f"{xsd}element")} | {"Id"}
    [message] = [each for each in of("WorkflowOutboundMessage") if each.component.name.startswith("Contact.")]
    fields = set(texts(tree(message), "outboundMessages/fields"))
    unselected = {"LastModifiedById", "LastModifiedDate"}
    assert fields - described <= HIDDEN | unselected, "the recorded message left these out; others are misspelt"


# The project and the zip


def test_the_project_is_one_that_sf_reads() -> None:
    project = json.loads((package.PROJECT / "sfdx-project.json").read_text())
    assert project["packageDirectories"] == [{"path": "force-app", "default": True}]
    assert (package.PROJECT / "force-app").is_dir()
    assert project["sourceApiVersion"] == "60.0"
    for each in project["replacements"]:
        assert any(each["stringToReplace"] in file.read_text() for file in package.PROJECT.glob(each["glob"]))


def test_the_zip_holds_every_component_once_and_is_the_same_every_time() -> None:
    content = BUNDLE.zip()
    assert content == package.bundle(PARTS, "60.0").zip()
    archive = zipfile.ZipFile(io.BytesIO(content))
    manifest = ElementTree.fromstring(archive.read("package.xml"))  # noqa: S314 - our own
    listed = {
        (kind, name)
        for types in manifest.findall(f"{NS}types")
        for kind in texts(types, "name")
        for name in texts(types, "members")
    }
    assert listed == NAMES
    inside = "".join(archive.read(name).decode() for name in archive.namelist() if name.startswith("objects/"))
    for component in BUNDLE.components:
        if component.kind in ("CustomField", "ListView", "FieldSet", "CompactLayout"):
            assert f"<fullName>{component.name.partition('.')[2]}</fullName>" in inside


def test_what_is_left_out_is_in_neither_the_manifest_nor_the_object() -> None:
    out = Component("CustomField", f"Contact.{PERSON.score}")
    archive = zipfile.ZipFile(io.BytesIO(package.bundle(PARTS, "60.0", lambda each: each != out).zip()))
    assert out.name not in archive.read("package.xml").decode()
    assert f"<fullName>{PERSON.score}</fullName>" not in archive.read("objects/Contact.object").decode()


def test_the_package_travels_with_the_distribution() -> None:
    setup = ConfigParser()
    setup.read("setup.cfg")
    patterns = [each.strip().removeprefix("**/") for each in setup["options.package_data"]["*"].split(",")]
    assert [each for each in _all_files() if not any(fnmatch(each.name, pattern) for pattern in patterns)] == []


def _all_files() -> Iterable[Path]:
    return (each for each in package.PROJECT.rglob("*") if each.is_file())


def test_every_file_of_the_project_is_read() -> None:
    read = {package.PROJECT / each.path for each in PARTS} | {package.PROJECT / "sfdx-project.json"}
    assert {each for each in _all_files() if each.name != "README.md"} == read
