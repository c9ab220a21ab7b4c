"""The API over real HTTP: who may, what comes, and what hostile or mistaken callers are told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import requests
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from connector.access.rights import TOKEN_SCOPES
from connector.ids import digest
from connector.storage.schema import tables
from connector.storage.stores import api_tokens
from connector.web.api.blueprint import OPERATIONS
from sandbox.faults import Fault
from tests.support.house import Harness, a_home, answer
from tests.support.house_faults import just_before
from tests.support.house_workflows import OPEN_A_TICKET

HUGE = 2**63


@dataclass(frozen=True)
class Api:
    """A program with a token."""

    home: Harness
    url: str
    token: str

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return requests.request(method, f"{self.url}/api/v1{path}", headers=headers, timeout=30, **more)

    def get(self, path: str, **query: Any) -> Any:
        found = self.ask("GET", path, params=query)
        assert found.status_code == 200, found.text
        return found.json()

    def post(self, path: str, **body: Any) -> Any:
        done = self.ask("POST", path, json=body)
        assert done.status_code == 200, done.text
        return done.json()


def a_token(home: Harness, *scopes: str, name: str = "crm", **more: Any) -> str:
    now = home.clock()
    return home.house.database.transact(lambda tx: api_tokens.create(tx, name, scopes, now, **more))


def told(response: requests.Response) -> Any:
    """A problem, which must look like one."""
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    assert {"type", "title", "status", "detail"} <= set(body)
    assert body["status"] == response.status_code
    assert body["type"].startswith("urn:ringback:problem:")
    return body


@pytest.fixture
def api(database_url: str) -> Iterator[Api]:
    with a_home(database_url, it=OPEN_A_TICKET) as home, home.on_the_network() as url:
        yield Api(home, url, a_token(home, *TOKEN_SCOPES))


def a_failed_run(api: Api) -> str:
    api.home.world.zendesk.faults.add(
        Fault(path="/tickets$", method="POST", status=422, body={"error": "RecordInvalid"})
    )
    api.home.deliver(answer(3))
    api.home.settle()
    return str(api.home.runs()[-1].id)


# --- who may --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer nothing", "Bearer rb_" + "x" * 43, "Bearer rb_\xff",
     "Bearer " + "x" * 5000],
)  # fmt: skip
def test_without_a_known_token_nothing_is_told(api: Api, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    refused = requests.get(f"{api.url}/api/v1/runs", headers=headers, timeout=30)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith('Bearer realm="ringback"')
    assert "ringback token create" in told(refused)["errors"][0]["remedy"]
    assert "xxx" not in refused.text


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_each_operation_asks_for_its_scope(api: Api, operation: Any) -> None:
    others = [scope for scope in TOKEN_SCOPES if scope != operation.scope]
    less = Api(api.home, api.url, a_token(api.home, *others, name="less"))
    path = operation.path.replace("<run_id>", "x").replace("<delivery_id>", "1").replace("<name>", "zendesk")
    path = path.replace("<slug>", "it").replace("<version>", "1")
    refused = less.ask(operation.method, path)
    assert refused.status_code == 403
    assert operation.scope in told(refused)["errors"][0]["remedy"]


def test_a_token_ends_when_it_expires_and_at_once_when_it_is_revoked(api: Api) -> None:
    until = api.home.clock() + timedelta(days=90)
    short = Api(api.home, api.url, a_token(api.home, "runs:read", name="short", expires_at=until))
    short.get("/runs")
    api.home.clock.now = until
    assert "expired" in told(short.ask("GET", "/runs"))["detail"]
    api.home.house.database.transact(lambda tx: api_tokens.revoke(tx, "crm", until))
    assert "revoked" in told(api.ask("GET", "/runs"))["detail"]


def test_the_secret_is_stored_nowhere_and_its_last_use_at_most_once_a_minute(api: Api) -> None:
    api.get("/runs")
    first = api.home.one(tables.api_tokens)
    api.home.clock.move(seconds=59)
    api.get("/runs")
    assert api.home.one(tables.api_tokens).last_used_at == first.last_used_at
    api.home.clock.move(seconds=1)
    api.get("/runs")
    assert api.home.one(tables.api_tokens).last_used_at == api.home.clock()
    assert api.token not in repr(first)
    assert first.digest == digest(api.token)


# --- runs -----------------------------------------------------------------------------------------------------------


def test_runs_come_in_pages_and_narrowed(api: Api) -> None:
    for number in range(5):
        api.home.deliver(answer(3, response_id=f"r{number}"))
        api.home.settle()
    first = api.get("/runs", limit=2)
    second = api.get("/runs", limit=2, before=first["next"])
    third = api.get("/runs", limit=2, before=second["next"])
    ids = [each["id"] for page in (first, second, third) for each in page["items"]]
    assert ids == sorted((run.id for run in api.home.runs()), reverse=True)
    assert third["next"] is None
    assert api.get("/runs", workflow="other")["items"] == []
    assert len(api.get("/runs", status=["succeeded", "failed"])["items"]) == 5
    assert api.get("/runs", started_before="2020-01-01T00:00:00Z")["items"] == []


def test_a_run_is_told_with_every_decision(api: Api) -> None:
    run = a_failed_run(api)
    story = api.get(f"/runs/{run}")
    assert (story["run"]["status"], story["run"]["step"]) == ("failed", "callback")
    assert story["event"]["type"] == "survey.answered"
    assert any("RecordInvalid" in line["text"] for line in story["history"])


def test_a_failed_run_is_retried_and_the_history_names_the_token(api: Api) -> None:
    run = a_failed_run(api)
    assert api.post(f"/runs/{run}/retry")["status"] == "waiting"
    api.home.settle()
    assert api.home.run().status == "succeeded"
    assert "Retried by crm (API): anew, under a new key." in api.home.story()


def test_a_step_is_skipped_a_run_restarted_and_one_cancelled(api: Api) -> None:
    run = a_failed_run(api)
    new = api.post(f"/runs/{run}/restart")["new_run"]
    assert api.post(f"/runs/{run}/skip", step="callback", output={"ticket": "7"})["status"] == "succeeded"
    assert api.post(f"/runs/{new}/cancel", reason="enough")["status"] == "cancelled"


def test_a_failed_run_is_dismissed_with_a_reason_alone_or_with_others(api: Api) -> None:
    run = a_failed_run(api)
    assert api.ask("POST", f"/runs/{run}/dismiss", json={}).status_code == 422
    assert api.post(f"/runs/{run}/dismiss", reason="called by phone")["status"] == "dismissed"
    a_failed_run(api)
    body = {"action": "dismiss", "filter": {"status": ["failed"]}, "dry_run": False}
    assert api.ask("POST", "/runs/bulk", json=body).status_code == 422
    done = api.post("/runs/bulk", **body, reason="of an old test")
    assert [line["done"]["status"] for line in done["items"]] == ["dismissed"]
    assert [each["status"] for each in api.get("/runs?status=dismissed")["items"]] == ["dismissed"] * 2


def test_what_the_state_does_not_allow_is_refused_with_what_is_possible(api: Api) -> None:
    run = a_failed_run(api)
    refused = api.ask("POST", f"/runs/{run}/cancel", json={"reason": "no"})
    assert refused.status_code == 409
    assert told(refused)["possible"] == ["retry", "skip", "restart", "dismiss"]
    assert api.ask("POST", f"/runs/{run}/review", json={"happened": True}).status_code == 409


def test_many_runs_are_counted_first_then_taken_page_by_page(api: Api) -> None:
    runs = [a_failed_run(api) for _ in range(3)]
    body = {"action": "retry", "filter": {"status": ["failed"]}}
    dry = api.post("/runs/bulk", **body)
    assert (dry["matched"], dry["dry_run"], dry["items"]) == (3, True, [])
    assert {run.status for run in api.home.runs()} == {"failed"}
    first = api.post("/runs/bulk", **body, dry_run=False, limit=2)
    second = api.post("/runs/bulk", **body, dry_run=False, limit=2, after=first["next"])
    assert sorted(line["run"] for line in first["items"] + second["items"]) == sorted(runs)
    assert second["next"] is None
    api.home.settle()
    assert {run.status for run in api.home.runs()} == {"succeeded"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "cancel", "filter": {}, "reason": "x"}, "filter"),
        ({"action": "cancel", "filter": {"step": "a"}}, "reason"),
        ({"action": "delete", "filter": {"step": "a"}}, "action"),
        ({"action": "retry", "filter": {"status": ["none"]}}, "filter.status.0"),
        ({"action": "retry", "filter": "all"}, "filter"),
        ({"action": "retry"}, "filter"),
    ],
)
def test_a_bulk_action_that_is_not_clear_is_not_done(api: Api, body: Any, field: str) -> None:
    refused = api.ask("POST", "/runs/bulk", json={**body, "dry_run": False})
    assert refused.status_code == 422
    assert field in [each["field"] for each in told(refused)["errors"]]


# --- deliveries and connections -------------------------------------------------------------------------------------


def test_a_delivery_is_shown_and_replayed(api: Api) -> None:
    api.home.deliver(answer(9))
    api.home.settle()
    [line] = api.get("/deliveries", connection="survey-platform", status="done")["items"]
    story = api.get(f"/deliveries/{line['id']}")
    assert json.loads(story["body"])["type"] == "survey.answered"
    assert [each["type"] for each in story["events"]] == ["survey.answered"]
    assert api.post(f"/deliveries/{line['id']}/replay") == {"id": line["id"], "status": "new"}
    api.home.settle()
    assert len(api.home.runs()) == 1  # a known event happens once


def test_deliveries_come_in_pages(api: Api) -> None:
    for number in range(3):
        api.home.deliver(answer(9, response_id=f"r{number}"))
    first = api.get("/deliveries", limit=2)
    second = api.get("/deliveries", limit=2, before=first["next"])
    assert [len(first["items"]), len(second["items"]), second["next"]] == [2, 1, None]


def test_all_unreadable_deliveries_are_counted_first_and_then_read_anew(api: Api) -> None:
    for number in range(3):
        api.home.deliver(answer(9, response_id=f"r{number}"))
    with api.home.house.database.write() as tx:
        tx.execute(update(tables.deliveries).values(status="unreadable", reason="the connection was gone"))
    dry = api.post("/deliveries/replay", status="unreadable")
    assert (dry["matched"], dry["ids"]) == (3, [])
    pages = [api.post("/deliveries/replay", status="unreadable", dry_run=False, limit=2) for _ in range(3)]
    assert [(page["matched"], len(page["ids"])) for page in pages] == [(3, 2), (1, 1), (0, 0)]
    api.home.settle()
    assert len(api.home.runs()) == 3


def test_a_connection_is_paused_and_resumed(api: Api) -> None:
    paused = api.post("/connections/zendesk/pause", reason="they migrate")
    assert (paused["status"], paused["reason"]) == ("stopped", "by crm (API): they migrate")
    api.home.deliver(answer(3))
    api.home.settle()
    assert api.get("/connections/zendesk")["due"] == 1
    assert api.post("/connections/zendesk/resume")["status"] == "active"
    assert [each["name"] for each in api.get("/connections")["items"]][:2] == ["zendesk", "salesforce"]


# --- mistaken and hostile callers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/runs/nobody", "/runs/%00", "/runs/" + "x" * 3000, "/runs/%27%20OR%201=1", "/runs/é", "/deliveries/999",
     "/deliveries/0x1", f"/deliveries/{HUGE}", "/deliveries/" + "9" * 400, "/deliveries/-1", "/deliveries/٣",
     "/connections/nobody", "/connections/%00", "/workflows/nobody/versions", "/workflows/%00/versions",
     "/workflows/it/versions/9", "/workflows/it/versions/٣", "/workflows/it/versions/" + "9" * 400, "/nothing",
     "/runs/a/b/c", "/"],
)  # fmt: skip
def test_what_is_not_there_is_a_problem_too(api: Api, path: str) -> None:
    missing = api.ask("GET", path)
    assert missing.status_code == 404
    told(missing)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"), ("limit=201", "limit"), ("limit=x", "limit"), ("limit=1&limit=2", "limit"),
        ("limit=" + "9" * 5000, "limit"), ("before=%00", "before"), ("before=ABC", "before"),
        ("status=lost", "status.0"),
        ("workflow=", "workflow"), ("workflow=%00", "workflow"), ("workflow=" + "x" * 301, "workflow"),
        ("started_before=yesterday", "started_before"), ("started_before=2026-03-02T09:00:00", "started_before"),
        ("started_before=0001-01-01T00:00:00%2B14:00", "started_before"), ("frobnicate=1", "frobnicate"),
        ("%00=1", "�"),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_used_names_field_value_and_remedy(api: Api, query: str, field: str) -> None:
    refused = api.ask("GET", f"/runs?{query}")
    assert refused.status_code == 422
    [fault] = told(refused)["errors"]
    assert fault["field"] == field
    assert fault["problem"]
    assert fault["remedy"]
    assert len(refused.text) < 2000


@pytest.mark.parametrize("query", [f"before={HUGE}", "before=-1", "before=1.5", "status=failed&status=new"])
def test_a_query_for_deliveries_is_checked_too(api: Api, query: str) -> None:
    assert api.ask("GET", f"/deliveries?{query}").status_code == 422


@pytest.mark.parametrize(
    ("raw", "status"),
    [(b"{", 400), (b"[]", 400), (b'"x"', 400), (b"\xff\xfe", 400), (b"[" * 50_000, 400), (b'{"reason": NaN}', 400),
     (b'{"reason": "' + b"x" * 200_000 + b'"}', 413), (b'{"reason": "\\u0000"}', 422), (b'{"reason": "\\ud800"}', 422),
     (b'{"reason": 7}', 422), (b'{"reason": null}', 422), (b'{"reason": "  "}', 422), (b"{}", 422), (b"", 422),
     (b'{"reason": "x", "by": "the boss"}', 422)],
)  # fmt: skip
def test_a_body_that_cannot_be_used_changes_nothing(api: Api, raw: bytes, status: int) -> None:
    api.home.install(it="trigger: {event: survey.answered}\nsteps:\n  - {id: pause, wait: 3 days}\n")
    api.home.deliver(answer(3))
    api.home.settle()
    json_type = {"Content-Type": "application/json"}
    refused = api.ask("POST", f"/runs/{api.home.run().id}/cancel", data=raw, headers=json_type)
    assert refused.status_code == status, refused.text
    told(refused)
    assert api.home.run().status == "waiting"


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_of_a_foreign_page_is_no_command(api: Api, media: str) -> None:
    run = a_failed_run(api)
    refused = api.ask("POST", f"/runs/{run}/retry", data=b"{}", headers={"Content-Type": media})
    assert refused.status_code == 415
    assert api.home.run().status == "failed"


@pytest.mark.parametrize(
    "output",
    [
        {"a": "\x00"},
        {"a": "\ud800"},
        {"\x00": 1},
        [],
        "x",
        7,
        {"a": 10**400},
        {"a": {"b": [1.5, None, True]}},
    ],
)
def test_an_output_by_hand_is_kept_or_refused_but_never_breaks_anything(api: Api, output: Any) -> None:
    run = a_failed_run(api)
    done = api.ask("POST", f"/runs/{run}/skip", json={"step": "callback", "output": output})
    assert done.status_code in {200, 422}, done.text
    assert (api.home.run().status == "succeeded") is (done.status_code == 200)


def test_a_database_that_does_not_answer_is_said_and_may_be_asked_again(api: Api) -> None:
    def away(_connection: Any) -> None:
        raise OperationalError("SELECT", {}, ConnectionError("gone"))

    with just_before(api.home.house.database, "SELECT api_tokens", away):
        refused = api.ask("GET", "/runs")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
    assert "SELECT" not in json.dumps(told(refused))


def test_a_wrong_method_names_the_right_ones(api: Api) -> None:
    refused = api.ask("DELETE", "/runs")
    assert (refused.status_code, told(refused)["title"]) == (405, "Method Not Allowed")
    assert "GET" in refused.headers["Allow"]


def test_other_pages_keep_their_own_answers(api: Api) -> None:
    elsewhere = requests.get(f"{api.url}/nothing", timeout=30)
    assert elsewhere.status_code == 404
    assert "problem" not in elsewhere.headers["Content-Type"]


# --- the description ------------------------------------------------------------------------------------------------


def test_the_description_is_valid_openapi_and_holds_every_operation(api: Api) -> None:
    described = requests.get(f"{api.url}/api/v1/openapi.json", timeout=30).json()
    validate(described)
    assert described["openapi"].startswith("3.1")
    named = {
        operation["operationId"]: operation["security"]
        for path in described["paths"].values()
        for operation in path.values()
    }
    assert named == {operation.name: [{"token": [operation.scope]}] for operation in OPERATIONS}


def test_answers_are_what_the_description_says(api: Api) -> None:
    run = a_failed_run(api)
    described = requests.get(f"{api.url}/api/v1/openapi.json", timeout=30).json()
    answers = {
        "/api/v1/runs": api.get("/runs"),
        "/api/v1/runs/{run_id}": api.get(f"/runs/{run}"),
        "/api/v1/deliveries": api.get("/deliveries"),
        "/api/v1/deliveries/{delivery_id}": api.get("/deliveries/1"),
        "/api/v1/connections": api.get("/connections"),
        "/api/v1/workflows": api.get("/workflows"),
        "/api/v1/workflows/{slug}/versions": api.get("/workflows/it/versions"),
        "/api/v1/workflows/{slug}/versions/{version}": api.get("/workflows/it/versions/1"),
        "/api/v1/workflows/{slug}/difference": api.get("/workflows/it/difference"),
        "/api/v1/surveys": api.get("/surveys"),
    }
    for path, body in answers.items():
        schema = described["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        whole = {**schema, "components": described["components"]}
        assert [error.message for error in Draft202012Validator(whole).iter_errors(body)] == [], path


def test_without_the_right_to_personal_data_none_of_it_is_in_the_bytes(api: Api) -> None:
    api.home.deliver(answer(3, comment="Nobody called me back", customer={"email": "ann@example.com", "name": "Ann"}))
    api.home.settle()
    run, delivery = api.get("/runs")["items"][0]["id"], api.get("/deliveries")["items"][0]["id"]
    blind = Api(api.home, api.url, a_token(api.home, "runs:read", "deliveries:read", name="blind"))
    for path in (f"/runs/{run}", f"/deliveries/{delivery}", "/runs", "/deliveries"):
        whole, masked = api.ask("GET", path), blind.ask("GET", path)
        assert (masked.status_code, set(masked.json())) == (200, set(whole.json()))
        assert not [word for word in (b"ann@example.com", b"Nobody called") if word in masked.content], path
    assert b"Nobody called" in api.ask("GET", f"/deliveries/{delivery}").content


def test_what_a_token_changes_is_in_the_audit_log_and_what_it_only_lists_is_not(api: Api) -> None:
    api.get("/connections")
    api.post("/connections/zendesk/pause", reason="Ann de Vries asked for it")
    [line] = list(api.home.house.access.audit.all_of(actor="crm"))
    assert (line.actor_kind, line.action) == ("token", "pauseConnection")
    assert (line.object_kind, line.object) == ("connection", "zendesk")
    assert line.after["reason"].startswith("#"), "words of people stand there by fingerprint"
    assert api.home.house.access.audit.verify().broken is None
