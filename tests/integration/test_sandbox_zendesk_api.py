"""The stand-in for Zendesk, asked over HTTP: what it accepts, what it refuses, and that it looks like Zendesk."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.clock import HandClock
from sandbox.world import World
from sandbox.zendesk import Limits
from tests.oracles import SHARED, oracle_path
from tests.support.openapi import check_request

TICKET = {"subject": "Call back", "comment": {"body": "Please call", "public": False}}
CUSTOMER = {"name": "Bo Berg", "email": "bo@customer.example"}


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def world(clock: HandClock) -> Iterator[World]:
    with World(clock=clock) as world:
        yield world


class Api:
    """Asks as the integration does; ``ask`` holds each request against Zendesk's own description, if it is here."""

    def __init__(self, world: World) -> None:
        self.world, self.session = world, requests.Session()
        self.session.auth = (f"{world.zendesk.integration_email}/token", world.zendesk.api_token)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        if SHARED.is_dir() and not path.startswith("/api/v2/webhooks"):  # webhooks are described elsewhere
            check_request(method, path.partition("?")[0], body)
        return self.ask_anything(method, path, body, **headers)

    def ask_anything(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """Also what Zendesk's description does not allow."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return self.session.request(method, self.world.zendesk_url + path, json=body, headers=named)

    def open(self, **fields: Any) -> dict[str, Any]:
        answer = self.ask("POST", "/api/v2/tickets", {"ticket": {**TICKET, **fields}})
        assert answer.status_code == 201, answer.text
        ticket: dict[str, Any] = answer.json()["ticket"]
        return ticket

    def change(self, ticket_id: int, **fields: Any) -> requests.Response:
        return self.ask("PUT", f"/api/v2/tickets/{ticket_id}.json", {"ticket": fields})


@pytest.fixture
def api(world: World) -> Iterator[Api]:
    api = Api(world)
    yield api
    api.session.close()


def recorded(name: str, number: int) -> Any:
    """The body of a recorded answer."""
    cassette = json.loads(oracle_path(f"zendesk/cassettes/{name}").read_text())
    body = cassette["http_interactions"][number]["response"]["body"]
    raw = base64.b64decode(body["base64_string"]) if "base64_string" in body else body["string"].encode()
    return json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)


def keys(value: Any) -> set[str]:
    return set(value)


# --- it looks like Zendesk -------------------------------------------------------------------------------------


def test_a_created_ticket_has_exactly_the_keys_that_were_recorded(api: Api) -> None:
    real = recorded("TestTicketCreateUpdateDelete.test_single_object_update-update-single.json", 0)
    ours = api.ask_anything(
        "POST", "/api/v2/tickets.json", {"ticket": {"description": "test", "subject": "test"}}
    ).json()
    assert keys(ours["ticket"]) == keys(real["ticket"])
    assert keys(ours["audit"]) == keys(real["audit"])
    assert keys(ours["audit"]["events"][0]) == keys(real["audit"]["events"][0])
    assert keys(ours["audit"]["events"][1]) == keys(real["audit"]["events"][1])
    assert ours["audit"]["events"][0]["html_body"] == real["audit"]["events"][0]["html_body"]
    assert keys(ours["ticket"]["via"]["source"]) == keys(real["ticket"]["via"]["source"])


def test_an_updated_ticket_has_exactly_the_keys_that_were_recorded(api: Api) -> None:
    real = recorded("TestTicketCreateUpdateDelete.test_single_object_update-update-single.json", 1)
    ours = api.change(api.open()["id"], subject="other").json()
    assert keys(ours["ticket"]) == keys(real["ticket"])
    assert keys(ours["audit"]["events"][0]) == keys(real["audit"]["events"][0])


def test_a_created_user_has_exactly_the_keys_that_were_recorded(api: Api) -> None:
    real = recorded("TestUserCreateUpdateDelete.test_single_object_creation-create-single.json", 0)
    ours = api.ask("POST", "/api/v2/users.json", {"user": {"name": "testUser"}}).json()
    assert keys(ours["user"]) == keys(real["user"])


def test_a_user_field_has_the_keys_that_were_recorded(api: Api) -> None:
    real = recorded("UserFieldsCreateUpdateDelete.test_single_object_creation-create-single.json", 0)[
        "user_field"
    ]
    ours = api.ask(
        "POST", "/api/v2/user_fields", {"user_field": {"key": "shoe", "title": "Shoe", "type": "text"}}
    )
    assert keys(real) - {"custom_field_options"} <= keys(ours.json()["user_field"])


def test_a_trigger_and_a_webhook_have_the_keys_that_were_recorded(api: Api) -> None:
    rule = {
        "title": "t",
        "conditions": {"all": [{"field": "status", "operator": "is", "value": "open"}], "any": []},
        "actions": [{"field": "status", "value": "open"}],
    }
    real = recorded("TestTriggers.test_single_object_creation-create-single.json", 0)
    assert keys(api.ask("POST", "/api/v2/triggers", {"trigger": rule}).json()["trigger"]) == keys(
        real["trigger"]
    )
    hook = {
        "name": "n",
        "endpoint": "http://127.0.0.1:9/",
        "http_method": "POST",
        "request_format": "json",
        "description": "d",
        "status": "active",
        "subscriptions": ["conditional_ticket_events"],
        "authentication": {"type": "basic_auth", "add_position": "header", "data": {"password": "p"}},
    }
    real = recorded("TestWebhooks.test_webhook_show_secret-show-secret.json", 0)
    answer = api.ask("POST", "/api/v2/webhooks", {"webhook": hook})
    ours = answer.json()["webhook"]
    assert keys(ours) == keys(real["webhook"])
    assert "p" not in ours["authentication"].values()
    secret = api.ask("GET", f"/api/v2/webhooks/{ours['id']}/signing_secret").json()
    assert keys(secret["signing_secret"]) == {"secret", "algorithm"}


def test_the_errors_are_those_that_were_recorded(api: Api) -> None:
    real = json.loads(oracle_path("zendesk/zendesk_error_bodies.json").read_text())
    by_status = {key[:3]: body for key, body in real.items() if "TooMany" not in key}
    ticket = api.open()
    assert api.ask("GET", "/api/v2/tickets/999").json() == by_status["404"]
    stale = api.change(ticket["id"], subject="x", safe_update=True, updated_stamp="2020-01-01T00:00:00Z")
    assert (stale.status_code, stale.json()) == (409, by_status["409"])
    api.change(ticket["id"], status="closed")
    closed = api.change(ticket["id"], subject="late")
    assert (closed.status_code, closed.json()) == (422, by_status["422"])


def test_a_429_is_shaped_as_recorded_and_says_when_to_come_back(clock: HandClock) -> None:
    real = json.loads(oracle_path("zendesk/zendesk_error_bodies.json").read_text())[
        "429_incremental (zendesk-go fixture)"
    ]
    with World(clock=clock, limits=Limits(requests_per_minute=2)) as world:
        auth = (f"{world.zendesk.integration_email}/token", world.zendesk.api_token)
        answers = [
            requests.get(f"{world.zendesk_url}/api/v2/users/me.json", auth=auth, timeout=30) for _ in range(3)
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["x-rate-limit-remaining"] == answers[0].headers["ratelimit-remaining"] == "1"
    assert answers[2].headers["Retry-After"] == "60"
    assert keys(answers[2].json()) == keys(real)
    assert answers[2].json()["error"] == real["error"]


# --- who asks --------------------------------------------------------------------------------------------------


def token(world: World, **given: Any) -> requests.Response:
    body = {
        "grant_type": "client_credentials",
        "client_id": world.zendesk.client_id,
        "client_secret": world.zendesk.client_secret,
        **given,
    }
    return requests.post(f"{world.zendesk_url}/oauth/tokens", json=body, timeout=30)


def me(world: World, credentials: str) -> requests.Response:
    url = f"{world.zendesk_url}/api/v2/tickets"
    return requests.get(url, headers={"Authorization": credentials}, timeout=30)


def test_a_client_gets_a_token_that_lives_as_long_as_it_says(world: World, clock: HandClock) -> None:
    given = token(world, expires_in=600).json()
    assert (given["expires_in"], given["token_type"], "refresh_token" in given) == (600, "bearer", False)
    bearer = f"Bearer {given['access_token']}"
    clock.move(seconds=599)
    assert me(world, bearer).status_code == 200
    clock.move(seconds=1)
    assert (me(world, bearer).status_code, me(world, bearer).json()["error"]) == (401, "invalid_token")


def test_a_wrong_client_gets_no_token(world: World) -> None:
    assert token(world, client_secret="guess").status_code == 401
    assert token(world, client_id="someone").status_code == 401
    assert token(world, grant_type="password").status_code == 400
    assert token(world, expires_in=1).status_code == 400


@pytest.mark.parametrize("credentials", ["Bearer nonsense", "Basic bm8=", "Basic !!", "Digest x", ""])
def test_bad_credentials_are_refused(world: World, credentials: str) -> None:
    assert me(world, credentials).status_code == 401


def test_a_customers_own_token_does_not_open_the_api(world: World) -> None:
    world.zendesk.add_user("Eve", "eve@x.example")
    world.zendesk.desk.access.add_api_token("any-agent")
    auth = ("eve@x.example/token", "any-agent")
    assert requests.get(f"{world.zendesk_url}/api/v2/tickets", auth=auth, timeout=30).status_code == 403


def test_without_credentials_me_is_nobody_as_at_zendesk(world: World) -> None:
    answer = requests.get(f"{world.zendesk_url}/api/v2/users/me.json", timeout=30)
    assert (answer.status_code, answer.json()["user"]["id"]) == (200, None)


def test_a_read_only_token_writes_nothing(world: World) -> None:
    bearer = {"Authorization": f"Bearer {token(world, scope='read').json()['access_token']}"}
    url = f"{world.zendesk_url}/api/v2/tickets"
    assert requests.get(url, headers=bearer, timeout=30).status_code == 200
    assert requests.post(url, headers=bearer, json={"ticket": TICKET}, timeout=30).status_code == 403


# --- tickets ---------------------------------------------------------------------------------------------------


def test_only_a_comment_is_required(api: Api) -> None:
    missing = api.ask_anything("POST", "/api/v2/tickets", {"ticket": {"subject": "x"}})
    assert (missing.status_code, missing.json()["error"]) == (422, "RecordInvalid")
    assert api.ask("POST", "/api/v2/tickets", {"ticket": {"comment": {"body": "x"}}}).status_code == 201


def test_the_requester_is_created_once_and_found_afterwards(api: Api) -> None:
    first, again = (
        api.open(requester=CUSTOMER),
        api.open(requester={**CUSTOMER, "email": "BO@customer.example"}),
    )
    assert first["requester_id"] == again["requester_id"]
    assert api.world.zendesk.user(first["requester_id"])["role"] == "end-user"


def test_the_same_key_gives_the_same_ticket_and_says_hit(api: Api, clock: HandClock) -> None:
    body = {"ticket": TICKET}
    answers = [api.ask("POST", "/api/v2/tickets", body, Idempotency_Key="k-1") for _ in range(2)]
    assert [each.headers["x-idempotency-lookup"] for each in answers] == ["miss", "hit"]
    assert answers[0].json() == answers[1].json()
    assert len(api.world.zendesk.tickets) == 1
    other = api.ask(
        "POST", "/api/v2/tickets", {"ticket": {**TICKET, "subject": "other"}}, Idempotency_Key="k-1"
    )
    assert (other.status_code, other.json()["error"]) == (400, "IdempotentRequestError")
    clock.move(hours=2)
    assert (
        api.ask("POST", "/api/v2/tickets", body, Idempotency_Key="k-1").headers["x-idempotency-lookup"]
        == "miss"
    )
    assert len(api.world.zendesk.tickets) == 2


def test_a_refused_ticket_leaves_its_key_free(api: Api) -> None:
    empty = {"ticket": {"subject": "no comment"}}
    refused = api.ask_anything("POST", "/api/v2/tickets", empty, Idempotency_Key="k")
    assert refused.status_code == 422
    assert api.ask("POST", "/api/v2/tickets", {"ticket": TICKET}, Idempotency_Key="k").status_code == 201


def test_a_due_date_belongs_to_a_task_only(api: Api) -> None:
    assert api.open(type="task", due_at="2026-03-02T17:00:00+01:00")["due_at"] == "2026-03-02T16:00:00Z"
    assert api.open(type="incident", due_at="2026-03-02T17:00:00Z")["due_at"] is None


def test_tags_are_overwritten_by_an_update_and_added_by_the_tags_endpoint(api: Api) -> None:
    ticket = api.open(tags=["One", "two words"])
    assert ticket["tags"] == ["one", "two_words"]
    added = api.ask("PUT", f"/api/v2/tickets/{ticket['id']}/tags", {"tags": ["three"]})
    assert added.json()["tags"] == ["one", "three", "two_words"]
    assert api.change(ticket["id"], tags=["four"]).json()["ticket"]["tags"] == ["four"]


def test_html_in_a_body_is_stripped_and_kept_in_an_html_body(api: Api) -> None:
    plain = api.open(comment={"body": "<b>loud</b> & clear"})
    rich = api.open(comment={"html_body": "<b>loud</b> & clear"})
    assert plain["description"] == rich["description"] == "loud & clear"
    html = [api.world.zendesk.comments(each["id"])[0]["html_body"] for each in (plain, rich)]
    assert "<b>" not in html[0]
    assert "<b>loud</b>" in html[1]


def test_placeholders_in_what_staff_writes_are_expanded_also_in_quoted_words(api: Api) -> None:
    ticket = api.open(comment={"body": "They said: {{ticket.requester.email}}"}, requester=CUSTOMER)
    assert ticket["description"] == "They said: bo@customer.example"
    api.world.zendesk.act("reply", ticket["id"], comment="{{ticket.id}}")
    assert api.world.zendesk.comments(ticket["id"])[-1]["body"] == "{{ticket.id}}"


def test_a_public_comment_mails_the_customer_and_an_internal_one_does_not(api: Api) -> None:
    ticket = api.open(requester=CUSTOMER)
    assert (api.world.zendesk.notices, ticket["is_public"]) == ([], False)
    api.change(ticket["id"], comment={"body": "We call you", "public": True})
    assert [(each.to, each.why) for each in api.world.zendesk.notices] == [
        ("bo@customer.example", "public comment")
    ]


def test_metadata_comes_back_as_custom_in_the_audit(api: Api) -> None:
    ticket = api.open(metadata={"effect": "run-1/step-2"})
    api.change(ticket["id"], comment={"body": "again", "public": False}, metadata={"effect": "run-1/step-3"})
    audits = api.ask("GET", f"/api/v2/tickets/{ticket['id']}/audits.json").json()["audits"]
    assert [each["metadata"]["custom"]["effect"] for each in audits] == ["run-1/step-2", "run-1/step-3"]


def test_comments_are_listed_with_their_author_and_kind(api: Api) -> None:
    ticket = api.open(requester=CUSTOMER)
    api.world.zendesk.act("reply", ticket["id"], comment="Thanks")
    told = api.ask("GET", f"/api/v2/tickets/{ticket['id']}/comments").json()
    assert [(each["body"], each["public"]) for each in told["comments"]] == [
        ("Please call", False),
        ("Thanks", True),
    ]
    assert {"via", "created_at", "metadata"} <= keys(told["comments"][0])


def test_a_ticket_is_found_by_its_external_id_unless_it_is_deleted(api: Api) -> None:
    ticket = api.open(external_id="ringback:1")
    api.open(external_id="ringback:10")
    found = api.ask("GET", "/api/v2/tickets?external_id=ringback:1").json()
    assert [each["id"] for each in found["tickets"]] == [ticket["id"]]
    assert api.ask("DELETE", f"/api/v2/tickets/{ticket['id']}").status_code == 204
    assert api.ask("GET", "/api/v2/tickets?external_id=ringback:1").json()["count"] == 0
    assert api.ask("GET", f"/api/v2/tickets/{ticket['id']}").status_code == 404


def test_a_list_comes_in_pages_by_number_and_by_cursor(api: Api) -> None:
    for _ in range(3):
        api.open()
    first = api.ask("GET", "/api/v2/tickets?per_page=2").json()
    second = api.session.get(first["next_page"]).json()
    assert [len(first["tickets"]), len(second["tickets"]), second["next_page"]] == [2, 1, None]
    page = api.ask("GET", "/api/v2/tickets?page[size]=2").json()
    rest = api.session.get(page["links"]["next"]).json()
    assert (page["meta"]["has_more"], rest["meta"]["has_more"], len(rest["tickets"])) == (True, False, 1)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"priority": "extreme"}, "priority"),
        ({"status": "gone"}, "status"),
        ({"type": "wish"}, "type"),
        ({"due_at": "soon", "type": "task"}, "due_at"),
        ({"group_id": 1}, "group"),
        ({"assignee_id": 1}, "assignee"),
        ({"requester_id": 1}, "requester"),
        ({"requester": {"email": "new@x.example"}}, "name"),
    ],
)
def test_a_value_that_cannot_be_is_refused_and_named(api: Api, fields: dict[str, Any], named: str) -> None:
    answer = api.session.post(
        f"{api.world.zendesk_url}/api/v2/tickets", json={"ticket": {**TICKET, **fields}}
    )
    assert (answer.status_code, list(answer.json()["details"])) == (422, [named])
    assert api.world.zendesk.tickets == []


@pytest.mark.parametrize(
    "body", ["", "[]", "{", '"x"', "{}", '{"ticket": 5}', '{"ticket": {"comment": "x"}}']
)
def test_a_body_of_another_shape_is_refused(api: Api, body: str) -> None:
    url = f"{api.world.zendesk_url}/api/v2/tickets"
    answer = api.session.post(url, data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)


def test_unknown_keys_are_ignored_with_a_warning_in_a_header(api: Api) -> None:
    body = {"ticket": {**TICKET, "mood": "bad"}}
    answer = api.session.post(f"{api.world.zendesk_url}/api/v2/tickets", json=body)
    assert answer.status_code == 201
    assert "ticket.mood" in answer.headers["x-zendesk-api-warn"]


def test_solving_an_unassigned_ticket_assigns_it_to_who_solves_it(api: Api) -> None:
    solved = api.world.zendesk.solve(api.open()["id"])
    assert (solved["status"], solved["assignee_id"]) == ("solved", api.world.zendesk.agent["id"])


def test_a_customers_reply_reopens_a_solved_ticket(api: Api) -> None:
    ticket = api.open(requester=CUSTOMER)
    api.world.zendesk.solve(ticket["id"])
    assert api.world.zendesk.act("reply", ticket["id"], comment="Still broken")["status"] == "open"


def test_only_a_closed_ticket_can_be_followed_up(api: Api) -> None:
    ticket = api.open()
    body = {"ticket": {**TICKET, "via_followup_source_id": ticket["id"]}}
    assert api.ask("POST", "/api/v2/tickets", body).status_code == 422
    api.change(ticket["id"], status="closed")
    follow_up = api.ask("POST", "/api/v2/tickets", body).json()["ticket"]
    assert follow_up["via"]["source"]["rel"] == "follow_up"
    assert api.world.zendesk.ticket(ticket["id"])["followup_ids"] == [follow_up["id"]]


def test_custom_fields_hold_their_values_and_unknown_ones_vanish(api: Api) -> None:
    score = api.world.zendesk.field_id("NPS score")
    ticket = api.open(custom_fields=[{"id": score, "value": 3}, {"id": 999, "value": "x"}])
    held = {each["id"]: each["value"] for each in ticket["custom_fields"]}
    assert held[score] == 3
    assert 999 not in held
    assert ticket["fields"] == ticket["custom_fields"]


def test_one_ticket_may_not_be_updated_31_times_in_ten_minutes(clock: HandClock) -> None:
    with World(clock=clock, limits=Limits()) as world:
        api = Api(world)
        ticket = api.open()["id"]
        answers = [api.change(ticket, priority="high" if n % 2 else "low") for n in range(31)]
        api.session.close()
    assert {answer.status_code for answer in answers[:-1]} == {200}
    assert answers[0].headers["zendesk-rate-limit-tickets-update"] == "total=100; remaining=99; resets=60"
    assert (answers[-1].status_code, int(answers[-1].headers["Retry-After"])) == (429, 600)


# --- users -----------------------------------------------------------------------------------------------------


def test_users_are_matched_by_address_or_external_id(api: Api) -> None:
    def write(status: int, **user: Any) -> int:
        answer = api.ask(
            "POST", "/api/v2/users/create_or_update", {"user": {"skip_verify_email": True, **user}}
        )
        assert answer.status_code == status
        return int(answer.json()["user"]["id"])

    new = write(201, name="Bo", email="bo@x.example", external_id="e-1")
    assert write(200, name="Bo B", email="BO@x.example") == new
    assert write(200, name="Bo C", external_id="e-1") == new
    assert api.world.zendesk.notices == []


def test_a_new_user_is_mailed_unless_told_otherwise(api: Api) -> None:
    api.ask("POST", "/api/v2/users", {"user": {"name": "Bo", "email": "bo@x.example"}})
    assert [each.why for each in api.world.zendesk.notices] == ["verify"]


def test_user_fields_are_written_typed_and_unknown_ones_vanish(api: Api) -> None:
    user = api.world.zendesk.add_user("Bo", "bo@x.example")
    path = f"/api/v2/users/{user['id']}.json"
    written = api.ask("PUT", path, {"user": {"user_fields": {"ringback_score": 9, "shoe_size": 44}}}).json()[
        "user"
    ]
    assert (written["user_fields"]["ringback_score"], "shoe_size" in written["user_fields"]) == (9, False)
    assert written["name"] == "Bo"
    refused = api.ask("PUT", path, {"user": {"user_fields": {"ringback_score": "nine"}}})
    assert (refused.status_code, list(refused.json()["details"])) == (422, ["ringback_score"])


def test_search_finds_an_address_exactly_and_a_name_in_part(api: Api) -> None:
    api.world.zendesk.add_user("Bo Berg", "bo@x.example")
    api.world.zendesk.add_user("Bobby", "bobo@x.example")

    def found(query: str) -> list[str]:
        return [
            each["name"] for each in api.ask("GET", f"/api/v2/users/search?query={query}").json()["users"]
        ]

    assert found("bo@x.example") == found("email:BO@x.example") == ["Bo Berg"]
    assert found("bo") == ["Bo Berg", "Bobby"]
    assert found("") == []


def test_an_address_belongs_to_one_user(api: Api) -> None:
    api.world.zendesk.add_user("Bo", "bo@x.example")
    taken = api.ask("POST", "/api/v2/users", {"user": {"name": "Eve", "email": "bo@X.example"}})
    assert (taken.status_code, taken.json()["details"]["email"][0]["error"]) == (422, "DuplicateValue")


def test_what_an_admin_set_up_can_be_listed(api: Api) -> None:
    names = ("groups", "ticket_fields", "user_fields", "triggers", "users", "webhooks")
    assert all(name in api.ask("GET", f"/api/v2/{name}").json() for name in names)
    made = api.ask("POST", "/api/v2/ticket_fields", {"ticket_field": {"title": "Cause", "type": "text"}})
    assert made.status_code == 201
    assert made.json()["ticket_field"]["id"] == api.world.zendesk.field_id("Cause")


def test_an_unknown_path_answers_in_json(api: Api) -> None:
    answer = api.session.get(f"{api.world.zendesk_url}/api/v2/unicorns.json")
    assert (answer.status_code, answer.json()["error"]) == (404, "InvalidEndpoint")
