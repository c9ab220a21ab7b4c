"""What the commands and pages ask of the database, on both databases."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert

from connector.storage.engine.database import Database
from connector.storage.schema import tables
from connector.storage.stores import run_queries
from tests.integration.stories import NOW, deliver, store_event, store_run


def test_deliveries_come_in_pages(database: Database) -> None:
    ids = [deliver(database, body=bytes([number])) for number in range(5)]
    with database.read() as tx:
        first = run_queries.list_deliveries(tx, limit=2)
        second = run_queries.list_deliveries(tx, limit=10, before=first[-1].id)
    assert [line.id for line in (*first, *second)] == ids[::-1]
    assert (first[0].size, first[0].received_at) == (1, NOW)


def test_a_delivery_is_told_with_its_events(database: Database) -> None:
    delivery = deliver(database, body=b"\x00\xff")
    seq = store_event(database, delivery)
    with database.read() as tx:
        story = run_queries.delivery_story(tx, delivery)
        assert run_queries.delivery_story(tx, delivery + 1) is None
    assert story is not None
    assert (story.body, story.headers) == (b"\x00\xff", {"x-zendesk-account-id": "1"})
    (event,) = story.events
    assert (event.seq, event.decisions[0]["workflow"]) == (seq, "greet")


def test_a_replay_touches_only_what_was_named(database: Database) -> None:
    named, other = (deliver(database, body=body, status="failed", reason="ours") for body in (b"1", b"2"))
    with database.write() as tx:
        assert run_queries.replay_deliveries(tx, [named, 10_000]) == [named]
        assert run_queries.replay_deliveries(tx, []) == []
    with database.read() as tx:
        states = {line.id: (line.status, line.reason) for line in run_queries.list_deliveries(tx)}
    assert states == {named: ("new", ""), other: ("failed", "ours")}


def test_a_run_is_told_from_its_event_to_now(database: Database) -> None:
    seq = store_event(database, deliver(database))
    store_run(database, seq)
    with database.read() as tx:
        story = run_queries.run_story(tx, "run1")
        assert run_queries.run_story(tx, "nobody") is None
        assert run_queries.list_runs(tx, before="run1") == []
    assert story is not None
    assert story.event is not None
    assert (story.line.version, story.event.seq) == (1, seq)
    told = [(line.at - NOW, line.kind, line.step) for line in story.lines]
    assert told == [
        (timedelta(), "started", ""),
        (timedelta(), "asked", "callback"),
        (timedelta(), "effect", "callback"),
        (timedelta(minutes=1), "effect", "callback"),
        (timedelta(minutes=2), "done", "callback"),
        (timedelta(minutes=2), "effect", "callback"),
        (timedelta(minutes=3), "wait", "solved"),
    ]


def test_a_connection_shows_its_state_its_queue_and_when_it_was_last_heard(database: Database) -> None:
    deliver(database, connection="shop")
    store_run(database, store_event(database, deliver(database)))
    with database.write() as tx:
        effect = {
            "run_id": "run1", "stage": 0, "action": "message.send", "connection": "mail", "effect_class": "D",
            "workflow": "support-recovery",
            "request": {}, "due_at": NOW, "created_at": NOW,
        }  # fmt: skip
        for number, status in enumerate(("due", "due", "failed", "done")):
            marks = {"id": f"e{number}", "visit": f"x#{number}", "key": f"k{number}", "status": status}
            tx.execute(insert(tables.effects).values({**effect, **marks}))
    with database.read() as tx:
        lines = {line.name: line for line in run_queries.list_connections(tx)}
    assert sorted(lines) == ["mail", "shop", "zendesk"]
    assert (lines["mail"].due, lines["mail"].failed, lines["mail"].last_delivery_at) == (2, 1, None)
    assert (lines["shop"].due, lines["shop"].last_delivery_at) == (0, NOW)
