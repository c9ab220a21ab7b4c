"""Events as senders really write them: whole numbers as doubles, and the moment under Standard Webhooks' own name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from connector.storage.schema import tables
from tests.support.house import SALESFORCE_TOKEN, Harness, a_home, signed_inbound

HOOK = "/webhooks/survey-platform"
ENVELOPE = """{{"type": "survey.answered", {time}"data": {{"response_id": "s-1", "survey": "after-support",
"metric": "nps", "score": {score}, "customer": {{"email": "s1@example.com"}}}}}}"""


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url) as home:
        yield home


def send(home: Harness, time: str, score: str = "9", id_: str = "msg_1") -> None:
    """Kept, and understood as far as it can be; what is no event at all is also told to be none."""
    body = ENVELOPE.format(time=time, score=score).encode()
    assert home.post(HOOK, body, signed_inbound(body, id_, home.clock())).status_code in (200, 422)
    home.settle()


def now(home: Harness, name: str = "time") -> str:
    return f'"{name}": "{home.clock().isoformat()}", '


@pytest.mark.parametrize(("score", "kept"), [("9", 9), ("9.0", 9), ("1e1", 10), ("0.0", 0), ("70E-1", 7)])
def test_a_score_that_is_whole_is_taken_however_it_is_written(home: Harness, score: str, kept: int) -> None:
    send(home, now(home), score)
    row = home.one(tables.responses)
    assert (row.score, type(row.score), row.band) == (kept, int, _band(kept))
    assert home.one(tables.events, tables.events.c.type == "survey.answered").data["score"] == kept


def _band(score: int) -> str:
    return "promoter" if score > 8 else "passive" if score > 6 else "detractor"


@pytest.mark.parametrize(("score", "reason"), [
    ("9.5", "data.score is no whole number; send one"), ('"9"', "data.score is no whole number; send one"),
    ("true", "data.score is no whole number; send one"), ("null", "data.score is null; send it"),
    ("11", "Send a whole number from 0 to 10."), ("11.0", "Send a whole number from 0 to 10."),
    ("1e300", "data.score is no whole number; send one"), ("NaN", "the body is not JSON"),
    ("1e400", "the body is not JSON"), ("9" * 400, "Send a whole number from 0 to 10."),
    ("9" * 5000, "the body is not JSON"),
])
def test_any_other_score_is_set_aside_with_the_reason(home: Harness, score: str, reason: str) -> None:
    send(home, now(home), score)
    delivery = home.one(tables.deliveries)
    assert (delivery.status, home.rows(tables.responses)) == ("unreadable", [])
    assert reason in delivery.reason


def test_the_moment_may_have_the_name_that_standard_webhooks_gives_it(home: Harness) -> None:
    send(home, now(home, "timestamp"))
    event = home.one(tables.events, tables.events.c.type == "survey.answered")
    assert (event.external_id, event.time) == ("msg_1", home.clock())
    assert home.one(tables.responses).answered_at == home.clock()


@pytest.mark.parametrize("time", ['"time": null, ', '"id": null, '])
def test_what_is_null_is_as_good_as_missing(home: Harness, time: str) -> None:
    send(home, time + now(home, "timestamp"))
    assert home.one(tables.responses).score == 9


def test_where_both_names_are_there_our_own_counts(home: Harness) -> None:
    send(home, now(home) + '"timestamp": "1999-12-31T23:59:59Z", ')
    assert home.one(tables.responses).answered_at == home.clock()


def test_an_event_that_is_sent_again_without_an_id_is_one_by_its_webhook_id(home: Harness) -> None:
    for _ in range(2):
        send(home, now(home, "timestamp"))
    send(home, now(home, "timestamp"), id_="msg_2")
    assert [row.external_id for row in home.rows(tables.responses)] == ["msg_1", "msg_2"]


@pytest.mark.parametrize(("time", "reason"), [
    ("", "time is missing; send it, or timestamp"),
    ('"timestamp": 1700000000, ', "timestamp is 1700000000; send RFC 3339 with a time zone"),
    ('"timestamp": "2026-11-30T07:00:00", ', "timestamp is '2026-11-30T07:00:00'; send RFC 3339 with a time zone"),
])
def test_a_moment_that_is_none_is_told_under_the_name_it_had(home: Harness, time: str, reason: str) -> None:
    send(home, time)
    assert reason in home.one(tables.deliveries).reason


def test_a_callout_of_a_flow_may_write_both_ways(home: Harness) -> None:
    organization = home.world.salesforce.organization_id
    data = {"response_id": 7.0, "survey": "after-support", "metric": "nps", "score": 9.0,
            "customer": {"email": "f@example.com"}}  # fmt: skip
    event: dict[str, Any] = {"organization": organization, "type": "survey.answered", "data": data,
                             "timestamp": home.clock().isoformat()}  # fmt: skip
    path = f"/webhooks/salesforce/{SALESFORCE_TOKEN}"
    assert home.post(path, json.dumps(event).encode(), {"content-type": "application/json"}).status_code < 300
    home.settle()
    assert (home.one(tables.responses).score, home.one(tables.responses).band) == (9, "promoter")


@pytest.mark.parametrize(("record", "consent"), [
    ({"Id": "003000000000001AAA", "HasOptedOutOfEmail": True}, {"record": "003000000000001", "opted_out": True}),
    ({"Id": "003000000000001AAA", "DoNotCall": False}, {"record": "003000000000001", "do_not_call": False}),
    ({"Id": "003000000000001AAA", "HasOptedOutOfEmail": "yes"}, None), ({"Id": "003000000000001AAA"}, None),
    ("003000000000001AAA", None), ([], None),
])
def test_a_crms_record_that_somebody_hands_on_says_what_its_person_allows(
    home: Harness, record: Any, consent: Any
) -> None:
    data = {"record": record, "customer": {"email": "f@example.com"}}
    body = json.dumps({"type": "contact.changed", "time": home.clock().isoformat(), "data": data}).encode()
    assert home.post(HOOK, body, signed_inbound(body, "msg_1", home.clock())).status_code < 300
    home.settle()
    assert home.one(tables.events).data.get("consent") == consent
