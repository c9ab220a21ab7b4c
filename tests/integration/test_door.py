"""The way in, through the real web server: raw sockets, hostile senders, pages beside webhooks."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
import requests

from connector.cli.serve import sockets as listening
from connector.cli.serve.sockets import WebServer, bind
from connector.storage.schema import tables
from connector.web.app import front_door, web_app
from tests.support.house import Harness, a_home, answer, signed_inbound
from webhooks import asgi
from webhooks.receiver import MAX_BYTES

PATIENCE = 60  # seconds
HOOK = "/webhooks/survey-platform"


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url) as home:
        yield home


@contextmanager
def served(home: Harness) -> Iterator[int]:
    """The house on a port, served as the commands do. → the port."""
    begun = threading.Event()
    server = WebServer(front_door(home.house, web_app(home.house)), begun.set)
    with closing(bind("127.0.0.1", 0)) as listening:
        port = int(listening.getsockname()[1])
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            assert begun.wait(PATIENCE)
            yield port
        finally:
            server.leave()
            thread.join(PATIENCE)


def signed(home: Harness, body: bytes, id_: str = "delivery-1") -> dict[str, str]:
    return {**signed_inbound(body, id_, home.clock()), "Content-Type": "application/json"}


def sent(port: int, *parts: bytes) -> bytes:
    """Send raw bytes; → all that comes back until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as line:
        for part in parts:
            line.sendall(part)
        return b"".join(iter(lambda: line.recv(65536), b""))


def sent_too_late(port: int, *parts: bytes) -> bytes:
    """The same towards a side that may have closed before all was sent, which resets the line."""
    try:
        return sent(port, *parts)
    except ConnectionError:
        return b""


def event(home: Harness, score: int, **data: Any) -> bytes:
    return json.dumps({"time": home.clock().isoformat(), **answer(score, **data)}).encode()


def test_a_delivery_is_kept_once_and_pages_are_served_beside_it(home: Harness) -> None:
    body = event(home, 3)
    with served(home) as port:
        said = [requests.post(f"http://127.0.0.1:{port}{HOOK}", body, headers=signed(home, body), timeout=PATIENCE)
                for _ in range(2)]  # fmt: skip
        assert [each.json()["status"] for each in said] == ["stored", "duplicate"]
        assert requests.get(f"http://127.0.0.1:{port}/readyz", timeout=PATIENCE).json() == {"status": "ready"}
        figures = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE).text
    for outcome in ("new", "duplicate"):
        assert f'ringback_deliveries_total{{connection="survey-platform",outcome="{outcome}"}} 1.0' in figures
    assert len(home.rows(tables.deliveries)) == 1


def test_a_large_delivery_is_kept_like_any_other(home: Harness) -> None:
    body = event(home, 3, comment="x" * 2 * asgi.QUICK_BYTES)
    with served(home) as port:
        said = requests.post(f"http://127.0.0.1:{port}{HOOK}", body, headers=signed(home, body), timeout=PATIENCE)
    assert said.json()["status"] == "stored"
    assert [row.body for row in home.rows(tables.deliveries)] == [body]


def test_many_senders_at_once_each_get_their_own_answer(home: Harness) -> None:
    def send(number: int, statuses: list[str]) -> None:
        body = event(home, number % 11)
        for _ in range(2):
            headers = signed(home, body, f"delivery-{number}")
            said = requests.post(f"http://127.0.0.1:{port}{HOOK}", body, headers=headers, timeout=PATIENCE)
            statuses.append(said.json()["status"])

    told: list[list[str]] = [[] for _ in range(20)]
    with served(home) as port:
        threads = [threading.Thread(target=send, args=each) for each in enumerate(told)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
    assert told == [["stored", "duplicate"]] * 20
    assert len(home.rows(tables.deliveries)) == 20


def test_senders_that_stall_in_a_body_hold_up_nobody(home: Harness) -> None:
    head = f"POST {HOOK} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nabc".encode()
    with served(home) as port:
        stalled = [socket.create_connection(("127.0.0.1", port)) for _ in range(60)]
        for line in stalled:
            line.sendall(head)
        assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE).ok
        for line in stalled:
            line.close()
    assert home.rows(tables.deliveries) == []


@pytest.mark.parametrize("path", [HOOK, "/s/nobody"])
def test_a_body_that_takes_too_long_is_cut_off(home: Harness, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "BODY_SECONDS", 0.05)
    with served(home) as port:
        said = sent(port, f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc".encode())
    assert said.startswith(b"HTTP/1.1 408 ")


def test_a_head_that_takes_too_long_is_cut_off(home: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "_FIRST_SECONDS", 0.05)
    with served(home) as port:
        assert sent_too_late(port, b"POST /webhooks/survey-platform HTTP/1.1\r\nHost:") == b""
        assert sent(port) == b""  # nor may one connect and say nothing


def test_nor_may_a_later_head(home: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "_IDLE_SECONDS", 0.05)
    whole = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with served(home) as port:
        assert sent(port, whole, whole[:-2]).count(b"HTTP/1.1 200 ") == 1


def test_a_head_without_end_is_cut_off(home: Harness) -> None:
    with served(home) as port:
        said = sent(port, b"GET /healthz HTTP/1.1\r\nX: ", b"x" * 40_000, b"x" * 40_000)
    assert said.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("path", [HOOK, "/s/nobody"])
def test_a_body_is_bounded_however_its_length_is_told(home: Harness, path: str) -> None:
    size = (MAX_BYTES if path == HOOK else asgi.PAGE_BYTES) + 1
    body = b"x" * size
    chunked = b"Transfer-Encoding: chunked\r\n\r\n" + f"{size:x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    told = f"Content-Length: {size}\r\n\r\n".encode()  # refused at its announcement
    with served(home) as port:
        for rest in (chunked, told):
            said = sent(port, f"POST {path} HTTP/1.1\r\nHost: x\r\n".encode() + rest)
            assert said.startswith(b"HTTP/1.1 413 "), said[:100]
        if path == HOOK:
            figures = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE).text
            assert 'refused_total{connection="survey-platform",reason="too_large"} 2.0' in figures


def test_a_sender_who_hangs_up_in_a_body_leaves_nothing_behind(home: Harness) -> None:
    with served(home) as port:
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(f"POST {HOOK} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc".encode())
        assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE).ok
    assert home.rows(tables.deliveries) == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", HOOK, 405),
        ("POST", "/webhooks/nobody", 404),
        ("POST", "/webhooks/survey-platform/a/b", 404),
        ("POST", "/webhooks/", 404),
        ("POST", HOOK, 401),
        ("POST", "/healthz", 405),
    ],
)
def test_what_is_no_delivery_gets_the_answer_it_gets_without_the_door(
    home: Harness, method: str, path: str, status: int
) -> None:
    plain = home.client.open(path, method=method, data=b"{}")
    with served(home) as port:
        said = requests.request(method, f"http://127.0.0.1:{port}{path}", data=b"{}", timeout=PATIENCE)
    assert (said.status_code, said.content) == (status, plain.data)
    assert plain.status_code == status
