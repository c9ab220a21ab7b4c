"""The Zendesk client over real HTTP, every request held against Zendesk's own description."""

from __future__ import annotations

import base64
import gzip
import html
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.errors import Ambiguous, AuthFailed, IntegrationError, Permanent, RateLimited, Transient
from integrations.protocols import Helpdesk, PersonPicture, Score
from sandbox.faults import Effect, Fault
from sandbox.world import World
from tests.oracles import oracle_path
from tests.support.clients import build
from tests.support.http import Reply, Seen, Server, answer, serving
from tests.support.openapi import check_request

CLOSED = {
    "error": "RecordInvalid",
    "description": "Record validation errors",
    "details": {"status": [{"description": "Status: closed prevents ticket update"}]},
}


@pytest.fixture
def server() -> Iterator[Server]:
    """A Zendesk that checks each request against the published description."""
    with serving(respond) as running:
        yield running
        for seen in running.requests:
            check_request(seen.method, seen.path, json.loads(seen.body) if seen.body else None)


@pytest.fixture
def helpdesk(server: Server) -> Iterator[Any]:
    client = connected(server)
    yield client
    client.session.close()


def connected(server: Server, **settings: Any) -> Any:
    auth = {"type": "api_token", "email": "bot@acme.example", "token": "hush"}
    return build("zendesk", "zendesk", {"base_url": server.url, "auth": auth} | settings)


def respond(seen: Seen) -> Reply:
    """The plainest answer to each request."""
    path = seen.path.removesuffix(".json")
    if path == "/api/v2/tickets" and seen.method == "POST":
        return answer(201, {"ticket": {"id": 35436, "status": "new"}, "audit": {"id": 1, "events": []}})
    if path == "/api/v2/users/search":
        return answer(200, {"users": [], "next_page": None, "count": 0})
    if path == "/api/v2/tickets":
        return answer(200, {"tickets": [], "meta": {"has_more": False}, "links": {}})
    if path.endswith("/audits"):
        return answer(200, {"audits": [], "meta": {"has_more": False}, "links": {}})
    if path.endswith("/tags"):
        return answer(200, {"tags": ["late"]})
    if path.startswith("/api/v2/users/"):
        return answer(200, {"user": {"id": 7, "name": "Jan", "email": "jan@acme.example", "active": True}})
    return answer(200, {"ticket": {"id": 35436, "status": "open"}, "audit": {"id": 2, "events": []}})


def written(server: Server) -> list[tuple[str, str, Any]]:
    writes = (seen for seen in server.requests if seen.method != "GET")
    return [(seen.method, seen.path.removesuffix(".json"), seen.json) for seen in writes]


def test_the_client_is_a_helpdesk(helpdesk: Any) -> None:
    methods = [name for name in vars(Helpdesk) if not name.startswith("_")]
    assert len(methods) == 12
    assert all(hasattr(helpdesk, name) for name in methods)


# Opening


def test_an_opened_ticket_is_told_with_the_address_agents_use(helpdesk: Any, server: Server) -> None:
    opened = helpdesk.open_ticket(helpdesk.render_ticket({"subject": "s", "body": "b"}), key="run-1#callback")
    told = {"ticket_id": "35436", "url": f"{server.url}/agent/tickets/35436"}
    assert opened == {**told, "requester_id": None, "ignored": []}
    assert server.requests[0].headers["idempotency-key"] == "run-1#callback"
    assert server.requests[0].headers["content-type"] == "application/json"


def test_the_same_stored_body_goes_out_as_the_same_bytes(helpdesk: Any, server: Server) -> None:
    body = helpdesk.render_ticket(
        {"subject": "é", "body": "{{x}}", "custom_fields": {"2": 1, "1": "a"}, "tags": ["b", "a"], "priority": "low"}
    )
    reordered = json.loads(json.dumps(body, sort_keys=True))
    stored = json.loads(json.dumps(dict(reversed(body.items()))))
    for each in (body, reordered, stored):
        helpdesk.open_ticket(each, key="k")
    assert len({seen.body for seen in server.requests}) == 1


def test_a_key_that_was_used_for_another_body_is_permanent(helpdesk: Any, server: Server) -> None:
    server.replies = [answer(400, {"error": "IdempotentRequestError", "description": "parameters do not match"})]
    with pytest.raises(Permanent) as refused:
        helpdesk.open_ticket({"ticket": {"comment": {"body": "b"}}}, key="k")
    assert refused.value.code == "IdempotentRequestError"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(drop=True), Ambiguous),
        (answer(502), Ambiguous),
        (answer(500), Ambiguous),
        (Reply(201, b"<html>"), Ambiguous),
        (answer(201, {"unexpected": 1}), Ambiguous),
        (answer(201, [1]), Ambiguous),
        (answer(503), Transient),
        (answer(409, {"error": "UpdateConflict"}), Transient),
        (answer(422, {"error": "RecordInvalid"}), Permanent),
        (answer(403, {"error": {"title": "Forbidden", "message": "no"}}), Permanent),
        (answer(403, {"error": "insufficient_scope"}), AuthFailed),
        (answer(401, {"error": "Couldn't authenticate you"}), AuthFailed),
        (answer(429, {"error": "APIRateLimitExceeded"}, retry_after="1.5"), RateLimited),
    ],
)
def test_trouble_while_opening_says_whether_a_ticket_may_exist(
    helpdesk: Any, server: Server, reply: Reply, kind: type[IntegrationError]
) -> None:
    server.replies = [reply]
    with pytest.raises(IntegrationError) as refused:
        helpdesk.open_ticket({"ticket": {"comment": {"body": "b"}}}, key="k")
    assert type(refused.value) is kind
    assert len(server.requests) == 1, "nothing is repeated by itself"


def test_the_answer_recorded_from_a_real_account_is_understood(helpdesk: Any, server: Server) -> None:
    name = "zendesk/cassettes/TestTicketCreateUpdateDelete.test_single_object_update-update-single.json"
    server.replies = [recorded(name, 0), recorded(name, 1)]
    assert helpdesk.open_ticket({"ticket": {"comment": {"body": "b"}}}, key="k")["ticket_id"] == "4016"
    assert helpdesk.update_ticket("4016", {"status": "open"}, key="k", repeated=False)["ticket_id"] == "4016"
    assert helpdesk.session.limits["account"].total == 700


def recorded(name: str, place: int) -> Reply:
    response = json.loads(oracle_path(name).read_text())["http_interactions"][place]["response"]
    body = response["body"]
    raw = base64.b64decode(body["base64_string"]) if "base64_string" in body else body["string"].encode()
    raw = gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
    headers = {name: values[0] for name, values in response["headers"].items() if "rate-limit" in name}
    return Reply(response["status"]["code"], raw, headers)


# Finding again


def test_a_ticket_is_found_by_our_id_whatever_signs_are_in_it(helpdesk: Any, server: Server) -> None:
    ours = "run 1#a&page=2+é"
    server.replies = [answer(200, {"tickets": [{"id": 9, "external_id": ours}], "meta": {"has_more": False}})]
    found = helpdesk.find_ticket(ours)
    assert (found["ticket_id"], found["url"]) == ("9", f"{server.url}/agent/tickets/9")
    assert server.requests[0].query["external_id"] == [ours]


def test_a_ticket_that_does_not_exist_is_not_found(helpdesk: Any) -> None:
    assert helpdesk.find_ticket("run-1") is None


def test_of_several_tickets_with_our_id_the_oldest_is_ours(helpdesk: Any, server: Server) -> None:
    tickets = [{"id": 12, "external_id": "a"}, {"id": 11, "external_id": "a"}, {"id": 3, "external_id": "b"}]
    server.replies = [answer(200, {"tickets": tickets, "next_page": None, "count": 3})]
    assert helpdesk.find_ticket("a")["ticket_id"] == "11"


@pytest.mark.parametrize("body", [{}, {"tickets": 1}, [], {"tickets": [{"external_id": "a"}, {"external_id": "a"}]}])
def test_an_answer_that_cannot_be_read_is_asked_for_again_later(helpdesk: Any, server: Server, body: Any) -> None:
    server.replies = [answer(200, body)]
    with pytest.raises(Transient):
        helpdesk.find_ticket("a")


def test_a_next_page_at_another_host_does_not_get_our_credentials(helpdesk: Any, server: Server) -> None:
    with serving() as elsewhere:
        page = {"tickets": [{"id": 1, "external_id": "x"}], "meta": {"has_more": True, "after_cursor": "c"}}
        server.replies = [answer(200, page | {"links": {"next": f"{elsewhere.url}/api/v2/tickets.json?page"}})]
        with pytest.raises(Permanent) as refused:
            helpdesk.find_ticket("a")
        assert refused.value.code == "foreign_host"
        assert elsewhere.requests == []


# Changing


def test_a_change_adds_tags_and_then_writes_fields_and_comment_in_one(helpdesk: Any, server: Server) -> None:
    changes = {"status": "open", "priority": "urgent", "tags": ["Late"], "custom_fields": {"5": "x"}}
    changed = helpdesk.update_ticket("35436", changes | {"comment": "nobody called"}, key="run#2", repeated=False)
    assert changed["ticket_id"] == "35436"
    assert written(server) == [
        ("PUT", "/api/v2/tickets/35436/tags", {"tags": ["late"]}),
        (
            "PUT",
            "/api/v2/tickets/35436",
            {
                "ticket": {
                    "id": 35436,
                    "status": "open",
                    "priority": "urgent",
                    "custom_fields": [{"id": 5, "value": "x"}],
                    "comment": {"html_body": "nobody called", "public": False},
                    "metadata": {"ringback": "run#2"},
                }
            },
        ),
    ]


def audits(*keys: str, **more: Any) -> Reply:
    metadata = [{"custom": {"ringback": key}, "system": {}} for key in keys]
    found = [{"id": place, "metadata": each, "events": []} for place, each in enumerate(metadata)]
    return answer(200, {"audits": found, "meta": {"has_more": False}, "links": {}} | more)


def test_a_comment_that_is_there_already_is_not_written_twice(helpdesk: Any, server: Server) -> None:
    server.replies = [audits("other", "run#2")]
    helpdesk.update_ticket("7", {"comment": "hello", "status": "open"}, key="run#2", repeated=True)
    assert written(server) == [("PUT", "/api/v2/tickets/7", {"ticket": {"id": 7, "status": "open"}})]


def test_a_comment_that_is_on_a_later_page_of_audits_is_found(helpdesk: Any, server: Server) -> None:
    second = f"{server.url}/api/v2/tickets/7/audits.json?page[after]=c"
    server.replies = [audits("other", meta={"has_more": True}, links={"next": second}), audits("run#2")]
    helpdesk.update_ticket("7", {"comment": "hello"}, key="run#2", repeated=True)
    assert written(server) == []


def test_a_comment_that_never_arrived_is_written_on_the_second_try(helpdesk: Any, server: Server) -> None:
    server.replies = [audits("other")]
    helpdesk.update_ticket("7", {"comment": "hello"}, key="run#2", repeated=True)
    assert [body["ticket"]["metadata"] for _, _, body in written(server)] == [{"ringback": "run#2"}]


def test_audits_without_metadata_are_no_obstacle(helpdesk: Any, server: Server) -> None:
    odd: list[dict[str, Any]] = [{"metadata": None}, {}, {"metadata": {"custom": None}}, {"metadata": {"custom": {}}}]
    found = [{"id": place, **each} for place, each in enumerate(odd)]
    server.replies = [answer(200, {"audits": found, "meta": {"has_more": False}})]
    helpdesk.update_ticket("7", {"comment": "hello"}, key="k", repeated=True)
    assert len(written(server)) == 1


def test_a_first_try_does_not_look_for_its_mark(helpdesk: Any, server: Server) -> None:
    helpdesk.update_ticket("7", {"comment": "hello"}, key="k", repeated=False)
    assert [seen.method for seen in server.requests] == ["PUT"]


def test_a_change_of_nothing_asks_nothing(helpdesk: Any, server: Server) -> None:
    helpdesk.update_ticket("7", {"priority": None}, key="k", repeated=False)
    assert server.requests == []


def test_a_closed_ticket_is_told_by_its_code(helpdesk: Any, server: Server) -> None:
    server.replies = [answer(422, CLOSED)]
    with pytest.raises(Permanent) as refused:
        helpdesk.update_ticket("7", {"comment": "hello"}, key="k", repeated=False)
    assert refused.value.code == "closed"


def test_an_update_conflict_passes(helpdesk: Any, server: Server) -> None:
    server.replies = [answer(409, {"error": "UpdateConflict", "description": "outdated"})]
    with pytest.raises(Transient):
        helpdesk.update_ticket("7", {"status": "open"}, key="k", repeated=False)


def test_a_fractional_retry_after_does_not_hold_up_the_thread(helpdesk: Any, server: Server) -> None:
    server.replies = [answer(429, retry_after="86400.5")]
    with pytest.raises(RateLimited) as limited:
        helpdesk.find_ticket("a")
    assert limited.value.retry_after == 86400.5


@pytest.mark.parametrize("hostile", ["7/../../users/1", "//evil.example/x", "7?x=1", "", "-1", "7.json", "1e3", "９"])
@pytest.mark.parametrize(
    "call",
    [
        lambda desk, hostile: desk.update_ticket(hostile, {"status": "open"}, key="k", repeated=False),
        lambda desk, hostile: desk.get_user(hostile),
        lambda desk, hostile: write(desk, hostile),
    ],
)
def test_a_hostile_id_never_becomes_a_request(
    helpdesk: Any, server: Server, call: Callable[[Any, str], object], hostile: str
) -> None:
    with pytest.raises(Permanent, match="id"):
        call(helpdesk, hostile)
    assert server.requests == []


# People and scores


def write(desk: Any, record: str) -> None:
    """Write a score onto a user. Raises what became of it."""
    score = Score(record, "nps", 3, "detractor", datetime(2026, 3, 1, 9, tzinfo=UTC), "slow")
    [error] = desk.pictures.write([desk.pictures.person(PersonPicture(record, "user", (score,)))])
    if error is not None:
        raise error


def test_a_user_is_read_from_an_answer_recorded_from_a_real_account(helpdesk: Any, server: Server) -> None:
    name = "zendesk/cassettes/TestUserCreateUpdateDelete.test_single_object_creation-create-single.json"
    server.replies = [recorded(name, 0)]
    user = helpdesk.get_user("6164039664282")
    assert (user.id, user.name, user.email, user.locale) == ("6164039664282", "testUser", None, "en-US")


def test_a_user_who_is_gone_is_none(helpdesk: Any, server: Server) -> None:
    server.replies = [
        answer(404, {"error": "RecordNotFound", "description": "Not found"}),
        answer(200, {"user": {"id": 7, "name": "Permanently Deleted", "active": False}}),
    ]
    assert helpdesk.get_user("7") is None
    assert helpdesk.get_user("7") is None


def test_only_active_users_with_exactly_the_address_are_found(helpdesk: Any, server: Server) -> None:
    users = [
        {"id": 1, "email": "Jan+NL@acme.example", "name": "Jan", "active": True},
        {"id": 2, "email": "jan+nl@acme.example.org", "name": "Other", "active": True},
        {"id": 3, "email": "jan+nl@acme.example", "name": "Gone", "active": False},
        {"id": 4, "email": None, "name": "None", "active": True},
    ]
    server.replies = [answer(200, {"users": users, "count": 4, "next_page": None})]
    assert [user.id for user in helpdesk.find_users(" jan+nl@ACME.example ")] == ["1"]
    assert server.requests[0].query["query"] == ['email:"jan+nl@acme.example"']


def test_an_address_cannot_break_out_of_the_search(helpdesk: Any, server: Server) -> None:
    helpdesk.find_users('x" role:admin email:"y')
    assert server.requests[0].query["query"] == ['email:"x role:admin email:y"']


def test_a_score_is_written_without_the_users_name(helpdesk: Any, server: Server) -> None:
    write(helpdesk, "7")
    [(method, path, body)] = written(server)
    assert (method, path, list(body["user"])) == ("PUT", "/api/v2/users/7", ["user_fields"])


def test_a_user_field_that_zendesk_does_not_have_is_told_although_zendesk_keeps_silent(
    helpdesk: Any, server: Server
) -> None:
    server.replies = [answer(200, {"user": {"id": 7, "user_fields": {"ringback_score": 3, "other": None}}})]
    with pytest.raises(Permanent, match="no user fields ringback_band, ringback_answered_at") as refused:
        write(helpdesk, "7")
    assert refused.value.code == "no_fields"


def test_a_score_is_written_into_the_fields_the_connection_names(server: Server) -> None:
    client = connected(server, fields={"score": "nps_last", "comment": ""})
    write(client, "7")
    client.session.close()
    fields = written(server)[0][2]["user"]["user_fields"]
    assert fields["nps_last"] == 3
    assert "ringback_comment" not in fields


def test_we_are_the_user_of_our_credentials(helpdesk: Any, server: Server) -> None:
    assert helpdesk.me().id == "7"
    assert server.requests[0].headers["authorization"].startswith("Basic ")


def test_an_anonymous_me_means_wrong_credentials(helpdesk: Any, server: Server) -> None:
    server.replies = [answer(200, {"user": {"id": None, "name": "Anonymous user"}})]
    with pytest.raises(AuthFailed):
        helpdesk.me()


def test_threads_share_a_client_without_mixing_their_answers(helpdesk: Any, server: Server) -> None:
    def user(seen: Seen) -> Reply:
        number = int(seen.path.rsplit("/", 1)[1].removesuffix(".json"))
        return answer(200, {"user": {"id": number, "name": f"n{number}", "active": True}})

    server.responder = user
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda number: helpdesk.get_user(str(number)), range(1, 200)))
    assert [user.id for user in found] == [str(number) for number in range(1, 200)]
    assert [user.name for user in found] == [f"n{number}" for number in range(1, 200)]


# With the stand-in


FIELDS = {name: f"ringback_{name}" for name in ("score", "band", "answered_at", "comment")}


@pytest.fixture
def world() -> Iterator[World]:
    with World() as running:
        yield running


@pytest.fixture
def desk(world: World) -> Iterator[Any]:
    auth = {"type": "oauth", "client_id": world.zendesk.client_id, "client_secret": world.zendesk.client_secret}
    settings = {"base_url": world.zendesk_url, "auth": auth, "fields": FIELDS | {"loop_status": "loop_status"}}
    client: Any = build("zendesk", "zendesk", settings)
    yield client
    client.session.close()


CALLBACK = {
    "subject": "Call back {{ticket.id}}",
    "body": "3: <b>slow</b> {{ticket.id}}",
    "requester": {"name": "Jan", "email": "jan@customer.example"},
    "due_at": "2026-03-02T16:00:00Z",
    "external_id": "run-1#callback",
}


def test_an_answer_that_was_lost_makes_no_second_ticket(world: World, desk: Any) -> None:
    body = desk.render_ticket(CALLBACK)
    world.zendesk.faults.add(Fault(path="/tickets", method="POST", effect=Effect.COMMIT_THEN_DROP))
    with pytest.raises(Ambiguous):
        desk.open_ticket(body, key="k")
    assert desk.open_ticket(body, key="k") == desk.find_ticket("run-1#callback")
    assert len(world.zendesk.tickets) == 1


def test_a_customers_words_arrive_as_they_were_written(world: World, desk: Any) -> None:
    desk.open_ticket(desk.render_ticket(CALLBACK), key="k")
    [ticket] = world.zendesk.tickets
    assert html.unescape(ticket["description"]).replace("\u200b", "") == "3: <b>slow</b> {{ticket.id}}"
    assert (ticket["type"], ticket["due_at"], ticket["is_public"]) == ("task", "2026-03-02T16:00:00Z", False)


def test_a_comment_whose_answer_was_lost_is_written_once(world: World, desk: Any) -> None:
    ticket = desk.open_ticket(desk.render_ticket(CALLBACK), key="k")["ticket_id"]
    world.zendesk.faults.add(Fault(path="/tickets/", method="PUT", effect=Effect.COMMIT_THEN_DROP))
    with pytest.raises(Ambiguous):
        desk.update_ticket(ticket, {"comment": "nobody called"}, key="run#2", repeated=False)
    writes = len(world.zendesk.requests)
    desk.update_ticket(ticket, {"comment": "nobody called"}, key="run#2", repeated=True)
    assert [seen.method for seen in world.zendesk.requests[writes:]] == ["GET"]


def test_a_score_lands_on_the_user(world: World, desk: Any) -> None:
    desk.open_ticket(desk.render_ticket(CALLBACK), key="k")
    [user] = desk.find_users("jan@customer.example")
    write(desk, user.id)
    [kept] = [each["user_fields"] for each in world.zendesk.users if str(each["id"]) == user.id]
    assert (kept["ringback_score"], kept["ringback_band"], kept["ringback_comment"]) == (3, "detractor", "slow")


def test_revoked_tokens_are_replaced_without_anyone_noticing(world: World, desk: Any) -> None:
    assert desk.me().email == world.zendesk.integration_email
    world.zendesk.desk.access.revoke_all()
    assert desk.me().email == world.zendesk.integration_email
