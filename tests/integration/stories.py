"""A delivery, its event and the run that came of it, for the tests of those who look at them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from connector.storage.engine.database import Database
from connector.storage.schema import tables
from connector.storage.stores import definitions
from connector.storage.stores.definition_import import import_definitions
from connector.storage.stores.definitions import DefinitionKind

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WORKFLOW = """\
workflow: greet
trigger: {event: ticket.solved}
steps:
  - {id: hello, do: alert.send, with: {to: care-team, text: Hello}}
"""


def deliver(database: Database, **columns: Any) -> int:
    row: Mapping[str, Any] = {
        "connection": "zendesk",
        "key": f"k{columns.get('body')!r}",
        "received_at": NOW,
        "content_type": "application/json",
        "headers": {"x-zendesk-account-id": "1"},
        "body": b"{}",
        "status": "done",
        **columns,
    }
    with database.write() as tx:
        return int(
            tx.execute(insert(tables.deliveries).values(row).returning(tables.deliveries.c.id)).scalar_one()
        )


def store_event(database: Database, delivery_id: int) -> int:
    decisions = [{"workflow": "greet", "version": 1, "starts": True, "why": "every solved ticket"}]
    row = {
        "id": "event1",
        "connection": "zendesk",
        "external_id": "e1",
        "type": "ticket.solved",
        "subject": "zendesk:7",
        "time": NOW,
        "received_at": NOW,
        "delivery_id": delivery_id,
        "data": {},
        "decisions": decisions,
    }
    with database.write() as tx:
        return int(tx.execute(insert(tables.events).values(row).returning(tables.events.c.seq)).scalar_one())


def note(step: str, kind: str, text: str) -> dict[str, Any]:
    return {"step": step, "kind": kind, "text": text, "data": {}}


def store_run(database: Database, event_seq: int) -> None:
    """A run that opened a ticket at the second try, and waits for its solve."""
    with database.write() as tx:
        import_definitions(tx, DefinitionKind.WORKFLOW, {"greet": WORKFLOW}, NOW)
        definition = definitions.find(tx, DefinitionKind.WORKFLOW, "greet")
        assert definition is not None
        tx.execute(
            insert(tables.runs).values(
                id="run1",
                workflow="greet",
                definition_id=definition.id,
                key="zendesk:7",
                status="waiting",
                step="solved",
                state={},
                facts={},
                event_seq=event_seq,
                started_at=NOW,
                updated_at=NOW,
                due_at=NOW + timedelta(days=7),
            )
        )
        tx.execute(
            insert(tables.history),
            [
                {
                    "run_id": "run1",
                    "at": NOW,
                    "notes": [note("", "started", "Because."), note("callback", "asked", "Asks.")],
                },
                {
                    "run_id": "run1",
                    "at": NOW + timedelta(minutes=2),
                    "notes": [note("callback", "done", "Ticket 7.")],
                },
            ],
        )
        tx.execute(
            insert(tables.effects).values(
                id="effect1",
                run_id="run1",
                visit="callback#1",
                stage=0,
                action="ticket.open",
                connection="zendesk",
                workflow="support-recovery",
                effect_class="A",
                key="run1/callback#1",
                request={},
                status="done",
                due_at=NOW,
                attempts=2,
                created_at=NOW,
                first_tried_at=NOW + timedelta(minutes=1),
                ended_at=NOW + timedelta(minutes=2),
            )
        )
        tx.execute(
            insert(tables.waits).values(
                id="wait1",
                run_id="run1",
                visit="solved#1",
                event_type="ticket.solved",
                subject="zendesk:7",
                status="open",
                opened_at=NOW + timedelta(minutes=3),
            )
        )
