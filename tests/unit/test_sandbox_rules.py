"""The stand-ins' small rules: ids, queries, texts, faults, acknowledgements."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.clock import HandClock, parse
from sandbox.faults import Effect, Fault, FaultPlan, fault_from_json
from sandbox.salesforce import soql
from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.ids import id_maker, is_id, long_id, suffix
from sandbox.salesforce.outbound import acknowledged, usual_schedule
from sandbox.salesforce.schema import contact
from sandbox.zendesk import Limits, texts
from sandbox.zendesk.errors import ApiError as ZendeskError
from sandbox.zendesk.idempotency import IdempotencyKeys
from sandbox.zendesk.limits import RateLimiter
from sandbox.zendesk.webhooks import sign
from tests.oracles import oracle_path

ID_18 = re.compile(r"\b(?:003|001|04l)[A-Za-z0-9]{15}\b")
ACK = (
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    b"</notificationsResponse></soapenv:Body></soapenv:Envelope>"
)


@pytest.mark.parametrize(
    "name",
    [
        "salesforce/recorded/cumulusci_TestUpsert.test_simple_upsert__rest.yaml",
        "salesforce/rest/batch__create__contacts__success.json",
        "salesforce/rest/batch__update__contacts__success.json",
        "salesforce/rest/restforce_get_updated_success_response.json",
    ],
)
def test_the_suffix_of_real_ids_is_computed_as_salesforce_does(name: str) -> None:
    ids = set(ID_18.findall(oracle_path(name).read_text()))
    assert ids
    assert {long_id(real[:15]) for real in ids} == ids


def test_new_ids_differ_also_where_case_is_ignored_and_are_well_formed() -> None:
    make = id_maker("003")
    ids = [make() for _ in range(5000)]
    assert len({each.lower() for each in ids}) == 5000
    assert all(is_id(each) and is_id(each[:15]) and each.startswith("003") for each in ids)


@pytest.mark.parametrize(
    "wrong", ["", "003", "003ak00000luKU1AA", "003ak00000luKU1AAZ", "../../etc/passwd", "003ak00000luKU!"]
)
def test_what_is_no_id_is_not_taken_for_one(wrong: str) -> None:
    assert not is_id(wrong)


def test_lower_case_ids_have_the_neutral_suffix() -> None:
    assert suffix("003ak0000000001") == "AAA"


def rows(query: str) -> list[Any]:
    objects = {"contact": contact()}
    people = [
        {
            "Id": long_id("003ak0000000001"),
            "Email": "bo@x.example",
            "LastName": "O'Brien",
            "NPS_Score__c": 9.0,
            "HasOptedOutOfEmail": False,
            "CreatedDate": datetime(2026, 3, 1, tzinfo=UTC),
        },
        {
            "Id": long_id("003ak0000000002"),
            "Email": None,
            "LastName": "Zed",
            "NPS_Score__c": None,
            "HasOptedOutOfEmail": True,
            "CreatedDate": datetime(2026, 3, 3, tzinfo=UTC),
        },
    ]
    return [
        row["LastName"] for row in soql.run(soql.parse(query, lambda name: objects.get(name.lower())), people)
    ]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Email = 'BO@X.EXAMPLE'", ["O'Brien"]),
        ("LastName = 'O\\'Brien'", ["O'Brien"]),
        ("Id = '003ak0000000002'", ["Zed"]),
        ("Id IN ('003ak0000000001', '003ak0000000002AAA')", ["O'Brien", "Zed"]),
        ("Id NOT IN ('003ak0000000001')", ["Zed"]),
        ("NPS_Score__c >= 9", ["O'Brien"]),
        ("NPS_Score__c < 9", []),
        ("NPS_Score__c = null", ["Zed"]),
        ("NPS_Score__c != null", ["O'Brien"]),
        ("NOT HasOptedOutOfEmail = true", ["O'Brien"]),
        ("CreatedDate > 2026-03-02T00:00:00Z", ["Zed"]),
        ("LastName LIKE 'z%'", ["Zed"]),
        ("Email = 'no' OR (LastName = 'Zed' AND HasOptedOutOfEmail = TRUE)", ["Zed"]),
        ("LastName != null ORDER BY LastName DESC", ["Zed", "O'Brien"]),
        ("LastName != null ORDER BY LastName LIMIT 1", ["O'Brien"]),
        ("LastName != null ORDER BY LastName LIMIT 1 OFFSET 1", ["Zed"]),
        ("LastName = ' OR Id != null --'", []),
    ],
)
def test_a_query_finds_what_its_condition_says(where: str, found: list[str]) -> None:
    assert rows(" ".join(["SELECT Id, LastName FROM Contact WHERE", where])) == found


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "MALFORMED_QUERY"),
        ("SELECT Id", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE Email = 'open", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact GROUP BY Email", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE NPS_Score__c > 'nine'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE Email = word", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact LIMIT many", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead", "INVALID_TYPE"),
        ("SELECT Shoe_Size__c FROM Contact", "INVALID_FIELD"),
    ],
)
def test_a_query_that_is_not_understood_is_refused_with_salesforces_code(query: str, code: str) -> None:
    with pytest.raises(ApiError) as refused:
        rows(query)
    assert (refused.value.status, refused.value.body[0]["errorCode"]) == (400, code)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("plain", "plain"),
        ("5 < 7 and 7 > 5", "5 < 7 and 7 > 5"),
        ("<b>bold</b> &amp; <i>sound</i>", "bold & sound"),
        ("<p>one</p><p>two</p>", "one\ntwo"),
        ("a<script>alert(1)</script>b", "ab"),
        ("a<br>b", "a\nb"),
    ],
)
def test_a_comments_body_loses_its_html(given: str, kept: str) -> None:
    assert texts.strip_html(given) == kept


def test_a_comment_is_cut_at_64_kb_without_splitting_a_character() -> None:
    assert texts.cut("é" * 40_000) == "é" * 32_767
    assert texts.cut("x" * texts.COMMENT_BYTES) == "x" * texts.COMMENT_BYTES


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("ticket {{ticket.id}}", "ticket 7"),
        ("{{ ticket.nothing }}!", "!"),
        ("{{ broken", "{{ broken"),
        ("{% raw %}{{ticket.id}}{% endraw %}", "{{ticket.id}}"),
        ("50 % off", "50 % off"),
    ],
)
def test_placeholders_are_filled_in(given: str, shown: str) -> None:
    assert texts.expand(given, {"ticket": {"id": 7}}) == shown


def test_the_signature_is_that_of_the_published_vectors() -> None:
    vectors = json.loads(oracle_path("zendesk/webhooks/signature_vectors.json").read_text())
    for vector in vectors:
        file = vector.get("body_file")
        body = oracle_path(f"zendesk/webhooks/{file}").read_bytes() if file else vector["body"].encode()
        assert sign(vector["secret"], vector["timestamp"], body) == vector["signature"]
    assert len(vectors) == 3


def test_an_idempotency_key_is_remembered_for_two_hours_and_no_longer() -> None:
    clock = HandClock()
    keys = IdempotencyKeys(clock)
    keys.keep("k", b"{}", "answer")
    clock.move(hours=1, minutes=59, seconds=59)
    assert keys.look_up("k", b"{}") == "answer"
    clock.move(seconds=1)
    assert keys.look_up("k", b"other") is None


def test_the_701st_request_of_a_minute_is_refused_until_the_minute_is_over() -> None:
    clock, limiter = HandClock(), RateLimiter(Limits())
    clock.move(seconds=20)
    left = [limiter.request(clock())["x-rate-limit-remaining"] for _ in range(700)]
    assert (left[0], left[-1]) == ("699", "0")
    with pytest.raises(ZendeskError) as refused:
        limiter.request(clock())
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "40")
    limiter.request(clock.move(seconds=40))


def test_one_user_may_change_one_ticket_30_times_in_ten_minutes() -> None:
    clock, limiter = HandClock(), RateLimiter(Limits())
    for _ in range(30):
        limiter.ticket_update(1, 5, clock())
    with pytest.raises(ZendeskError):
        limiter.ticket_update(1, 5, clock())
    limiter.ticket_update(2, 5, clock())
    limiter.ticket_update(1, 6, clock())


@pytest.mark.parametrize(
    ("status", "body", "good"),
    [
        (200, ACK, True),
        (200, b"\xef\xbb\xbf" + ACK, True),
        (200, ACK.replace(b"true", b"false"), False),
        (202, ACK, False),
        (200, b"", False),
        (200, b"<Ack>true</Ack>", False),
        (200, ACK.replace(b"2005/09/outbound", b"2005/09/elsewhere"), False),
        (200, b"OK", False),
    ],
)
def test_only_the_exact_acknowledgement_counts(status: int, body: bytes, good: bool) -> None:
    assert acknowledged(status, body) is good


def test_a_recorded_acknowledgement_of_another_receiver_counts() -> None:
    body = oracle_path("salesforce/outbound/aspnetwebhooks_ack_response.xml").read_bytes()
    assert acknowledged(200, body)


def test_the_pauses_between_attempts_grow_to_two_hours() -> None:
    pauses = [usual_schedule(attempt) for attempt in range(1, 14)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (30.0, 7200.0)


def test_faults_apply_in_order_and_are_used_up() -> None:
    plan = FaultPlan()
    plan.add(Fault(path="/tickets$", method="POST", times=2, status=503))
    plan.add(Fault(path="/tickets", effect=Effect.DROP_BEFORE))
    assert plan.take("GET", "/users") is None
    first = [plan.take("POST", "/api/v2/tickets") for _ in range(4)]
    assert [fault and fault.effect for fault in first] == [
        Effect.ANSWER,
        Effect.ANSWER,
        Effect.DROP_BEFORE,
        None,
    ]


def test_a_fault_from_json_says_what_it_misses() -> None:
    with pytest.raises(ValueError, match="give 'path'"):
        fault_from_json({"status": 500, "pth": "/"})
    assert fault_from_json({"path": "/", "delay": 2}).effect is Effect.DELAY


def test_a_moment_from_a_query_string_survives_its_lost_plus_sign() -> None:
    assert parse("2026-03-01T10:00:00 02:00") == datetime(2026, 3, 1, 8, tzinfo=UTC)
