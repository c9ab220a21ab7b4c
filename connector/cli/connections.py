"""``ringback connections``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import click

from connector.cli.context import open_database, read_config, read_settings
from connector.cli.output import as_json_option, show
from connector.config import Config
from connector.storage import queries
from connector.storage.inbox import OWN
from connector.storage.queries import ConnectionLine


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection as configured, and how it is doing. ``kind`` is empty when it is configured no more."""

    name: str
    kind: str
    status: str
    reason: str
    blocked_until: datetime | None
    last_delivery_at: datetime | None
    due: int
    failed: int


@click.command()
@as_json_option
def connections(as_json: bool) -> None:
    """Show every connection: its kind, whether it works, what it waits for."""
    config = read_config(read_settings())
    with open_database() as database, database.read() as tx:
        found = _merged(config, queries.list_connections(tx))
    columns = {
        "connection": lambda each: each.name,
        "kind": lambda each: each.kind,
        "status": lambda each: each.status,
        "calls due": lambda each: each.due,
        "failed": lambda each: each.failed,
        "last delivery (utc)": lambda each: each.last_delivery_at,
        "blocked until (utc)": lambda each: each.blocked_until,
        "reason": lambda each: each.reason,
    }
    show(found, columns, as_json, empty="No connections. Write some under `connections:` in ringback.yaml.")


def _merged(config: Config, known: Sequence[ConnectionLine]) -> list[Connection]:
    lines = {line.name: line for line in known if line.name != OWN}
    return [
        _connection(config, name, lines.get(name))
        for name in (*config.connections, *sorted(lines.keys() - config.connections.keys()))
    ]


def _connection(config: Config, name: str, line: ConnectionLine | None) -> Connection:
    configured = config.connections.get(name)
    kind = configured.kind if configured else ""
    if line is None:
        return Connection(name, kind, "not used yet", "", None, None, 0, 0)
    status = line.status if configured else "no longer configured"
    return Connection(
        name, kind, status, line.reason, line.blocked_until, line.last_delivery_at, line.due, line.failed
    )
