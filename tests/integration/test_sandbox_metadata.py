"""The stand-in's Metadata API, asked over HTTP: what it takes, what it objects to, and what it shows to whom."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests

from sandbox.world import World

NS = "http://soap.sforce.com/2006/04/metadata"
OPTIONS = {"checkOnly": False, "rollbackOnError": True, "singlePackage": True, "ignoreWarnings": False}
SHOE = (
    "<fields><fullName>Shoe__c</fullName><label>Shoe</label><precision>2</precision><scale>0</scale>"
    "<type>Number</type></fields>"
)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World() as running:
        yield running


class Admin:
    def __init__(self, world: World, username: str) -> None:
        self._url = f"{world.salesforce_url}/services/data/v60.0/metadata/deployRequest"
        self._headers = {"Authorization": f"Bearer {world.salesforce.token(username)}"}

    def start(self, content: bytes, **options: Any) -> requests.Response:
        parts = {"json": (None, json.dumps({"deployOptions": {**OPTIONS, **options}}), "application/json"),
                 "file": ("deploy.zip", content, "application/zip")}  # fmt: skip
        return requests.post(self._url, files=parts, headers=self._headers, timeout=60)  # type: ignore[arg-type]  # a name of None is a part without a file name

    def look(self, number: str, details: str = "true") -> Any:
        asked = {"includeDetails": details}
        return requests.get(f"{self._url}/{number}", params=asked, headers=self._headers, timeout=60).json()

    def deploy(self, content: bytes, **options: Any) -> Any:
        """The result, once it is done."""
        number = self.start(content, **options).json()["id"]
        assert self.look(number)["deployResult"]["status"] == "InProgress"
        return self.look(number)["deployResult"]


@pytest.fixture
def admin(world: World) -> Admin:
    return Admin(world, world.salesforce.admin_username)


Members = Mapping[str, list[str]]


def package(members: Members, files: Mapping[str, str], gone: Members | None = None) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("package.xml", manifest(members))
        if gone:
            archive.writestr("destructiveChanges.xml", manifest(gone))
        for name, text in files.items():
            archive.writestr(name, text)
    return held.getvalue()


def manifest(members: Members) -> str:
    types = "".join(
        f"<types>{''.join(f'<members>{name}</members>' for name in names)}<name>{kind}</name></types>"
        for kind, names in members.items()
    )
    return document("Package", f"{types}<version>60.0</version>")


def document(root: str, body: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><{root} xmlns="{NS}">{body}</{root}>'


def shoe(field: str = SHOE) -> bytes:
    return package({"CustomField": ["Contact.Shoe__c"]}, {"objects/Contact.object": document("CustomObject", field)})


def problems(result: Any) -> list[str]:
    return [each["problem"] for each in result["details"]["componentFailures"]]


def test_a_check_changes_nothing_and_a_deployment_is_the_same_only_once(world: World, admin: Admin) -> None:
    [checked] = admin.deploy(shoe(), checkOnly=True)["details"]["componentSuccesses"]
    assert (checked["fullName"], checked["created"], checked["changed"]) == ("Contact.Shoe__c", True, True)
    assert world.salesforce.org.records.sobject("Contact").field("Shoe__c") is None
    assert admin.deploy(shoe())["success"] is True
    [again] = admin.deploy(shoe())["details"]["componentSuccesses"]
    assert (again["created"], again["changed"]) == (False, False)
    [other] = admin.deploy(shoe(SHOE.replace(">Shoe<", ">Boot<")))["details"]["componentSuccesses"]
    assert (other["created"], other["changed"]) == (False, True)


def test_one_component_that_is_refused_takes_all_with_it(world: World, admin: Admin) -> None:
    hat = SHOE.replace("Shoe", "Hat").replace("<label>Hat</label>", "")
    fields = document("CustomObject", SHOE.replace("Shoe", "Sock") + hat)
    both = package({"CustomField": ["Contact.Sock__c", "Contact.Hat__c"]}, {"objects/Contact.object": fields})
    result = admin.deploy(both)
    assert (result["success"], result["status"]) == (False, "Failed")
    assert problems(result) == ["Required field is missing: label"]
    assert world.salesforce.org.records.sobject("Contact").field("Sock__c") is None


@pytest.mark.parametrize(
    ("members", "files", "problem"),
    [
        ({"CustomField": ["Contact.Nope__c"]}, {}, "was not found in zipped directory"),
        ({"CustomField": ["Nope__c.A__c"]},
         {"objects/Nope__c.object": document("CustomObject", SHOE.replace("Shoe__c", "A__c"))}, "bad value"),
        ({"PermissionSet": ["P"]},
         {"permissionsets/P.permissionset": document("PermissionSet", "<fieldPermissions><editable>true</editable>"
                                                     "<field>Contact.Nope__c</field></fieldPermissions>")},
         "no CustomField named Contact.Nope__c found"),
        ({"Flow": ["F"]},
         {"flows/F.flow": document("Flow", "<actionCalls><actionName>Contact.Nope</actionName></actionCalls>")},
         "wasn't found"),
        ({"WorkflowOutboundMessage": ["Contact.M"]},
         {"workflows/Contact.workflow": document("Workflow", "<outboundMessages><fullName>M</fullName>"
                                                 "<integrationUser>no@body</integrationUser></outboundMessages>")},
         "no User named no@body found"),
        ({"ListView": ["Contact.V"]},
         {"objects/Contact.object": document("CustomObject", "<listViews><fullName>V</fullName>"
                                             "<columns>Nope__c</columns></listViews>")},
         "Could not resolve list view column: Nope__c"),
    ],
)  # fmt: skip
def test_names_that_lead_nowhere_are_refused(admin: Admin, members: Any, files: Any, problem: str) -> None:
    [said] = problems(admin.deploy(package(members, files)))
    assert problem in said


def test_what_is_not_there_cannot_be_deleted_unless_warnings_are_ignored(admin: Admin) -> None:
    gone = package({}, {}, {"CustomField": ["Contact.Nope__c"]})
    failed = admin.deploy(gone)
    assert problems(failed) == ["No CustomField named: Contact.Nope__c found"]
    assert failed["details"]["componentFailures"][0]["problemType"] == "Warning"
    assert admin.deploy(gone, ignoreWarnings=True)["success"] is True


@pytest.mark.parametrize("content", [b"no zip", package({}, {}).replace(b"package.xml", b"packages.xm")])
def test_a_package_without_a_manifest_fails_as_a_whole(admin: Admin, content: bytes) -> None:
    assert admin.deploy(content)["errorMessage"] == "No package.xml found"


def test_only_who_may_change_the_set_up_deploys(world: World) -> None:
    refused = Admin(world, world.salesforce.sales_username).start(shoe())
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS")


def test_a_deployment_that_nobody_started_is_not_found(admin: Admin) -> None:
    assert admin.look("0Af000000000001")[0]["errorCode"] == "NOT_FOUND"


def test_details_come_only_when_they_are_asked_for(admin: Admin) -> None:
    number = admin.start(shoe()).json()["id"]
    assert admin.look(number, "false")["deployResult"]["details"] is None


def test_an_assignment_that_is_there_is_refused_as_recorded(world: World) -> None:
    setup = world.salesforce.org.setup
    made = setup.create("PermissionSet", {"Name": "Twice"}, "")["Id"]
    body = {"AssigneeId": "005ak0000000002AAA", "PermissionSetId": made}
    url = f"{world.salesforce_url}/services/data/v60.0/sobjects/PermissionSetAssignment"
    headers = {"Authorization": f"Bearer {world.salesforce.token(world.salesforce.admin_username)}"}
    assert requests.post(url, json=body, headers=headers, timeout=60).status_code == 201
    [refused] = requests.post(url, json=body, headers=headers, timeout=60).json()
    assert refused["errorCode"] == "DUPLICATE_VALUE"
    assert refused["fields"] == ["AssigneeId", "PermissionSetId"]
