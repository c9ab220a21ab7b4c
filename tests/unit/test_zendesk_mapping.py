"""Neutral ticket fields as Zendesk's JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from integrations.error_mapping import classify
from integrations.errors import Permanent, RateLimited, Transient
from integrations.protocols import Score
from integrations.scores import COMMENT_LIMIT, ScoreFields
from integrations.zendesk.dialect import DIALECT, complaint
from integrations.zendesk.mapping import (
    DEFAULT_FIELDS,
    render_score,
    render_ticket,
    render_update,
    tag,
)
from integrations.zendesk.texts import TEXT_LIMIT, defused
from tests.oracles import oracle_path
from tests.support.openapi import check_request

WHOLE = {
    "subject": "Call back Jan",
    "body": "3: too slow",
    "requester": {"name": "Jan", "email": "jan@acme.example", "phone": "+31612345678"},
    "priority": "high",
    "due_at": "2026-03-02T16:00:00Z",
    "group": "12",
    "assignee": 34,
    "tags": ["Ringback", "call back", "ringback"],
    "custom_fields": {"360002": 3, "360001": "slow"},
    "external_id": "run-1#callback",
    "mark": "run-1#callback",
}


def rendered(**fields: Any) -> Any:
    return render_ticket({"subject": "s", "body": "b"} | fields)["ticket"]


def test_all_fields_make_a_body_that_zendesk_describes() -> None:
    body = render_ticket(WHOLE)
    check_request("POST", "/api/v2/tickets", body)
    assert body == {
        "ticket": {
            "subject": "Call back Jan",
            "comment": {"html_body": "3: too slow<br>☎ +31612345678", "public": False},
            "requester": {"name": "Jan", "email": "jan@acme.example"},
            "priority": "high",
            "type": "task",
            "due_at": "2026-03-02T16:00:00Z",
            "group_id": 12,
            "assignee_id": 34,
            "tags": ["ringback", "call_back"],
            "custom_fields": [{"id": 360001, "value": "slow"}, {"id": 360002, "value": 3}],
            "external_id": "run-1#callback",
            "metadata": {"ringback": "run-1#callback"},
        }
    }


def test_the_body_goes_through_json_unchanged() -> None:
    body = render_ticket(WHOLE)
    assert json.loads(json.dumps(body)) == body


def test_the_first_comment_is_internal() -> None:
    assert rendered()["comment"]["public"] is False


def test_a_ticket_without_a_body_says_its_subject() -> None:
    assert render_ticket({"subject": "only this"})["ticket"]["comment"]["html_body"] == "only this"


@pytest.mark.parametrize("ticket", [{}, {"priority": "low"}, {"subject": " ", "body": "\n"}])
def test_a_ticket_without_any_text_is_refused(ticket: dict[str, Any]) -> None:
    with pytest.raises(Permanent, match="body is empty"):
        render_ticket(ticket)


def test_a_field_that_is_none_is_left_out() -> None:
    assert set(rendered(priority=None, group=None, due_at=None)) == {"subject", "comment"}


def test_a_due_date_makes_a_task_whatever_the_type() -> None:
    assert rendered(type="question", due_at="2026-03-02T16:00:00Z")["type"] == "task"
    assert rendered(type="question")["type"] == "question"


def test_a_requester_with_an_id_is_named_by_it() -> None:
    ticket = rendered(requester={"id": "77", "name": "Jan", "email": "jan@acme.example"})
    assert ticket["requester_id"] == 77
    assert "requester" not in ticket


def test_a_requester_without_a_name_gets_the_one_in_the_address() -> None:
    assert rendered(requester={"email": "jan@acme.example"})["requester"]["name"] == "jan"


def test_a_requester_without_id_and_address_leaves_the_ticket_to_our_own_user() -> None:
    ticket = rendered(requester={"name": "Jan", "phone": "+31612345678"})
    assert "requester" not in ticket
    assert "+31612345678" in ticket["comment"]["html_body"]


def test_a_phone_number_that_the_text_has_already_is_not_said_twice() -> None:
    ticket = rendered(body="call +31612345678", requester={"phone": "+31612345678"})
    assert ticket["comment"]["html_body"] == "call +31612345678"


@pytest.mark.parametrize(
    ("fields", "name", "remedy"),
    [
        ({"priority": "highest"}, "priority", "low, normal, high, urgent"),
        ({"type": "bug"}, "type", "task"),
        ({"group": "Care team"}, "group_id", "number"),
        ({"assignee": "../users"}, "assignee_id", "number"),
        ({"group": True}, "group_id", "number"),
        ({"custom_fields": {"score": 1}}, "custom_fields", "number"),
        ({"custom_fields": ["score"]}, "custom_fields", "field ids"),
        ({"requester": "jan"}, "requester", "email"),
        ({"requester": {"id": "٣"}}, "requester.id", "number"),
        ({"prioriti": "low"}, "prioriti", "did you mean priority?"),
        ({"zzz": 1}, "zzz", "known are"),
    ],
)
def test_a_field_that_zendesk_would_refuse_is_named_with_its_remedy(
    fields: dict[str, Any], name: str, remedy: str
) -> None:
    with pytest.raises(Permanent) as refused:
        rendered(**fields)
    assert f"ticket field {name} " in refused.value.reason
    assert remedy in refused.value.reason
    assert refused.value.code == "invalid_ticket"


def test_no_words_of_the_customer_are_in_an_error() -> None:
    with pytest.raises(Permanent) as refused:
        rendered(requester="Jan de Vries")
    assert "Vries" not in refused.value.reason


@pytest.mark.parametrize(
    ("written", "kept"),
    [("VIP", "vip"), (" Call back ", "call_back"), ("a, b", "a_b"), ("één\ttwee", "één_twee"), ("  ", "")],
)
def test_a_tag_is_written_as_zendesk_keeps_it(written: str, kept: str) -> None:
    assert tag(written) == kept


def test_tags_in_one_string_are_told_apart_and_empty_ones_are_dropped() -> None:
    assert rendered(tags="vip  Late vip")["tags"] == ["vip", "late"]
    assert rendered(tags=["", " "])["tags"] == []


# What customers write


@pytest.mark.parametrize("place", ["subject", "body"])
def test_a_placeholder_in_a_customers_words_is_not_expanded_and_looks_the_same(place: str) -> None:
    ticket = rendered(**{place: "{{ticket.requester.email}} {% if 1 %} {{{x}}}"})
    sent = json.dumps(ticket, ensure_ascii=False)
    assert "{{" not in sent.replace('"comment": {', "").replace("{{}}", "")
    assert "{%" not in sent
    assert "{{ticket.requester.email}} {% if 1 %} {{{x}}}" in sent.replace("\u200b", "")


@given(st.text(alphabet="{}% a\u200b"))
def test_no_text_keeps_a_placeholder(text: str) -> None:
    safe = defused(text)
    assert "{{" not in safe
    assert "{%" not in safe
    assert safe.replace("\u200b", "") == text.replace("\u200b", "")


def test_placeholders_are_defused_in_names_and_custom_fields_too() -> None:
    ticket = rendered(
        requester={"email": "jan@acme.example", "name": "{{x}}"}, custom_fields={"1": "{{x}}", "2": ["{{y}}"]}
    )
    assert ticket["requester"]["name"] == "{\u200b{x}}"
    assert [pair["value"] for pair in ticket["custom_fields"]] == ["{\u200b{x}}", ["{\u200b{y}}"]]


def test_everything_like_a_tag_is_shown_and_not_stripped() -> None:
    assert rendered(body="a <b & c> \"q\"\r\nd")["comment"]["html_body"] == "a &lt;b &amp; c&gt; \"q\"<br>d"


def test_a_text_of_64_kb_is_taken_and_one_byte_more_is_refused() -> None:
    assert rendered(body="é" * (TEXT_LIMIT // 2) + "x")["comment"]["html_body"].endswith("x")
    with pytest.raises(Permanent, match="64 kB"):
        rendered(body="é" * (TEXT_LIMIT // 2) + "xy")


# Changes


def test_a_change_is_split_into_what_can_be_repeated_on_its_own() -> None:
    update = render_update(
        {"status": "open", "priority": "urgent", "tags": ["Late"], "comment": "no <answer>", "public": None}, "run#1"
    )
    assert update.fields == {"status": "open", "priority": "urgent"}
    assert update.tags == ("late",)
    assert update.comment == {
        "comment": {"html_body": "no &lt;answer&gt;", "public": False},
        "metadata": {"ringback": "run#1"},
    }
    check_request("PUT", "/api/v2/tickets/7", {"ticket": {**update.fields, **update.comment}})


def test_a_new_due_date_makes_a_task_of_the_ticket() -> None:
    fields = render_update({"due_at": "2026-03-02T16:00:00Z"}, "k").fields
    assert fields == {"due_at": "2026-03-02T16:00:00Z", "type": "task"}


@pytest.mark.parametrize(("public", "seen"), [(True, True), (False, False), ("yes", False), (None, False)])
def test_a_comment_is_public_only_when_told_so_plainly(public: Any, seen: bool) -> None:
    assert render_update({"comment": "c", "public": public}, "k").comment["comment"]["public"] is seen


@pytest.mark.parametrize("changes", [{"status": "done"}, {"subject": "new"}, {"group": "x"}])
def test_a_change_that_zendesk_would_refuse_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Permanent):
        render_update(changes, "k")


# Scores


def score(**changes: Any) -> Score:
    values: dict[str, Any] = {
        "record": "7",
        "metric": "nps",
        "score": 3,
        "band": "detractor",
        "answered_at": datetime(2026, 3, 1, 10, 30, 5, 999, tzinfo=timezone(timedelta(hours=1))),
        "comment": "too slow",
    }
    return Score(**(values | changes))


def test_a_score_is_written_into_the_users_fields_and_nothing_else() -> None:
    body = render_score(score(loop_status="open"), DEFAULT_FIELDS)
    check_request("PUT", "/api/v2/users/7", body)
    assert body == {
        "user": {
            "user_fields": {
                "ringback_score": 3,
                "ringback_band": "detractor",
                "ringback_answered_at": "2026-03-01T09:30:05Z",
                "ringback_comment": "too slow",
                "ringback_loop_status": "open",
            }
        }
    }


def test_a_score_without_a_comment_clears_the_older_answers_comment() -> None:
    assert render_score(score(comment=""), DEFAULT_FIELDS)["user"]["user_fields"]["ringback_comment"] is None


def test_a_score_that_says_nothing_of_the_loop_leaves_its_status_alone() -> None:
    assert "ringback_loop_status" not in render_score(score(), DEFAULT_FIELDS)["user"]["user_fields"]


def test_a_metric_never_lands_in_another_metrics_fields() -> None:
    with pytest.raises(Permanent, match="csat") as refused:
        render_score(score(metric="csat"), DEFAULT_FIELDS)
    assert refused.value.code == "no_fields"
    both = {**DEFAULT_FIELDS, "csat": ScoreFields("csat_score")}
    assert render_score(score(metric="csat", score=5), both)["user"]["user_fields"] == {"csat_score": 5}


def test_a_very_long_comment_is_shortened_visibly() -> None:
    short = render_score(score(comment="x" * (COMMENT_LIMIT + 1)), DEFAULT_FIELDS)["user"]["user_fields"]
    assert len(short["ringback_comment"]) == COMMENT_LIMIT
    assert short["ringback_comment"].endswith("…")
    whole = render_score(score(comment="x" * COMMENT_LIMIT), DEFAULT_FIELDS)["user"]["user_fields"]
    assert whole["ringback_comment"] == "x" * COMMENT_LIMIT


def test_the_time_of_an_answer_in_utc_stays() -> None:
    fields = render_score(score(answered_at=datetime(2026, 3, 1, tzinfo=UTC)), DEFAULT_FIELDS)["user"]["user_fields"]
    assert fields["ringback_answered_at"] == "2026-03-01T00:00:00Z"


# What Zendesk's errors say


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("404_RecordNotFound", "RecordNotFound"),
        ("400_TooManyValues", "TooManyValues"),
        ("422_closed", "closed"),
        ("409_UpdateConflict", "UpdateConflict"),
        ("429_incremental", "APIRateLimitExceeded"),
    ],
)
def test_recorded_error_bodies_are_understood(name: str, code: str) -> None:
    bodies = json.loads(oracle_path("zendesk/zendesk_error_bodies.json").read_text())
    assert complaint(next(body for title, body in bodies.items() if title.startswith(name))).code == code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"error": {"title": "Forbidden", "message": "no"}}, "Forbidden"),
        ({"errors": [{"code": "TooManyRequests", "title": "x"}]}, "TooManyRequests"),
        ({"errors": []}, ""),
        ({"error": None, "details": {"status": "odd"}}, ""),
        ([], ""),
        (None, ""),
        ("text", ""),
    ],
)
def test_error_bodies_of_other_shapes_are_understood(body: Any, code: str) -> None:
    assert complaint(body).code == code


@pytest.mark.parametrize(
    ("code", "kind"),
    [("UpdateConflict", Transient), ("DatabaseConflict", Transient), ("TooManyJobs", RateLimited),
     ("RecordInvalid", Permanent)],
)  # fmt: skip
@pytest.mark.parametrize("status", [403, 422])
def test_two_writes_that_meet_pass_whatever_the_status_says(status: int, code: str, kind: type) -> None:
    answer = requests.Response()
    answer.status_code, answer._content = status, json.dumps({"error": code, "description": "about Jan"}).encode()
    error = classify(answer, "PUT", "https://acme.zendesk.example/api/v2/tickets/5.json", DIALECT)
    assert type(error) is kind
    assert "Jan" not in error.reason
