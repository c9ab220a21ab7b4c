"""The receiver over real HTTP: what it keeps, what it answers, what it says in the log."""

from __future__ import annotations

import http.client
import json
import logging
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from io import BytesIO
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring
from flask import Flask

from connector.vendors.registry import VENDORS
from sandbox.serving import Server
from tests.fixtures import payload
from tests.unit.test_signatures import WHSEC, standard_headers, zendesk_headers
from webhooks.delivery import Account, Delivery
from webhooks.errors import StoreDown
from webhooks.inbound.own_events import OwnEventsSource
from webhooks.inbound.source import InboundSource
from webhooks.receiver import blueprint
from webhooks.salesforce.soap import ACK, SOAP
from webhooks.salesforce.source import SalesforceSource
from webhooks.zendesk.source import ZendeskSource

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
MOST = 20_000
SECRET = "zendesk-signing-secret"
ANSWERED = payload("inbound/survey_answered.json")
SOLVED = payload("zendesk/ticket_solved.json")
CONTACT = payload("salesforce/contact_changed.xml")
JSON_TYPE = {"Content-Type": "application/json"}
ACCOUNTS = {
    "survey-platform": Account("survey-platform", "inbound", (WHSEC,), source=InboundSource()),
    "zendesk": Account("zendesk", "zendesk", (SECRET,), source=ZendeskSource()),
    "salesforce": Account("salesforce", "salesforce", source=SalesforceSource(),
                          max_bytes=VENDORS["salesforce"].max_body_bytes,
                          options={"webhook_token": "path-token", "organization_id": "00D000000000001"}),
    "ringback": Account("ringback", "internal", source=OwnEventsSource()),
    "mail": Account("mail", "smtp"),
}


class Box:
    """A store that keeps deliveries in memory, refuses second ones, and can be down."""

    def __init__(self) -> None:
        self.empty()

    def empty(self) -> None:
        self.kept: dict[tuple[str, str], Delivery] = {}
        self.reasons: dict[tuple[str, str], str] = {}
        self.down: Exception | None = None

    def keep(self, delivery: Delivery, reason: str) -> bool:
        if self.down:
            raise self.down
        place = (delivery.connection, delivery.key)
        new = place not in self.kept
        self.kept.setdefault(place, delivery)
        self.reasons.setdefault(place, reason)
        return new


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Message
    text: bytes


class House:
    """The receiver behind a real server."""

    def __init__(self, box: Box, port: int) -> None:
        self.box, self.port = box, port

    def post(self, path: str, body: bytes, headers: dict[str, str], method: str = "POST") -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())
        finally:
            connection.close()

    def raw(self, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture(scope="module")
def served() -> Iterator[House]:
    box = Box()
    app = Flask(__name__)
    app.register_blueprint(blueprint(ACCOUNTS.get, box.keep, lambda: NOW, max_bytes=MOST))
    server = Server(app, threads=4)
    yield House(box, server.port)
    server.close()


@pytest.fixture
def house(served: House) -> House:
    """The one server of these tests, with nothing in its box."""
    served.box.empty()
    return served


def signed(body: bytes = ANSWERED, **options: Any) -> dict[str, str]:
    return {**JSON_TYPE, **standard_headers(body, **options)}


def problem(response: Reply) -> dict[str, str]:
    """The error's JSON, which always has the same three fields."""
    body: dict[str, str] = json.loads(response.text)
    assert set(body) == {"error", "message", "remedy"}
    return body


def test_a_genuine_answer_is_kept_byte_for_byte(house: House) -> None:
    response = house.post("/webhooks/survey-platform", ANSWERED, signed())
    assert (response.status, json.loads(response.text)) == (200, {"status": "stored"})
    [delivery] = house.box.kept.values()
    assert (delivery.connection, delivery.key, delivery.body) == ("survey-platform", "msg_1", ANSWERED)
    assert (delivery.received_at, delivery.content_type) == (NOW, "application/json")
    assert house.box.reasons == {("survey-platform", "msg_1"): ""}


def test_the_same_delivery_again_is_welcome_and_kept_once(house: House) -> None:
    house.post("/webhooks/survey-platform", ANSWERED, signed())
    again = house.post("/webhooks/survey-platform", ANSWERED, signed())
    assert (again.status, json.loads(again.text)) == (200, {"status": "duplicate"})
    assert len(house.box.kept) == 1


def test_a_genuine_zendesk_event_is_kept_under_its_invocation(house: House) -> None:
    headers = {**JSON_TYPE, **zendesk_headers(SOLVED), "X-Zendesk-Webhook-Invocation-Id": "01INVOCATION"}
    assert house.post("/webhooks/zendesk", SOLVED, headers).status == 200
    [delivery] = house.box.kept.values()
    assert delivery.key == "01INVOCATION"
    assert "x-zendesk-webhook-signature" not in delivery.headers


@pytest.mark.parametrize("invocation", [{}, {"X-Zendesk-Webhook-Invocation-Id": "x" * 300}])
def test_without_a_usable_invocation_the_body_is_the_key(house: House, invocation: dict[str, str]) -> None:
    headers = {**JSON_TYPE, **zendesk_headers(SOLVED), **invocation}
    assert [house.post("/webhooks/zendesk", SOLVED, headers).status for _ in range(2)] == [200, 200]
    [delivery] = house.box.kept.values()
    assert delivery.key.startswith("sha256:")


def test_an_outbound_message_gets_exactly_the_ack(house: House) -> None:
    for _ in range(2):
        response = house.post("/webhooks/salesforce/path-token", CONTACT, {"Content-Type": "text/xml"})
        assert (response.status, response.text) == (200, ACK)
        assert response.headers["Content-Type"].startswith("text/xml")
    assert len(house.box.kept) == 1


def test_a_forged_answer_is_refused_and_not_kept(house: House) -> None:
    forged = {**signed(), "webhook-signature": "v1,Zm9yZ2Vk"}
    response = house.post("/webhooks/survey-platform", ANSWERED, forged)
    assert response.status == 401
    assert problem(response)["error"] == "not_genuine"
    assert not house.box.kept


def test_a_replayed_answer_is_refused_when_it_is_stale(house: House) -> None:
    stale = signed(at=NOW - timedelta(minutes=14))
    response = house.post("/webhooks/survey-platform", ANSWERED, stale)
    assert response.status == 401
    assert problem(response)["message"] == "webhook-timestamp is 14 minutes old"
    assert problem(response)["remedy"].startswith("check the sender's clock")


def test_a_truncated_body_is_refused(house: House) -> None:
    assert house.post("/webhooks/survey-platform", ANSWERED[:-10], signed()).status == 401
    assert house.post("/webhooks/salesforce/path-token", CONTACT[:-40], {}).status == 500


def test_an_unsigned_answer_is_refused_by_the_name_of_what_is_missing(house: House) -> None:
    response = house.post("/webhooks/survey-platform", ANSWERED, JSON_TYPE)
    assert (response.status, problem(response)["message"]) == (401, "the header webhook-signature is missing")


@pytest.mark.parametrize("path", ["/webhooks/nobody", "/webhooks/mail", "/webhooks/ringback", "/webhooks/a%0Ab/c"])
def test_an_unknown_connection_is_not_found_and_tells_nothing(house: House, path: str) -> None:
    response = house.post(path, ANSWERED, signed())
    assert response.status == 404
    assert problem(response)["message"] == "there is no such connection"
    assert not house.box.kept


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_only_post_is_understood(house: House, method: str) -> None:
    response = house.post("/webhooks/survey-platform", b"", {}, method)
    assert (response.status, response.headers["Allow"]) == (405, "POST")
    assert problem(response)["error"] == "method_not_allowed"


def test_a_head_request_is_answered_without_a_body(house: House) -> None:
    response = house.post("/webhooks/survey-platform", b"", {}, "HEAD")
    assert (response.status, response.text) == (405, b"")


def test_a_body_of_the_largest_size_is_taken_and_one_byte_more_is_not(house: House) -> None:
    largest = ANSWERED + b" " * (MOST - len(ANSWERED))
    assert house.post("/webhooks/survey-platform", largest, signed(largest)).status == 200
    response = house.post("/webhooks/survey-platform", largest + b" ", signed(largest + b" "))
    assert (response.status, problem(response)["error"]) == (413, "too_large")


def test_the_cap_holds_without_a_content_length(house: House) -> None:
    chunk = b"%x\r\n" % 1000 + b"x" * 1000 + b"\r\n"
    head = b"POST /webhooks/survey-platform HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert house.raw(head + chunk * 21 + b"0\r\n\r\n").startswith(b"HTTP/1.1 413 ")


def test_a_chunked_answer_is_kept_like_any_other(house: House) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in signed().items())
    head = f"POST /webhooks/survey-platform HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{lines}\r\n"
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(ANSWERED), ANSWERED)
    assert house.raw(head.encode() + body).startswith(b"HTTP/1.1 200 ")


def test_an_oversized_outbound_message_gets_a_fault(house: House) -> None:
    response = house.post("/webhooks/salesforce/path-token", b" " * (VENDORS["salesforce"].max_body_bytes + 1),
                          {"Content-Type": "text/xml"})  # fmt: skip
    assert response.status == 413
    assert fromstring(response.text).find(f"{SOAP}Body/{SOAP}Fault") is not None


def test_a_flows_callout_is_answered_in_json_and_kept(house: House) -> None:
    body = json.dumps({"organization": "00D000000000001", "object": "Case", "record": {"Id": "500000000000001AAA"}})
    response = house.post("/webhooks/salesforce/path-token", body.encode(), {"Content-Type": "application/json"})
    assert (response.status, json.loads(response.text)["status"]) == (200, "stored")
    refused = house.post("/webhooks/salesforce/path-token", b"{", {"Content-Type": "application/json"})
    assert (refused.status, problem(refused)["error"]) == (400, "unreadable")


def test_an_answer_declared_as_something_else_than_json_is_refused(house: House) -> None:
    response = house.post("/webhooks/survey-platform", ANSWERED, {**signed(), "Content-Type": "text/plain"})
    assert (response.status, problem(response)["error"]) == (415, "not_json")
    assert not house.box.kept


@pytest.mark.parametrize("content_type", ["application/xml", "application/x-www-form-urlencoded"])
def test_a_trigger_in_another_format_is_kept_with_the_remedy(house: House, content_type: str) -> None:
    body = b"ticket=1"
    headers = {**zendesk_headers(body), "Content-Type": content_type, "X-Zendesk-Webhook-Invocation-Id": "01X"}
    response = house.post("/webhooks/zendesk", body, headers)
    assert response.status == 415
    assert house.box.kept["zendesk", "01X"].body == body
    assert "choose the request format JSON" in house.box.reasons["zendesk", "01X"]


def test_a_form_is_read_as_bytes_and_never_parsed(house: House) -> None:
    boundary = b"--b\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n--b--\r\n"
    headers = {**zendesk_headers(boundary), "Content-Type": "multipart/form-data; boundary=b"}
    assert house.post("/webhooks/zendesk", boundary, headers).status == 415
    [delivery] = house.box.kept.values()
    assert delivery.body == boundary


BOMB = b'<!DOCTYPE b [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><b>&b;</b>'


def test_a_bomb_with_the_right_token_is_kept_unread_and_answered_with_a_fault(house: House) -> None:
    response = house.post("/webhooks/salesforce/path-token", BOMB, {"Content-Type": "text/xml"})
    assert response.status == 500
    assert fromstring(response.text).find(f"{SOAP}Body/{SOAP}Fault") is not None
    [(place, delivery)] = house.box.kept.items()
    assert delivery.body == BOMB
    assert "document type or an entity" in house.box.reasons[place]


@pytest.mark.parametrize(("path", "body", "status"), [
    ("/webhooks/salesforce/wrong", CONTACT, 401),
    ("/webhooks/salesforce", CONTACT, 401),
    ("/webhooks/salesforce/path-token", CONTACT.replace(b"00D000000000001EAA", b"00D000000000002EAA"), 403),
])
def test_a_stranger_to_salesforce_gets_a_fault_and_is_not_kept(
        house: House, path: str, body: bytes, status: int) -> None:
    response = house.post(path, body, {"Content-Type": "text/xml"})
    assert response.status == status
    assert fromstring(response.text).find(f"{SOAP}Body/{SOAP}Fault") is not None
    assert not house.box.kept


@pytest.mark.parametrize(("path", "body", "headers"), [
    ("/webhooks/survey-platform", ANSWERED, signed()),
    ("/webhooks/zendesk", SOLVED, {**JSON_TYPE, **zendesk_headers(SOLVED)}),
    ("/webhooks/salesforce/path-token", CONTACT, {}),
    ("/webhooks/salesforce/path-token", BOMB, {}),
    ("/webhooks/zendesk", b"a=1", {"Content-Type": "text/plain", **zendesk_headers(b"a=1")}),
])
def test_when_nothing_can_be_stored_everybody_is_asked_to_come_back(
        house: House, path: str, body: bytes, headers: dict[str, str]) -> None:
    house.box.down = StoreDown("the disk is full")
    response = house.post(path, body, headers)
    assert (response.status, response.headers["Retry-After"]) == (503, "30")
    house.box.down = None
    house.post(path, body, headers)
    assert len(house.box.kept) == 1


def test_a_store_that_fails_unexpectedly_asks_to_come_back_and_quotes_nothing(
        house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.box.down = ValueError("INSERT INTO deliveries … ann@example.com")
    response = house.post("/webhooks/survey-platform", ANSWERED, signed())
    assert (response.status, response.headers["Retry-After"]) == (503, "30")
    assert "ValueError" in caplog.text
    assert "ann@example.com" not in caplog.text + response.text.decode()


def wsgi(**environ: Any) -> tuple[int, Box]:
    """The answer's status under a server that hands bodies through as they come."""
    box = Box()
    app = Flask(__name__)
    app.register_blueprint(blueprint(ACCOUNTS.get, box.keep, lambda: NOW, max_bytes=MOST))
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in standard_headers(ANSWERED).items()}
    with app.test_client() as client:
        return client.open("/webhooks/survey-platform", method="POST", environ_overrides={**headers, **environ}
                           ).status_code, box


def test_the_cap_holds_for_a_stream_without_a_length() -> None:
    stream = {"wsgi.input": BytesIO(ANSWERED), "wsgi.input_terminated": True}
    assert wsgi(**stream)[0] == 200
    endless = {"wsgi.input": BytesIO(b"x" * (MOST * 3)), "wsgi.input_terminated": True}
    status, box = wsgi(**endless)
    assert (status, box.kept) == (413, {})


def test_a_body_shorter_than_it_claims_is_refused() -> None:
    status, box = wsgi(**{"wsgi.input": BytesIO(ANSWERED), "CONTENT_LENGTH": str(len(ANSWERED) + 1)})
    assert (status, box.kept) == (400, {})


def test_a_refusal_is_logged_without_the_body_or_a_secret(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "webhooks.receiver"):
        house.post("/webhooks/survey-platform", ANSWERED, {**signed(), "webhook-signature": "v1,Zm9yZ2Vk"})
        house.post("/webhooks/salesforce/wrong-token", CONTACT, {})
    assert "connection=survey-platform" in caplog.text
    assert f"bytes={len(ANSWERED)}" in caplog.text
    assert "webhook-signature does not match" in caplog.text
    for secret in (WHSEC, "path-token", "wrong-token", "ann@example.com", "Zm9yZ2Vk"):
        assert secret not in caplog.text


def test_a_name_in_the_path_cannot_write_into_the_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "webhooks.receiver"):
        house.post("/webhooks/x%0Aforged%20line", b"", {})
    assert "forged" not in caplog.text
