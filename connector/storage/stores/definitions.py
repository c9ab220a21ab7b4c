"""Workflows and surveys as they were read, version by version.

A version is never changed: a running run and a sent survey keep the one they began with. At most one version
of a slug is active, and it is the newest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Select, and_, func, insert, select, text, update

from connector.ids import new_id
from connector.storage.schema.tables import definitions


class DefinitionKind(StrEnum):
    WORKFLOW = "workflow"
    SURVEY = "survey"


class What(StrEnum):
    """What an import did with a definition."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    RETIRED = "retired"  # its file is gone: it starts nothing more
    RETURNED = "returned"  # its file is back, as it was


@dataclass(frozen=True, slots=True)
class Definition:
    """One version of a workflow or survey; ``body`` is its YAML, as written."""

    id: str
    kind: str
    slug: str
    version: int
    digest: str
    body: str
    active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """What an import did with one slug, and the version that came of it."""

    slug: str
    version: int
    what: What


def import_definitions(
    connection: Connection, kind: str, bodies: Mapping[str, str], now: datetime, *, retire_others: bool = True
) -> list[Change]:
    """Make ``bodies`` (slug → YAML) the active definitions of their kind; the same again changes nothing.

    A body that differs from its newest version becomes the next one. A slug that is not in ``bodies`` is
    retired, unless ``retire_others`` is false. Call it in a write transaction.
    """
    _take_turn(connection)
    known = {each.slug: each for each in newest(connection, kind)}
    changes = [_import(connection, kind, slug, body, known.get(slug), now) for slug, body in bodies.items()]
    gone = [each for each in known.values() if each.active and each.slug not in bodies]
    if retire_others:
        changes += [_retire(connection, each) for each in gone]
    return changes


def active(connection: Connection, kind: str) -> list[Definition]:
    """The active definitions of a kind, by slug."""
    found = _select().where(definitions.c.kind == kind, definitions.c.active.is_(True))
    return _read(connection, found.order_by(definitions.c.slug))


def newest(connection: Connection, kind: str) -> list[Definition]:
    """The newest version of every slug, active or retired, by slug."""
    latest = (
        select(definitions.c.slug, func.max(definitions.c.version).label("version"))
        .where(definitions.c.kind == kind)
        .group_by(definitions.c.slug)
        .subquery()
    )
    same = and_(definitions.c.slug == latest.c.slug, definitions.c.version == latest.c.version)
    found = _select().join(latest, same).where(definitions.c.kind == kind)
    return _read(connection, found.order_by(definitions.c.slug))


def get(connection: Connection, id_: str) -> Definition | None:
    """One version, by its id."""
    return next(iter(_read(connection, _select().where(definitions.c.id == id_))), None)


def find(connection: Connection, kind: str, slug: str, version: int | None = None) -> Definition | None:
    """One version, by its number; without a number the newest."""
    found = _select().where(definitions.c.kind == kind, definitions.c.slug == slug)
    if version is not None:
        found = found.where(definitions.c.version == version)
    return next(iter(_read(connection, found.order_by(definitions.c.version.desc()).limit(1))), None)


def _import(
    connection: Connection, kind: str, slug: str, body: str, before: Definition | None, now: datetime
) -> Change:
    digest = hashlib.sha256(body.encode()).hexdigest()
    if before is not None and before.digest == digest:
        return _keep(connection, before)
    if before is not None:
        _set_active(connection, before, False)
    version = before.version + 1 if before else 1
    row = Definition(new_id(), kind, slug, version, digest, body, True, now)
    connection.execute(insert(definitions).values(_columns(row)))
    return Change(slug, version, What.CHANGED if before else What.NEW)


def _keep(connection: Connection, same: Definition) -> Change:
    if same.active:
        return Change(same.slug, same.version, What.UNCHANGED)
    _set_active(connection, same, True)
    return Change(same.slug, same.version, What.RETURNED)


def _retire(connection: Connection, gone: Definition) -> Change:
    _set_active(connection, gone, False)
    return Change(gone.slug, gone.version, What.RETIRED)


def _set_active(connection: Connection, definition: Definition, value: bool) -> None:
    connection.execute(update(definitions).where(definitions.c.id == definition.id).values(active=value))


def _take_turn(connection: Connection) -> None:
    """Two processes that start together must not both write version 1. (SQLite's writer is alone anyway.)"""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE definitions IN SHARE ROW EXCLUSIVE MODE"))


_FIELDS = ("id", "kind", "slug", "version", "digest", "body", "active", "created_at")


def _select() -> Select[Any]:
    return select(*(definitions.c[name] for name in _FIELDS))


def _columns(definition: Definition) -> dict[str, Any]:
    return {name: getattr(definition, name) for name in _FIELDS}


def _read(connection: Connection, statement: Select[Any]) -> list[Definition]:
    return [Definition(*row) for row in connection.execute(statement)]
