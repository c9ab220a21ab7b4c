"""The inbox: what was answered with 2xx is kept, once; what cannot be kept is not answered with 2xx."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event, func, select, text

from connector.storage.engine.database import Database
from connector.storage.schema import tables
from connector.storage.stores.inbox import Inbox
from sandbox.clock import HandClock
from sandbox.world import World
from tests.support.house import Harness, a_home, a_house, answer, signed_inbound
from tests.support.house_workflows import OPEN_A_TICKET
from webhooks.delivery import Delivery

NOW = HandClock().now
PATIENCE = 60  # seconds


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    with a_home(database_url, tickets=OPEN_A_TICKET) as home:
        yield home


def delivery(key: str, body: bytes = b"{}") -> Delivery:
    return Delivery("survey-platform", key, NOW, "application/json", {"webhook-id": key}, body)


@contextmanager
def counted_commits(database: Database) -> Iterator[list[int]]:
    """Every commit that the database's engine makes while the block runs."""
    commits: list[int] = []

    def note(_connection: object) -> None:
        commits.append(1)

    event.listen(database.engine, "commit", note)
    try:
        yield commits
    finally:
        event.remove(database.engine, "commit", note)


@contextmanager
def without_its_table(database: Database) -> Iterator[None]:
    """The store is really broken: the table of deliveries is not there while the block runs."""
    with database.write() as tx:
        tx.execute(text("ALTER TABLE deliveries RENAME TO gone"))
    try:
        yield
    finally:
        with database.write() as tx:
            tx.execute(text("ALTER TABLE gone RENAME TO deliveries"))


# --- duplicates ---------------------------------------------------------------------------------------------


def test_a_delivery_that_comes_again_is_welcome_and_kept_once(home: Harness) -> None:
    event = answer(3)
    assert [home.deliver(event, id_="delivery-1") for _ in range(3)] == [200, 200, 200]
    home.settle()
    assert home.deliver(event, id_="delivery-1") == 200  # also after it was understood
    home.settle()
    assert len(home.rows(tables.deliveries)) == len(home.world.zendesk.tickets) == 1


def test_the_sender_is_told_that_it_was_a_duplicate(home: Harness) -> None:
    body = b'{"type": "order.late", "time": "2026-03-02T09:00:00Z", "data": {}}'
    headers = signed_inbound(body, "delivery-1", home.clock())
    answers = [home.post("/webhooks/survey-platform", body, headers).json for _ in range(2)]
    assert answers == [{"status": "stored"}, {"status": "duplicate"}]


def test_the_same_key_of_two_connections_is_two_deliveries(database: Database) -> None:
    inbox = Inbox(database)
    other = Delivery("shop", "1", NOW, "", {}, b"{}")
    assert [inbox.keep(delivery("1")), inbox.keep(other), inbox.keep(delivery("1"))] == [True, True, False]


def test_the_first_body_of_a_key_is_the_one_that_is_kept(database: Database) -> None:
    inbox = Inbox(database)
    assert [inbox.keep(delivery("1", b"first")), inbox.keep(delivery("1", b"second"))] == [True, False]
    with database.read() as tx:
        assert tx.execute(select(tables.deliveries.c.body)).scalars().all() == [b"first"]


def test_bytes_are_kept_as_they_came(database: Database) -> None:
    raw = bytes(range(256)) * 4
    Inbox(database).keep(delivery("1", raw), "the body is not JSON")
    with database.read() as tx:
        row = tx.execute(select(tables.deliveries)).one()
    assert (row.body, row.status, row.reason) == (raw, "unreadable", "the body is not JSON")


# --- many at once -------------------------------------------------------------------------------------------


def test_sixteen_threads_share_commits_and_lose_nothing(database: Database) -> None:
    inbox, ready = Inbox(database), threading.Barrier(16)

    def send(sender: int) -> list[bool]:
        ready.wait(PATIENCE)
        return [inbox.keep(delivery(f"{sender}-{number}")) for number in range(25)]

    with counted_commits(database) as commits, ThreadPoolExecutor(16) as pool:
        news = [each for sent in pool.map(send, range(16)) for each in sent]
    assert news == [True] * 400
    with database.read() as tx:
        assert tx.execute(select(func.count()).select_from(tables.deliveries)).scalar() == 400
    assert len(commits) <= 400 / 3


def test_one_key_sent_by_sixteen_threads_at_once_is_new_for_one(database: Database) -> None:
    inbox, ready = Inbox(database), threading.Barrier(16)

    def send(_: int) -> bool:
        ready.wait(PATIENCE)
        return inbox.keep(delivery("1"))

    with ThreadPoolExecutor(16) as pool:
        assert sorted(pool.map(send, range(16))) == [False] * 15 + [True]


# --- the store is down --------------------------------------------------------------------------------------


def test_a_sender_is_asked_to_come_back_while_nothing_can_be_stored_and_then_nothing_is_lost(
    home: Harness,
) -> None:
    event = answer(3)
    with without_its_table(home.house.database):
        body = b"{}"
        refused = home.post("/webhooks/survey-platform", body, signed_inbound(body, "other", home.clock()))
        assert home.deliver(event) == 503
        assert 0 < int(refused.headers["Retry-After"]) < 60  # Zendesk honours less than a minute
        assert refused.json["error"] == "try_again"
    assert home.deliver(event) == 200
    home.settle()
    assert len(home.world.zendesk.tickets) == len(home.rows(tables.deliveries)) == 1


@pytest.mark.parametrize("where", ["sqlite:///{folder}/no/such/folder/ringback.db",
                                   "postgresql://nobody@127.0.0.1:1/nothing"])  # fmt: skip
def test_a_database_that_cannot_be_reached_is_no_error_of_the_senders(where: str, tmp_path: Path) -> None:
    """Zendesk never repeats what a plain 500 answered, so every sender must hear 503."""
    clock = HandClock()
    with World(clock=clock) as world, a_house(where.format(folder=tmp_path), world, clock=clock) as home:
        assert home.deliver(answer(3)) == 503
        assert home.ticket_event("ticket_solved", "1") == 503


def test_what_the_log_says_of_a_broken_store_holds_no_word_of_the_customer(
    home: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    with without_its_table(home.house.database):
        home.deliver(answer(3))
    assert "the inbox cannot be written" in caplog.text
    assert not any(word in caplog.text for word in ("ann@example.com", "Waited a week", "Jansen"))
