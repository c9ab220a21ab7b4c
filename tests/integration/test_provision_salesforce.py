"""Setting up an org by command: once, again, after somebody changed it, and taking it away again.

Every package that any of these tests deploys, and every answer, is held against the schema of Salesforce's Metadata
API (see ``a_salesforce_admin``).
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integrations.errors import Permanent, Transient
from integrations.salesforce.fields import PERSON, RESPONSE
from integrations.salesforce.setup import bundle as package
from integrations.salesforce.setup.metadata import read_deployment
from integrations.salesforce.setup.provision import SalesforceProvisioner, Target
from sandbox.salesforce.metadata_zip import canonical
from sandbox.salesforce.security import Rights
from tests.support.clients import build
from tests.support.salesforce_admin import BASE_URL, TOKEN, SalesforceAdmin, a_salesforce_admin

SCORE = f"Contact.{PERSON.score}"
ALL = 78  # components of the package


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in is done at the second look, however soon that is."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


@pytest.fixture
def admin(tmp_path: Path, sqlite_template: Path) -> Iterator[SalesforceAdmin]:
    with a_salesforce_admin(tmp_path, sqlite_template) as admin:
        yield admin


def custom_fields(admin: SalesforceAdmin) -> set[str]:
    found = admin.salesforce.org.records.objects.values()
    return {f"{each.name}.{one.name}" for each in found for one in each.fields.values() if one.name.endswith("__c")}


# --- making ---------------------------------------------------------------------------------------------------------


def test_a_dry_run_lets_the_org_check_the_package_and_changes_nothing(admin: SalesforceAdmin) -> None:
    said = admin.provision("--dry-run", code=1)
    assert f"+ CustomField              {SCORE}" in said
    assert f"{ALL + 1} to make" in said
    assert admin.changes == 0
    assert custom_fields(admin) == set()


def test_provisioning_makes_everything_in_one_deployment_and_a_second_run_changes_nothing(
    admin: SalesforceAdmin,
) -> None:
    assert f"{ALL + 1} made" in admin.provision()
    assert admin.changes == 1
    assert {kind for kind, _ in admin.salesforce.deployments.components} >= {"CustomField", "Flow", "Report", "Layout"}
    made = dict(admin.salesforce.deployments.components)
    said = admin.provision()
    assert f"{ALL + 1} as they should be" in said
    assert "Nothing there needs to change" in said
    assert admin.changes == 1
    assert admin.salesforce.deployments.components == made
    assert len(admin.salesforce.org.setup.all("PermissionSetAssignment")) == 1


def test_who_has_only_the_newest_score_written_is_told_how_to_have_everything(admin: SalesforceAdmin) -> None:
    assert "set write_back: everything in ringback.yaml" in admin.provision("--dry-run", code=1)
    admin.configure(write_back="everything")
    assert "write_back" not in admin.provision("--dry-run", code=1)


def test_the_integration_user_may_write_what_it_will_write(admin: SalesforceAdmin) -> None:
    contact = admin.salesforce.add_contact("Jansen", "jan@acme.example")["Id"]
    ours = admin.person(admin.salesforce.integration_username)
    refused = ours.write("Contact", contact, NPS_Score__c=9)
    assert refused.json()[0]["message"] == "No such column 'NPS_Score__c' on sobject of type Contact"
    admin.provision()
    assert ours.write("Contact", contact, NPS_Score__c=9).status_code == 204
    assert ours.write("Contact", contact, Account_NPS__c=9).json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert admin.salesforce.contact(contact)["NPS_Score__c"] == 9


def test_a_plain_user_sees_scores_with_the_readers_permission_set_only_and_changes_none(
    admin: SalesforceAdmin,
) -> None:
    admin.provision()
    contact = admin.salesforce.add_contact("Jansen", "jan@acme.example")["Id"]
    admin.person(admin.salesforce.integration_username).write("Contact", contact, NPS_Score__c=9)
    plain = admin.person(admin.salesforce.sales_username)
    assert not [name for name in plain.fields("Contact") if name.endswith("__c")]
    assert not [name for name in plain.read("Contact", contact) if name.endswith("__c")]
    assert plain.query("SELECT NPS_Score__c FROM Contact").json()[0]["errorCode"] == "INVALID_FIELD"
    assert plain.query("SELECT Id FROM Ringback_Response__c").json()[0]["errorCode"] == "INVALID_TYPE"
    assert plain.fields(RESPONSE.sobject) == set()
    reader = admin.reader()
    assert reader.query("SELECT NPS_Score__c FROM Contact").json()["records"][0]["NPS_Score__c"] == 9
    assert reader.read("Contact", contact)["NPS_Score__c"] == 9
    assert RESPONSE.comment in reader.fields(RESPONSE.sobject)
    assert reader.write("Contact", contact, NPS_Score__c=1).json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert admin.salesforce.contact(contact)["NPS_Score__c"] == 9


def test_an_admin_sees_new_fields_no_sooner_than_anybody_else(admin: SalesforceAdmin) -> None:
    admin.provision()
    assert not [n for n in admin.person(admin.salesforce.admin_username).fields("Contact") if n.endswith("__c")]


def test_messages_go_to_this_connection_with_its_token(admin: SalesforceAdmin) -> None:
    admin.provision()
    archive = zipfile.ZipFile(io.BytesIO(admin.salesforce.deployments.log[-1].package))
    text = archive.read("workflows/Contact.workflow").decode()
    assert f"<endpointUrl>{BASE_URL}/webhooks/salesforce/{TOKEN}</endpointUrl>" in text
    assert f"<integrationUser>{admin.salesforce.integration_username}</integrationUser>" in text


@pytest.mark.parametrize("why", ["no token", "nobody can reach it"])
def test_without_a_way_in_messages_are_left_out_and_the_admin_is_told(admin: SalesforceAdmin, why: str) -> None:
    if why == "no token":
        admin.configure(webhook_token="")
    else:
        admin.environment["RINGBACK_BASE_URL"] = "http://ringback.acme.example"
    said = admin.provision()
    assert "! messages" in said
    assert "set RINGBACK_BASE_URL to a public https address" in said
    kinds = {kind for kind, _ in admin.salesforce.deployments.components}
    assert "CustomField" in kinds
    assert not kinds & {"Flow", "WorkflowOutboundMessage"}


# --- drift ----------------------------------------------------------------------------------------------------------


def test_a_field_that_somebody_deleted_comes_back_and_nothing_else_is_touched(admin: SalesforceAdmin) -> None:
    admin.provision()
    admin.salesforce.deployments.delete("CustomField", SCORE)
    assert admin.plan() == {"make": [f"CustomField {SCORE}"]}
    assert "1 made" in admin.provision()
    assert SCORE in custom_fields(admin)
    assert admin.plan() == {}


def test_what_somebody_changed_is_mended(admin: SalesforceAdmin) -> None:
    admin.provision()
    view = admin.salesforce.deployments.components["ListView", "Contact.Ringback_Promoters"]
    view.remove(next(iter(view)))
    said = admin.provision()
    assert "~ ListView" in said
    assert "it differs from what Ringback needs" in said
    assert "1 mended" in said


def test_a_user_who_lost_the_permission_set_gets_it_back(admin: SalesforceAdmin) -> None:
    admin.provision()
    [held] = admin.salesforce.org.setup.all("PermissionSetAssignment")
    admin.salesforce.org.setup.delete("PermissionSetAssignment", held["Id"], "")
    assert admin.plan() == {"make": [f"PermissionSetAssignment {admin.salesforce.integration_username}"]}
    admin.provision()
    assert len(admin.salesforce.org.setup.all("PermissionSetAssignment")) == 1


def test_a_field_that_stays_hidden_in_spite_of_all_is_told_by_name(admin: SalesforceAdmin) -> None:
    """As when a muting permission set takes it away again: only reading it as the user shows that."""
    admin.provision()
    admin.salesforce.org.security.define("Ringback_Integration", Rights({}))
    said = admin.provision(code=1)
    assert "ringback@acme.example may still not use Account.Account_NPS_Responses__c" in said
    assert "and 33 more" in said


# --- refusals -------------------------------------------------------------------------------------------------------


def test_a_component_that_the_org_refuses_is_shown_with_its_remedy_and_nothing_is_changed(
    admin: SalesforceAdmin,
) -> None:
    problem = "In field: integrationUser - no User named ringback@acme.example found"
    admin.salesforce.deployments.refuse("WorkflowOutboundMessage", "Case.Ringback_Case_Changed", problem)
    said = admin.provision(code=1)
    assert "✘ WorkflowOutboundMessage  Case.Ringback_Case_Changed" in said
    assert problem in said
    assert "→ outbound messages are sent as the integration user: is that user active in this org?" in said
    assert "Nothing was changed" in said
    assert admin.changes == 0
    admin.provision("--dry-run", "--json", code=1)
    admin.salesforce.deployments.refuse("WorkflowOutboundMessage", "Case.Ringback_Case_Changed", "")
    admin.provision()


def test_what_an_org_does_not_take_may_be_left_out(admin: SalesforceAdmin) -> None:
    admin.salesforce.deployments.refuse("FlexiPage", "Ringback_Lead", "We could not find the component")
    assert "→ look it up in Setup, or go on without it: --leave-out FlexiPage" in admin.provision(code=1)
    said = admin.provision("--leave-out", "FlexiPage", "--leave-out", "Lead.Ringback_Promoters")
    assert f"{ALL + 1 - 4} made" in said
    kinds = {kind for kind, _ in admin.salesforce.deployments.components}
    assert "FlexiPage" not in kinds
    assert "did you mean FlexiPage?" in admin.provision("--leave-out", "FlexPage", code=2)


def test_a_single_permission_or_column_may_be_left_out_too(admin: SalesforceAdmin) -> None:
    problem = "Unknown field: Task.WhoId."
    admin.salesforce.deployments.refuse("PermissionSet", "Ringback_Integration", problem)
    assert "go on without it: --leave-out Task.WhoId" in admin.provision("--dry-run", code=1)
    admin.salesforce.deployments.refuse("PermissionSet", "Ringback_Integration", "")
    admin.provision("--leave-out", "Task.WhoId", "--leave-out", "LEAD.COMPANY", "--leave-out", "EditTask")
    parts = admin.salesforce.deployments.components
    permissions = canonical(parts["PermissionSet", "Ringback_Integration"])
    assert "Task.WhatId" in permissions
    assert not [name for name in ("Task.WhoId", "EditTask") if name in permissions]
    columns = canonical(parts["ListView", "Lead.Ringback_Promoters"])
    assert "LEAD.PHONE" in columns
    assert "LEAD.COMPANY" not in columns


def test_a_deployment_that_fails_after_a_good_check_leaves_nothing_behind(admin: SalesforceAdmin) -> None:
    provisioner = direct(admin)
    steps = provisioner.plan([])
    admin.salesforce.deployments.refuse("CustomField", SCORE, "You have reached the maximum number of custom fields")
    with pytest.raises(Transient) as failed:
        provisioner.perform(steps[0], {})
    assert f"CustomField {SCORE}: You have reached the maximum" in failed.value.reason
    assert "→ delete fields that nobody uses" in failed.value.reason
    assert custom_fields(admin) == set()


def test_a_user_who_may_not_deploy_is_told_both_ways_out(admin: SalesforceAdmin) -> None:
    admin.salesforce.org.deployers.clear()
    said = admin.provision(code=1)
    assert "INSUFFICIENT_ACCESS" in said
    assert "Modify Metadata Through Metadata API Functions" in said
    assert "--admin-token-file" in said


def test_an_admins_token_deploys_for_an_integration_user_who_may_not(admin: SalesforceAdmin) -> None:
    admin.salesforce.org.deployers = {admin.person(admin.salesforce.admin_username).id}
    token = admin.salesforce.token(admin.salesforce.admin_username)
    said = admin.provision("--admin-token-file", "-", given=f"{token}\n")
    assert f"{ALL + 1} made" in said
    assert token not in said
    assert token.encode() not in (admin.folder / "ringback.db").read_bytes()
    [held] = admin.salesforce.org.setup.all("PermissionSetAssignment")
    assert held["AssigneeId"] == admin.person(admin.salesforce.integration_username).id
    assert "holds no access token" in admin.provision("--admin-token-file", "-", given="two words\n", code=2)


def test_another_org_than_the_configured_one_is_left_alone(admin: SalesforceAdmin) -> None:
    admin.configure(organization_id="00D000000000999EAA")
    said = admin.provision(code=1)
    assert "belongs to the org" in said
    assert "correct organization_id or base_url" in said
    assert admin.salesforce.deployments.log == []


def test_a_connection_that_is_no_org_is_refused(admin: SalesforceAdmin) -> None:
    sender = "connections: {salesforce: {kind: inbound, webhook_secret: whsec_AAAA}}"
    (admin.folder / "ringback.yaml").write_text(sender)
    assert "is not a CRM" in admin.provision(code=2)


# --- what others had made -------------------------------------------------------------------------------------------


def test_a_field_of_the_same_name_is_used_as_it_is_and_never_removed(admin: SalesforceAdmin) -> None:
    admin.salesforce.add_field("Contact", PERSON.score, "double")
    plan = admin.plan()
    assert plan["adopt"] == [f"CustomField {SCORE}"]
    assert f"CustomField {SCORE}" not in plan["make"]
    admin.provision()
    said = admin.provision("--remove", "--yes")
    assert "it was there before Ringback" in said
    assert custom_fields(admin) == {SCORE}


def test_a_field_of_the_same_name_and_another_type_is_in_the_way(admin: SalesforceAdmin) -> None:
    admin.salesforce.add_field("Contact", PERSON.score, "boolean")
    said = admin.provision(code=1)
    assert "is a boolean; Ringback needs a Number" in said
    assert "name another field under fields:" in said
    assert admin.changes == 0


def test_a_database_that_was_lost_finds_everything_again_by_its_mark(admin: SalesforceAdmin) -> None:
    admin.provision()
    admin.lose_database()
    assert len(admin.plan()["adopt"]) == ALL
    assert f"{ALL} found and used" in admin.provision()
    assert admin.changes == 1
    admin.provision("--remove", "--yes")
    assert custom_fields(admin) == set()


# --- taking it away -------------------------------------------------------------------------------------------------


def test_removing_takes_away_what_was_made_and_nothing_else(admin: SalesforceAdmin) -> None:
    admin.salesforce.add_field("Contact", "Shoe_Size__c", "double")
    admin.provision()
    admin.reader()
    plan = admin.plan("--remove")
    assert len(plan["remove"]) == ALL + 1
    said = admin.provision("--remove", "--yes")
    assert "users who lose Ringback's permission sets: 2" in said
    assert f"{ALL + 1} removed" in said
    assert admin.salesforce.deployments.components == {}
    assert custom_fields(admin) == {"Contact.Shoe_Size__c"}
    assert admin.salesforce.org.setup.all("FlowDefinitionView") == []
    assert "nothing of ours is there" in admin.provision("--remove", "--yes")
    assert f"{ALL + 1} made" in admin.provision()


def test_an_org_that_was_never_set_up_has_nothing_to_remove(admin: SalesforceAdmin) -> None:
    assert "nothing of ours is there" in admin.provision("--remove", "--yes")
    assert admin.changes == 0


def test_a_removal_asks_first(admin: SalesforceAdmin) -> None:
    admin.provision()
    said = admin.provision("--remove", code=1, given="n\n")
    assert "What stands in removed fields goes with them" in said
    assert SCORE in custom_fields(admin)


def test_something_that_is_in_use_stops_the_removal_and_is_named(admin: SalesforceAdmin) -> None:
    admin.provision()
    admin.salesforce.deployments.refuse("FlexiPage", "Ringback_Contact", "This Lightning page is in use: org default")
    said = admin.provision("--remove", "--yes", code=1)
    assert "FlexiPage Ringback_Contact: This Lightning page is in use: org default" in said
    assert "take it out there first" in said
    assert SCORE in custom_fields(admin)


# --- production -----------------------------------------------------------------------------------------------------


def test_in_production_flows_arrive_switched_off_and_a_person_is_told_to_switch_them_on(
    admin: SalesforceAdmin,
) -> None:
    admin.salesforce.become_production()
    said = admin.provision()
    for flow in ("Ringback_Case_Changed", "Ringback_Contact_Changed", "Ringback_Opportunity_Won"):
        assert f"! flow activation          activate {flow}" in said
    assert "Activate: Salesforce lets flows into production only switched off" in said
    archive = zipfile.ZipFile(io.BytesIO(admin.salesforce.deployments.log[-1].package))
    assert "<status>Draft</status>" in archive.read("flows/Ringback_Case_Changed.flow").decode()
    assert not [row for row in admin.salesforce.org.setup.all("FlowDefinitionView") if row["ActiveVersionId"]]


def test_a_flow_that_was_switched_on_in_production_is_left_alone(admin: SalesforceAdmin) -> None:
    admin.salesforce.become_production()
    admin.provision()
    setup = admin.salesforce.org.setup
    for row in setup.all("FlowDefinitionView"):
        setup.update("FlowDefinitionView", row["Id"], {"ActiveVersionId": f"{row['ApiName']}-1"}, "")
    said = admin.provision()
    assert "flow activation" not in said
    assert len(setup.all("FlowVersionView")) == 3
    archive = zipfile.ZipFile(io.BytesIO(admin.salesforce.deployments.log[-1].package))
    assert not [name for name in archive.namelist() if name.startswith("flows/")]
    admin.provision("--remove", "--yes")
    assert setup.all("FlowDefinitionView") == []


def test_in_a_sandbox_flows_are_on_at_once(admin: SalesforceAdmin) -> None:
    assert "flow activation" not in admin.provision()
    active = [row["ActiveVersionId"] for row in admin.salesforce.org.setup.all("FlowDefinitionView")]
    assert len(active) == 3
    assert all(active)


# --- the Metadata API -----------------------------------------------------------------------------------------------


def direct(admin: SalesforceAdmin) -> SalesforceProvisioner:
    login = {"client_id": admin.salesforce.client_id, "client_secret": admin.salesforce.client_secret}
    auth = {"type": "client_credentials", **login}
    client: Any = build("salesforce", "salesforce", {"base_url": admin.world.salesforce_url, "auth": auth})
    target = Target(f"{BASE_URL}/webhooks/salesforce/{TOKEN}", admin.salesforce.organization_id, "60.0")
    return SalesforceProvisioner(client.session, client.session, target, sleep=lambda _seconds: None)


def test_a_deployment_is_followed_until_it_is_done(admin: SalesforceAdmin) -> None:
    heard: list[tuple[int, int]] = []
    waited: list[float] = []
    provisioner = direct(admin)
    provisioner._api._sleep, provisioner._api._progress = waited.append, lambda done, of: heard.append((done, of))
    provisioner.plan([])
    assert heard == [(ALL // 2, ALL), (ALL, ALL)]
    assert waited == [1.0]


def test_a_deployment_that_never_ends_is_given_up_with_its_number(admin: SalesforceAdmin) -> None:
    provisioner = direct(admin)

    def forget_that_it_was_asked(_seconds: float) -> None:
        admin.salesforce.deployments.log[-1].looks = 0

    provisioner._api._sleep = forget_that_it_was_asked
    with pytest.raises(Transient, match=r"InProgress after half an hour; look at Setup → Deployment Status"):
        provisioner.plan([])


@pytest.mark.parametrize("single", [True, False])
def test_lists_of_one_and_numbers_as_text_are_understood(single: bool) -> None:
    failure = {"componentType": "CustomField", "fullName": SCORE, "problem": "no", "problemType": "Error"}
    given = {"done": "true", "success": "false", "numberComponentsTotal": "1", "status": "Failed",
             "details": {"componentFailures": failure if single else [failure]}}  # fmt: skip
    found = read_deployment("0Af000000000001", given)
    assert (found.done, found.succeeded, found.total) == (True, False, 1)
    assert [each.component.name for each in found.refused] == [SCORE]


def test_the_source_for_sf_is_one_command_away(admin: SalesforceAdmin) -> None:
    folder = Path(admin.provision("--source").strip())
    assert json.loads((folder / "sfdx-project.json").read_text())["packageDirectories"]
    assert folder == package.PROJECT


def test_a_user_whose_org_cannot_be_read_is_no_reason_to_guess(admin: SalesforceAdmin) -> None:
    provisioner = direct(admin)
    admin.salesforce.org.access.organization_id = ""
    provisioner._target = Target("", "00D000000000999EAA", "60.0")
    with pytest.raises(Permanent):
        provisioner.plan([])
