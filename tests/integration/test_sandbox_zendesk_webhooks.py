"""Webhooks of the stand-in for Zendesk: what is sent, to whom, and how often it is tried."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.clock import HandClock
from sandbox.faults import Effect, Fault
from sandbox.receiver import Receiver
from sandbox.world import World
from tests.oracles import oracle_path

ALL = (
    "ticket.created",
    "ticket.status_changed",
    "ticket.comment_added",
    "ticket.agent_assignment_changed",
    "ticket.soft_deleted",
    "ticket.merged",
    "ticket.tags_changed",
    "ticket.priority_changed",
    "ticket.custom_field_changed",
    "ticket.group_assignment_changed",
)


@pytest.fixture
def world() -> Iterator[World]:
    with World(clock=HandClock(), pace=0.001) as world:
        yield world


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def write_in(world: World, **more: Any) -> int:
    ticket = world.zendesk.write_in("Bo Berg", "bo@x.example", "Help", "It broke", **more)
    return int(ticket["id"])


def events(world: World, receiver: Receiver) -> list[tuple[str, Any]]:
    assert world.zendesk.settle()
    bodies = [seen.json() for seen in receiver.requests]
    return [(body["type"].removeprefix("zen:event-type:ticket."), body["event"]) for body in bodies]


def shape(value: Any) -> Any:
    """The types in a value; null goes with everything."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    return type(value).__name__


def test_a_created_ticket_is_told_in_the_documented_envelope(world: World, receiver: Receiver) -> None:
    real = json.loads(oracle_path("zendesk/webhooks/docs.ticket.created.json").read_text())
    world.zendesk.subscribe(receiver.url, "ticket.created")
    write_in(
        world,
        type="task",
        priority="low",
        tags=["t"],
        external_id="e",
        assignee_email=world.zendesk.agent_email,
        organization_id=7,
    )
    assert world.zendesk.settle()
    ours = receiver.requests[0].json()
    expected = shape(real)
    expected["detail"]["external_id"] = "str"  # null in the example, documented as a string
    assert shape(ours) == expected
    assert (ours["detail"]["type"], ours["detail"]["priority"], ours["detail"]["status"]) == (
        "TASK",
        "LOW",
        "OPEN",
    )
    assert ours["zendesk_event_version"] == real["zendesk_event_version"]
    assert len(ours["time"]) == len(real["time"])


def test_a_delivery_carries_the_recorded_headers_and_a_true_signature(
    world: World, receiver: Receiver
) -> None:
    real = json.loads(oracle_path("zendesk/webhooks/zenpy.real_invocation_attempts.json").read_text())
    names = {header["key"].lower() for header in real["attempts"][0]["request"]["headers"]}
    hook = world.zendesk.subscribe(receiver.url, "ticket.created")
    write_in(world)
    assert world.zendesk.settle()
    seen = receiver.requests[0]
    assert names <= set(seen.headers)
    timestamp = seen.headers["x-zendesk-webhook-signature-timestamp"]
    mac = hmac.new(hook["secret"].encode(), (timestamp + seen.body).encode(), hashlib.sha256)
    assert seen.headers["x-zendesk-webhook-signature"] == base64.b64encode(mac.digest()).decode()
    assert (timestamp, seen.headers["x-zendesk-webhook-id"]) == ("2026-03-02T09:00:00Z", hook["id"])


def test_a_tickets_life_is_told_event_by_event(world: World, receiver: Receiver) -> None:
    ticket, other = write_in(world), write_in(world)
    anna = str(world.zendesk.agent["id"])
    world.zendesk.subscribe(receiver.url, *ALL)
    world.zendesk.act("assign", ticket)
    world.zendesk.solve(ticket, "Done")
    world.zendesk.reopen(ticket)
    world.zendesk.act("merge", ticket, into=other)
    world.zendesk.act("delete", other)
    told = events(world, receiver)
    assert [kind for kind, _ in told] == [
        "agent_assignment_changed",
        "group_assignment_changed",
        "status_changed",
        "comment_added",
        "status_changed",
        "status_changed",
        "merged",
        "comment_added",
        "status_changed",
        "tags_changed",
        "comment_added",
        "status_changed",
        "soft_deleted",
    ]
    by_kind = dict(told)
    assert told[0][1] == {"current": anna, "previous": None}
    assert [event for kind, event in told if kind == "status_changed"] == [
        {"current": "OPEN", "previous": "NEW"},
        {"current": "SOLVED", "previous": "OPEN"},
        {"current": "OPEN", "previous": "SOLVED"},
        {"current": "CLOSED", "previous": "OPEN"},
        {"current": "DELETED", "previous": "NEW"},
    ]
    assert by_kind["merged"] == {"target_ticket_id": str(other)}
    assert by_kind["tags_changed"] == {"tags_added": ["closed_by_merge"], "tags_removed": []}
    assert told[3][1]["comment"]["author"] == {"id": anna, "is_staff": True, "name": "Anna de Vries"}


def test_the_actor_is_who_did_it(world: World, receiver: Receiver) -> None:
    ticket = write_in(world)
    world.zendesk.subscribe(receiver.url, "ticket.priority_changed", "ticket.status_changed")
    auth = (f"{world.zendesk.integration_email}/token", world.zendesk.api_token)
    url = f"{world.zendesk_url}/api/v2/tickets/{ticket}"
    requests.put(url, json={"ticket": {"priority": "high"}}, auth=auth, timeout=30)
    world.zendesk.solve(ticket)
    assert world.zendesk.settle()
    actors = [seen.json()["detail"]["actor_id"] for seen in receiver.requests]
    assert actors == [str(world.zendesk.integration_user["id"]), str(world.zendesk.agent["id"])]


def test_nobody_hears_what_they_did_not_subscribe_to(world: World, receiver: Receiver) -> None:
    world.zendesk.subscribe(receiver.url, "ticket.soft_deleted")
    world.zendesk.solve(write_in(world))
    assert world.zendesk.settle()
    assert receiver.requests == ()


@pytest.mark.parametrize(
    ("fault", "attempts"),
    [
        ({"status": 409}, 4),
        ({"status": 500}, 1),
        ({"status": 503}, 1),
        ({"status": 503, "headers": {"Retry-After": "30"}}, 6),
        ({"status": 503, "headers": {"Retry-After": "60"}}, 1),
        ({"status": 429, "headers": {"Retry-After": "1"}}, 6),
        ({"status": 404}, 1),
        ({"status": 302, "headers": {"Location": "/elsewhere"}}, 1),
        ({"effect": Effect.DROP_BEFORE}, 1),
        ({"delay": 0.5, "effect": Effect.DELAY}, 6),
    ],
)
def test_a_refused_delivery_is_tried_again_as_zendesk_does(
    world: World, receiver: Receiver, fault: dict[str, Any], attempts: int
) -> None:
    if "delay" in fault:  # an answer that comes must not count as late on a busy machine
        world.zendesk.desk.webhooks.timeout = 0.05
    receiver.faults.add(Fault(path="/", times=20, **fault))
    world.zendesk.subscribe(receiver.url, "ticket.created")
    write_in(world)
    assert world.zendesk.settle()
    log = world.zendesk.deliveries
    assert [each.attempt for each in log] == list(range(1, attempts + 1))
    assert len({each.invocation for each in log}) == len({each.body for each in log}) == 1


def test_a_delivery_that_is_taken_the_second_time_is_not_sent_a_third(
    world: World, receiver: Receiver
) -> None:
    receiver.faults.add(Fault(path="/", status=503, headers={"Retry-After": "5"}))
    world.zendesk.subscribe(receiver.url, "ticket.created")
    write_in(world)
    assert world.zendesk.settle()
    assert [each.status for each in world.zendesk.deliveries] == [503, 200]


def test_the_same_delivery_can_come_twice_under_one_invocation(world: World, receiver: Receiver) -> None:
    world.zendesk.subscribe(receiver.url, "ticket.created")
    write_in(world)
    assert world.zendesk.settle()
    world.zendesk.redeliver(world.zendesk.deliveries[0])
    assert world.zendesk.settle()
    first, second = receiver.requests
    assert first.body == second.body
    assert (
        first.headers["x-zendesk-webhook-invocation-id"] == second.headers["x-zendesk-webhook-invocation-id"]
    )


def test_a_rotated_secret_signs_from_then_on(world: World, receiver: Receiver) -> None:
    hook = world.zendesk.subscribe(receiver.url, "ticket.created", secret="old")
    write_in(world)
    assert world.zendesk.settle()
    world.zendesk.rotate_secret(hook["id"], "new")
    world.zendesk.redeliver(world.zendesk.deliveries[0])
    assert world.zendesk.settle()
    signatures = [seen.headers["x-zendesk-webhook-signature"] for seen in receiver.requests]
    assert signatures[0] != signatures[1]


def test_a_trigger_sends_the_body_that_an_admin_wrote(world: World, receiver: Receiver) -> None:
    auth = (f"{world.zendesk.integration_email}/token", world.zendesk.api_token)
    hook = {
        "name": "t",
        "endpoint": receiver.url,
        "http_method": "POST",
        "request_format": "json",
        "status": "active",
        "subscriptions": ["conditional_ticket_events"],
    }
    url = f"{world.zendesk_url}/api/v2"
    made = requests.post(f"{url}/webhooks", json={"webhook": hook}, auth=auth, timeout=30).json()["webhook"]
    body = '{"ticket": "{{ticket.id}}", "by": "{{ticket.requester.email}}"}'
    rule = {
        "title": "solved",
        "conditions": {"all": [{"field": "status", "operator": "value", "value": "solved"}]},
        "actions": [{"field": "notification_webhook", "value": [made["id"], body]}],
    }
    assert requests.post(f"{url}/triggers", json={"trigger": rule}, auth=auth, timeout=30).status_code == 201
    ticket = write_in(world)
    world.zendesk.solve(ticket)
    world.zendesk.act("comment", ticket, comment="afterthought")
    assert world.zendesk.settle()
    assert [seen.json() for seen in receiver.requests] == [{"ticket": str(ticket), "by": "bo@x.example"}]


@pytest.mark.parametrize(
    "wrong",
    [
        {"subscriptions": ["conditional_ticket_events", "zen:event-type:ticket.created"]},
        {"request_format": "yaml"},
        {"http_method": "PUT"},
        {"endpoint": ""},
    ],
)
def test_a_webhook_that_cannot_be_is_refused(world: World, wrong: dict[str, Any]) -> None:
    auth = (f"{world.zendesk.integration_email}/token", world.zendesk.api_token)
    hook = {
        "name": "t",
        "endpoint": "http://127.0.0.1:9/",
        "http_method": "POST",
        "request_format": "json",
        "status": "active",
        "subscriptions": ["zen:event-type:ticket.created"],
        **wrong,
    }
    answer = requests.post(
        f"{world.zendesk_url}/api/v2/webhooks", json={"webhook": hook}, auth=auth, timeout=60
    )
    assert answer.status_code == 400


def test_missed_deliveries_can_be_read_back_in_the_recorded_shape(world: World, receiver: Receiver) -> None:
    real = json.loads(oracle_path("zendesk/webhooks/zenpy.real_invocation_attempts.json").read_text())[
        "attempts"
    ][0]
    hook = world.zendesk.subscribe(receiver.url, "ticket.created")
    receiver.faults.add(Fault(path="/", status=500))
    write_in(world)
    assert world.zendesk.settle()
    auth = (f"{world.zendesk.integration_email}/token", world.zendesk.api_token)
    url = f"{world.zendesk_url}/api/v2/webhooks/{hook['id']}/invocations"
    listed = requests.get(url, auth=auth, timeout=30).json()
    assert [each["status_code"] for each in listed["invocations"]] == [500]
    tried = requests.get(f"{url}/{listed['invocations'][0]['id']}/attempts", auth=auth, timeout=30).json()[
        "attempts"
    ]
    assert set(tried[0]) == set(real)
    assert json.loads(tried[0]["request"]["payload"])["type"] == "zen:event-type:ticket.created"
