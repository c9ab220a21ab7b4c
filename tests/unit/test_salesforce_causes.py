"""What Salesforce's refusals mean: passing causes inside lasting codes, the fields that are meant, and the remedy."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from integrations.error_mapping import classify
from integrations.errors import IntegrationError, Moved, Permanent, RateLimited, Transient
from integrations.salesforce import mapping
from integrations.salesforce.writeback.bulk import _error as of_a_row
from tests.oracles import field_path

ID = "001000000000001"
LOCK = f"first error: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access to this record or 1 records: {ID}: []"
TRIGGER = "RollupTrigger: execution of AfterUpdate caused by: System.DmlException: Update failed. "
NESTED = f"{TRIGGER}first error: CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY, dlrs_Trigger: execution of AfterUpdate {LOCK}"

UNAVAILABLE = (
    "T: System.QueryException: Record Currently Unavailable: The record you are attempting to edit, or one of its "
    "related records, is currently being modified by another user"
)
WRONG_DATE = "Failed to deserialize field at col 3. Due to, 'Jan 1970' is not a valid value for the type xsd:date"
WRONG_NUMBER = (
    "Cannot deserialize instance of double from VALUE_STRING value Jan or request may be missing a required field at "
    "[line:1, column:30]"
)
READ_ONLY = (
    "Unable to create/update fields: NPS_Score__c, NPS_Band__c. Please check the security settings of this field and "
    "verify that it is read/write for your profile or permission set."
)

PASSING = [
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"{TRIGGER}First exception on row 0 with id {ID}; {LOCK}"),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", NESTED),
    ("CANNOT_EXECUTE_FLOW_TRIGGER", f"This error occurred: UNABLE_TO_LOCK_ROW: unable to obtain access: {ID}"),
    ("CANNOT_EXECUTE_FLOW_TRIGGER", "This error occurred: UNABLE_TO_LOCK_ROW. Contact your admin."),
    ("FIELD_CUSTOM_VALIDATION_EXCEPTION", f"Update failed. {LOCK}"),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: System.LimitException: Apex CPU time limit exceeded"),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", UNAVAILABLE),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: first error: QUERY_TIMEOUT, Your query was running for too long"),
    ("UNKNOWN_EXCEPTION", "REQUEST_RUNNING_TOO_LONG: Your request was running for too long, and has been stopped"),
    ("APEX_ERROR", "T: execution of BeforeUpdate caused by: deadlock detected"),
    ("UNABLE_TO_LOCK_ROW", f"unable to obtain exclusive access to this record or 1 records: {ID}"),
    ("QUERY_TIMEOUT", "Your query request was running for too long."),
]  # fmt: skip

LASTING = [
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"{TRIGGER}first error: FIELD_CUSTOM_VALIDATION_EXCEPTION, Unlock it: []"),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"{TRIGGER}first error: STRING_TOO_LONG, too large: UNABLE_TO_LOCK_ROW"),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: System.NullPointerException: Attempt to de-reference a null object"),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: System.LimitException: Too many SOQL queries: 101"),
    ("STRING_TOO_LONG", "NPS Comment: data value too large: they said UNABLE_TO_LOCK_ROW, deadlock (max length=255)"),
    ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "The account is locked by finance"),
]  # fmt: skip


def one(code: str, message: str, fields: tuple[str, ...] = ()) -> IntegrationError:
    """As a record of a collection."""
    told = {"success": False, "errors": [{"statusCode": code, "message": message, "fields": list(fields)}]}
    error = mapping.item_error(told)
    assert error is not None
    return error


def alone(code: str, message: str) -> IntegrationError:
    """As a whole call."""
    answer = requests.Response()
    answer.status_code, answer._content = 400, json.dumps([{"errorCode": code, "message": message}]).encode()
    return classify(answer, "POST", "https://acme.example/services/data/v60.0/sobjects/Case", mapping.DIALECT)


def in_a_job(code: str, message: str) -> IntegrationError:
    return of_a_row(f"{code}:{message}:--")


WAYS = pytest.mark.parametrize("way", [one, alone, in_a_job])


@WAYS
@pytest.mark.parametrize(("code", "message"), PASSING)
def test_a_passing_cause_inside_a_lasting_code_passes(way: Any, code: str, message: str) -> None:
    error = way(code, message)
    assert type(error) is Transient
    assert error.code == code
    assert not error.is_outage
    assert ID not in error.reason
    assert "Trigger" not in error.reason


@WAYS
@pytest.mark.parametrize(("code", "message"), LASTING)
def test_the_same_codes_with_another_cause_last(way: Any, code: str, message: str) -> None:
    error = way(code, message)
    assert type(error) is Permanent
    assert "finance" not in error.reason
    assert "they said" not in error.reason


def test_the_lock_that_a_trigger_tells_is_passing_in_a_collection_and_in_a_job() -> None:
    told = json.loads(field_path("salesforce-lock-told-by-a-trigger.json").read_text())["inputs"]
    [refused] = told["answer to PATCH /composite/sobjects, first try"]
    in_bulk = of_a_row(told["the same in a bulk job's failed results"])
    assert [type(each) for each in (mapping.item_error(refused), in_bulk)] == [Transient, Transient]
    assert in_bulk.reason == "Salesforce refused the record: CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY (UNABLE_TO_LOCK_ROW)"


@pytest.mark.parametrize(
    ("code", "message", "fields", "says"),
    [
        ("INVALID_FIELD", "No such column 'NPS_Score__c' on sobject of type Contact", "NPS_Score__c", "field-level"),
        ("INVALID_FIELD", WRONG_DATE, "", "the field takes date"),
        ("JSON_PARSER_ERROR", WRONG_NUMBER, "", "the field takes double"),
        ("INVALID_FIELD_FOR_INSERT_UPDATE", READ_ONLY, "NPS_Score__c, NPS_Band__c", "may read but not write"),
        ("REQUIRED_FIELD_MISSING", "Required fields are missing: [Branch__c, Region__c]", "Branch__c, Region__c",
         "the org demands"),
        ("DUPLICATE_VALUE", f"duplicate value found: Key__c duplicates value on record with id: {ID}", "Key__c",
         "another record"),
        ("NOT_FOUND", "Provided external ID field does not exist or is not accessible: Response_Id__c", "",
         "the external id field Response_Id__c is meant"),
        ("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", "", "permission set"),
        ("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "insufficient access", "", "permission set"),
        ("INVALID_TYPE", "sObject type 'Ringback_Response__c' is not supported.", "", "ringback provision"),
        ("ENTITY_IS_LOCKED", "entity is locked for editing", "", "approval"),
        ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "bad value for restricted picklist field: Jan", "", "picklist"),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: Jan is not allowed", "", "a trigger of the org"),
        ("CANNOT_EXECUTE_FLOW_TRIGGER", "We can't save Jan", "", "a flow of the org"),
    ],
)  # fmt: skip
@WAYS
def test_the_remedy_fits_the_cause_and_names_the_fields(
    way: Any, code: str, message: str, fields: str, says: str
) -> None:
    error = way(code, message)
    is_moved = code == "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY" and way is not alone  # said of one of many
    assert type(error) is (Moved if is_moved else Permanent)
    assert says in error.reason
    assert ", ".join(error.fields) == fields
    assert f"(fields: {fields})" in error.reason or not fields
    assert "Jan" not in error.reason
    assert "field-level security" not in error.reason or "field" in says


def test_a_field_that_the_answer_lists_goes_before_what_the_message_says() -> None:
    error = of_a_row("INVALID_FIELD:Failed to deserialize field at col 0. Due to, 'x:y' is not a valid value for the "
                     "type \nxsd:dateTime:NPS_Date__c --")  # fmt: skip
    assert error.fields == ("NPS_Date__c",)
    assert "(fields: NPS_Date__c); the field takes dateTime" in error.reason


def test_nothing_after_the_last_colon_is_a_field_unless_salesforce_says_so() -> None:
    error = of_a_row(f"INVALID_CROSS_REFERENCE_KEY:no access to: Jansen a0N0J00000OPSAV {ID}")
    assert error.fields == ()
    assert of_a_row(f"FIELD_INTEGRITY_EXCEPTION:no:{ID} a0N0J00000OPSAV AccountId --").fields == ("AccountId",)


def test_a_record_that_is_gone_is_still_told_so() -> None:
    error = one("NOT_FOUND", "The requested resource does not exist")
    assert (error.code, "find the customer's record again" in error.reason) == ("NOT_FOUND", True)
    limited = one("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    assert isinstance(limited, RateLimited)
