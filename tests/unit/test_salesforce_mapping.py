"""Scores as Salesforce's collections, and what Salesforce's answers mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.errors import AuthFailed, IntegrationError, Moved, Permanent, RateLimited, Transient
from integrations.protocols import Score
from integrations.salesforce.mapping import (
    DEFAULT_FIELDS,
    batch,
    chunks,
    complaint,
    item_error,
    limits,
    rows,
)
from integrations.salesforce.record_ids import record_id, suffix
from integrations.scores import ScoreFields
from sandbox.salesforce.ids import suffix as made_by_the_stand_in
from tests.oracles import oracle_path

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
JAN, PIET = "003ak00000luKU1", "003ak00000luKU2AAM"


def score(record: str = JAN, **changes: Any) -> Score:
    values: dict[str, Any] = {"metric": "nps", "score": 9, "band": "promoter", "answered_at": NOON, "comment": "good"}
    return Score(record=record, **(values | changes))


@pytest.mark.parametrize("given", ["003ak00000luKU1AAM", "a" * 15, "a" * 15 + "AAA", "Z" * 15 + "555"])
def test_an_id_has_15_or_18_letters_and_digits(given: str) -> None:
    assert record_id("contact", given) == given


@given(st.from_regex(r"[a-zA-Z0-9]{15}", fullmatch=True))
def test_the_last_three_say_which_letters_are_capitals(short: str) -> None:
    long = short + suffix(short)
    assert record_id("contact", long) == long
    assert suffix(short) == made_by_the_stand_in(short)
    for changed in {short.swapcase(), short.lower(), short.upper()} - {short}:
        with pytest.raises(Permanent, match="contact is no Salesforce id: its last three characters do not fit"):
            record_id("contact", changed + suffix(short))


@pytest.mark.parametrize("given", ["003ak00000luKU1AAA", "003ak00000luku1AAM", "003ak00000luKU1aam", "0" * 17 + "1"])
def test_a_suffix_that_does_not_fit_is_a_mistake(given: str) -> None:
    with pytest.raises(Permanent, match="copy it anew") as refused:
        record_id("contact", given)
    assert refused.value.code == "bad_id"


@pytest.mark.parametrize(
    "given",
    ["", "003", "a" * 14, "a" * 16, "a" * 17, "a" * 19, "//evil.example/", "003abcde000000/", "003abcde00000 1",
     "003abcde0000001\n", "003abcde000000é", None, 3, ["003abcde0000001"]],
)
def test_anything_else_is_no_id(given: Any) -> None:
    with pytest.raises(Permanent, match="15 or 18") as refused:
        record_id("contact", given)
    assert refused.value.code == "bad_id"


def test_a_score_fills_the_default_fields() -> None:
    (row,), wrong = rows([score()], DEFAULT_FIELDS)
    assert wrong == {}
    assert batch([row], "Contact") == {
        "allOrNone": False,
        "records": [
            {
                "attributes": {"type": "Contact"},
                "id": JAN,
                "NPS_Score__c": 9,
                "NPS_Band__c": "promoter",
                "NPS_Date__c": "2026-03-01T12:00:00Z",
                "NPS_Comment__c": "good",
            }
        ],
    }


def test_the_body_has_the_shape_of_one_that_salesforce_took() -> None:
    theirs = json.loads(oracle_path("salesforce/rest/batch__update__contacts__payload.json").read_text())
    ours = batch(rows([score()], DEFAULT_FIELDS)[0], "Contact")
    assert ours.keys() == theirs.keys()
    assert {"attributes", "id"} <= ours["records"][0].keys()
    assert ours["records"][0]["attributes"] == theirs["records"][0]["attributes"]


def test_a_score_that_cannot_be_written_does_not_hold_up_the_others() -> None:
    found, wrong = rows([score("bad id"), score(), score(PIET, metric="csat")], DEFAULT_FIELDS)
    assert [row.record for row in found] == [JAN]
    assert {place: error.code for place, error in wrong.items()} == {0: "bad_id", 2: "no_fields"}


def test_of_two_scores_for_one_record_the_newest_is_written_whatever_their_order() -> None:
    older = score(score=2, band="detractor", comment="bad", answered_at=NOON - timedelta(days=1))
    for both in ([older, score()], [score(), older]):
        (row,), _wrong = rows(both, DEFAULT_FIELDS)
        assert row.values["NPS_Score__c"] == 9
        assert sorted(row.places) == [0, 1]


def test_ids_of_15_and_18_characters_name_the_same_record_and_case_matters() -> None:
    same, _wrong = rows([score("003ak00000luKU2"), score("003ak00000luKU2AAM")], DEFAULT_FIELDS)
    other, _wrong = rows([score("003ak00000luKU2"), score("003ak00000luku2")], DEFAULT_FIELDS)
    assert (len(same), len(other)) == (1, 2)


def test_scores_of_two_metrics_for_one_record_are_written_together() -> None:
    fields = {**DEFAULT_FIELDS, "csat": ScoreFields("CSAT__c")}
    (row,), _wrong = rows([score(), score(metric="csat", score=4)], fields)
    assert (row.values["NPS_Score__c"], row.values["CSAT__c"]) == (9, 4)


def test_records_of_one_account_are_side_by_side() -> None:
    places = [f"003abcde000000{number}" for number in range(6)]
    mixed = [score(record, group="AB"[number % 2]) for number, record in enumerate(places)]
    found, _wrong = rows(mixed, DEFAULT_FIELDS)
    assert [row.group for row in found] == ["A", "A", "A", "B", "B", "B"]


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (200, [200]), (201, [200, 1]), (401, [200, 200, 1])])
def test_a_call_takes_200_records(count: int, sizes: list[int]) -> None:
    found, _wrong = rows([score(f"003{number:012}") for number in range(count)], DEFAULT_FIELDS)
    assert [len(part) for part in chunks(found)] == sizes


# What became of each record


def refused(code: str, key: str = "statusCode", **more: Any) -> dict[str, Any]:
    return {"success": False, "errors": [{key: code, "message": "about Jan de Vries", "fields": []} | more]}


@pytest.mark.parametrize("key", ["statusCode", "errorCode"])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("UNABLE_TO_LOCK_ROW", Transient),
        ("REQUEST_LIMIT_EXCEEDED", RateLimited),
        ("INVALID_SESSION_ID", AuthFailed),
        ("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", Moved),
        ("INVALID_FIELD", Permanent),
        ("API_DISABLED_FOR_ORG", Permanent),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", Permanent),
        ("STRING_TOO_LONG", Permanent),
        ("DUPLICATES_DETECTED", Permanent),
        ("REQUIRED_FIELD_MISSING", Permanent),
        ("ENTITY_IS_DELETED", Moved),
        ("NOT_FOUND", Moved),
        ("SOMETHING_NEW", Permanent),
    ],
)
def test_a_code_becomes_the_class_that_says_what_to_do(key: str, code: str, kind: type[IntegrationError]) -> None:
    error = item_error(refused(code, key))
    assert type(error) is kind
    assert (error.code, code in error.reason, "Jan" in error.reason) == (code, True, False)


def test_a_limit_of_the_whole_day_names_no_end() -> None:
    error = item_error(refused("REQUEST_LIMIT_EXCEEDED"))
    assert isinstance(error, RateLimited)
    assert error.retry_after is None


def test_the_admin_reads_which_field_is_meant_and_what_to_do() -> None:
    result = refused("INVALID_FIELD", message="No such column 'NPS_Score__c' on sobject of type Contact")
    error = item_error(result)
    assert error is not None
    assert "NPS_Score__c" in error.reason
    assert "field-level security" in error.reason


@pytest.mark.parametrize(
    "result", [{"success": False}, {"success": False, "errors": []}, {"success": "true"}, None, "x", [], {"errors": 1}]
)
def test_a_result_of_another_shape_is_no_success(result: Any) -> None:
    assert isinstance(item_error(result), Permanent)


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("batch__update__contacts__success", [None, None]),
        ("batch__create__contacts__success", [None, None]),
        ("batch__update__contacts__err-each-no-ids", ["MISSING_ARGUMENT", "MISSING_ARGUMENT"]),
        ("batch__update__contacts__partial-but-allOrNone", ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_FIELD"]),
        (
            "batch__create__contacts__partial-but-allOrNone",
            ["REQUIRED_FIELD_MISSING", "ALL_OR_NONE_OPERATION_ROLLED_BACK"],
        ),
    ],
)
def test_results_from_real_orgs_are_understood(name: str, codes: list[str | None]) -> None:
    results = json.loads(oracle_path(f"salesforce/rest/{name}.json").read_text())
    assert [error.code if (error := item_error(result)) else None for result in results] == codes


@pytest.mark.parametrize(
    ("name", "code", "fields"),
    [
        ("restforce_expired_session_response", "INVALID_SESSION_ID", ()),
        ("crm__delete__not-found", "ENTITY_IS_DELETED", ()),
        ("unknown-field", "INVALID_FIELD", ("AccountNumer",)),
        ("restforce_write_error_response", "INVALID_FIELD", ("foo",)),
        ("restforce_upsert_error_response", "NOT_FOUND", ()),
        ("batch__create__contacts__err-bad-request", "REQUIRED_FIELD_MISSING", ()),
        ("metadata__write__err-duplicate-permission-assignment", "DUPLICATE_VALUE", ("AssigneeId", "PermissionSetId")),
        ("restforce_upsert_multiple_error_response", "", ()),
    ],
)
def test_error_bodies_from_real_orgs_are_understood(name: str, code: str, fields: tuple[str, ...]) -> None:
    found = complaint(json.loads(oracle_path(f"salesforce/rest/{name}.json").read_text()))
    assert (found.code, found.fields) == (code, fields)


@pytest.mark.parametrize(
    ("header", "left"),
    [
        ("api-usage=18/5000", 4982),
        ("api-usage=25/5000; per-app-api-usage=17/250(appName=x)", 4975),
        ("per-app-api-usage=17/250(appName=x); api-usage=6000/5000", 0),
    ],
)
def test_the_calls_that_are_left_are_read(header: str, left: int) -> None:
    assert limits({"Sforce-Limit-Info": header})[0].remaining == left


@pytest.mark.parametrize("header", ["", "per-app-api-usage=17/250(appName=x)", "api-usage=many"])
def test_a_header_without_the_orgs_usage_tells_nothing(header: str) -> None:
    assert limits({"Sforce-Limit-Info": header}) == ()
