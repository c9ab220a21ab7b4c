"""Alembic runs this file for every command; the connection was handed in by ``connector.storage.schema.migrate``."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON, BigInteger

from connector.storage.schema.tables import UtcDateTime, metadata


def render_item(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Write our own types by the names that script.py.mako defines, so that a step needs nothing of the
    program but itself."""
    if kind != "type":
        return False
    if isinstance(item, UtcDateTime):
        return "MOMENT"
    if isinstance(item, JSON):
        return "JSON"
    if isinstance(item, BigInteger) and item._variant_mapping:
        return "SERIAL"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
