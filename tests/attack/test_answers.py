"""Answers that never end, unfold to gigabytes, or come a byte at a time: of none more is taken than is allowed."""

from __future__ import annotations

import gzip
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import pytest

from integrations.alerts.client import AppriseAlerter
from integrations.error_mapping import Dialect
from integrations.errors import Ambiguous, IntegrationError, Transient
from integrations.http import VendorSession
from integrations.smtp.client import SmtpMessenger
from integrations.transport import bounded_http
from integrations.transport.bounded_http import Bound
from tests.support.http import Reply, serving

MEGABYTE = 1_048_576
BOMB = gzip.compress(b" " * (96 * MEGABYTE), 9)
JSON = {"Content-Type": "application/json"}


@contextmanager
def talking(*pieces: bytes, forever: bytes = b"", pause: float = 0.0, speaks_first: bool = False) -> Iterator[int]:
    """A server that says the pieces and then ``forever``, at a pace. → its port."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = threading.Thread(target=_talk, args=(door, pieces, forever, pause, stop, speaks_first), daemon=True)
        thread.start()
        yield door.getsockname()[1]
        stop.set()
        door.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _talk(
    door: socket.socket, pieces: tuple[bytes, ...], forever: bytes, pause: float, stop: threading.Event, first: bool
) -> None:
    while not stop.is_set():
        with suppress(OSError):
            client, _ = door.accept()
            with client:
                if not first:
                    client.recv(65_536)
                for piece in pieces:
                    client.sendall(piece)
                while forever and not stop.is_set():
                    client.sendall(forever)
                    stop.wait(pause)


def vendor(port: int, **options: object) -> VendorSession:
    return VendorSession(f"http://127.0.0.1:{port}", Dialect("Vendor"), **options)  # type: ignore[arg-type]  # keywords


@contextmanager
def memory_within(megabytes: int) -> Iterator[None]:
    """Nothing in the block may need more."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < megabytes * MEGABYTE
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("method", "error"), [("GET", Transient), ("POST", Ambiguous)])
def test_a_bomb_is_not_unfolded(method: str, error: type[IntegrationError]) -> None:
    with serving(lambda _seen: Reply(200, BOMB, {"Content-Encoding": "gzip"})) as server:
        session = vendor(server.server_port)
        with memory_within(60), pytest.raises(error, match="more than") as refused:
            session.request(method, "/records")
    assert not refused.value.is_outage


def test_a_bomb_in_a_refusal_is_judged_by_its_status() -> None:
    with (
        serving(lambda _seen: Reply(503, BOMB, {"Content-Encoding": "gzip"})) as server,
        memory_within(60),
        pytest.raises(Transient) as refused,
    ):
        vendor(server.server_port).post("/records")
    assert refused.value.status == 503


def test_a_body_without_end_ends() -> None:
    with (
        talking(b"HTTP/1.1 200 OK\r\n\r\n", forever=b"x" * 65_536) as port,
        memory_within(60),
        pytest.raises(Transient, match="more than"),
    ):
        vendor(port).get("/records")


def test_a_token_is_no_book() -> None:
    large = Reply(200, b'{"access_token": "' + b"x" * MEGABYTE + b'"}')
    with serving(lambda _seen: large) as server:
        session = vendor(server.server_port, bound=bounded_http.TOKEN)
        with pytest.raises(Ambiguous, match="more than"):
            session.post("/oauth/tokens")


SLOW = Bound(MEGABYTE, 0.6)


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nX-Drip: ", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["in its head", "of a length", "of no length"],
)
def test_an_answer_that_drips_is_lost_when_its_time_is_over(head: bytes) -> None:
    with talking(head, forever=b"x", pause=0.05) as port, pytest.raises(Transient) as lost:
        vendor(port, bound=SLOW).get("/records")
    assert lost.value.code == "lost"


def test_deep_brackets_are_no_error_of_ours() -> None:
    with (
        serving(lambda _seen: Reply(200, b"[" * 200_000, JSON)) as server,
        pytest.raises(Ambiguous, match="without JSON"),
    ):
        vendor(server.server_port).post("/records")


def test_an_alert_takes_no_more_of_the_answer_than_it_needs() -> None:
    with (
        talking(b"HTTP/1.1 200 OK\r\n\r\n", forever=b"x" * 65_536) as port,
        memory_within(60),
        pytest.raises(Ambiguous),
    ):
        AppriseAlerter().alert([f"json://127.0.0.1:{port}/hook"], "Jan is unhappy", "x")


@pytest.mark.timeout(120)
def test_many_bombs_at_once_need_no_more_than_a_few() -> None:
    """As many as calls may be under way at a vendor."""
    refused = []

    def ask(port: int) -> None:
        with closing(vendor(port)) as session, pytest.raises(IntegrationError) as told:
            session.get("/records")
        refused.append(told.value.code)

    with serving(lambda _seen: Reply(200, BOMB, {"Content-Encoding": "gzip"})) as server, memory_within(200):
        threads = [threading.Thread(target=ask, args=[server.server_port]) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(refused) == 32  # a busy server of the test may lose one
    assert "too_large" in refused


# --- mail servers

MAIL_SERVERS = {
    "lines without end": {"forever": b"220-" + b"x" * 400 + b"\r\n"},
    "a line without end": {"forever": b"2" * 4096},
    "a byte at a time": {"forever": b"2", "pause": 0.02},
    "an answer without end after the greeting": {"pieces": (b"220 here\r\n",), "forever": b"250-size\r\n" * 100},
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("server", MAIL_SERVERS.values(), ids=MAIL_SERVERS)
def test_a_mail_server_whose_answer_has_no_end_is_left(server: dict[str, Any]) -> None:
    how = {**server, "speaks_first": True}
    with talking(*how.pop("pieces", ()), **how) as port, memory_within(8):
        messenger = SmtpMessenger(f"smtp://127.0.0.1:{port}", "Acme <feedback@acme.example>", timeout=1.0)
        with pytest.raises(Transient, match="no connection to the mail server"):
            messenger.greet()
        messenger.close()


def test_a_mail_server_that_says_much_and_comes_to_an_end_is_heard() -> None:
    lines = b"".join(b"220-welcome %d\r\n" % number for number in range(200)) + b"220 here\r\n"
    with talking(lines, b"250 acme\r\n", speaks_first=True) as port:
        messenger = SmtpMessenger(f"smtp://127.0.0.1:{port}", "Acme <feedback@acme.example>", timeout=30.0)
        messenger.greet()
        messenger.close()
