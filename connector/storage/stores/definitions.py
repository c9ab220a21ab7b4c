"""Workflows and surveys as they were read, version by version.

A version is never changed: a running run and a sent survey keep the one they began with. At most one version
of a slug is active, and it is the newest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Select, and_, exists, func, insert, select, text, update

from connector.ids import new_id
from connector.storage.schema.tables import definition_states, definitions


class DefinitionKind(StrEnum):
    WORKFLOW = "workflow"
    SURVEY = "survey"


class DefinitionOrigin(StrEnum):
    """Where a version came from."""

    FILE = "file"
    BROWSER = "browser"
    API = "api"
    LIBRARY = "library"  # built in


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
    origin: str = DefinitionOrigin.FILE
    author: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is to become a version."""

    kind: str
    slug: str
    body: str
    origin: str = DefinitionOrigin.FILE
    author: str = ""
    note: str = ""


def active(connection: Connection, kind: str) -> list[Definition]:
    """The definitions of a kind that are in force, by slug: not retired, and not switched off by a person."""
    found = _select().where(definitions.c.kind == kind, definitions.c.active.is_(True), ~SWITCHED_OFF)
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


def add(connection: Connection, before: Definition | None, after: Draft, now: datetime) -> Definition:
    """Store the next version of a slug, and let it be the active one. ``before`` is the newest so far."""
    if before is not None:
        set_active(connection, before, False)
    version = before.version + 1 if before else 1
    row = Definition(
        new_id(), after.kind, after.slug, version, digest_of(after.body), after.body, True, now,
        after.origin, after.author, after.note,
    )  # fmt: skip
    connection.execute(insert(definitions).values(_columns(row)))
    return row


def set_active(connection: Connection, definition: Definition, value: bool) -> None:
    """Let a version be in force, or retire it."""
    connection.execute(update(definitions).where(definitions.c.id == definition.id).values(active=value))


def digest_of(body: str) -> str:
    """What two texts are compared by; "" of no text."""
    return hashlib.sha256(body.encode()).hexdigest() if body else ""


def take_turn(connection: Connection) -> None:
    """Two processes that start together must not both write version 1. (SQLite's writer is alone anyway.)"""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE definitions IN SHARE ROW EXCLUSIVE MODE"))


_FIELDS = ("id", "kind", "slug", "version", "digest", "body", "active", "created_at", "origin", "author", "note")


SWITCHED_OFF = exists().where(
    definition_states.c.kind == definitions.c.kind,
    definition_states.c.slug == definitions.c.slug,
    definition_states.c.off_at.is_not(None),
)
"""Whether a person switched a row of ``definitions`` off."""


def _select() -> Select[Any]:
    return select(*(definitions.c[name] for name in _FIELDS))


def _columns(definition: Definition) -> dict[str, Any]:
    return {name: getattr(definition, name) for name in _FIELDS}


def versions(connection: Connection, kind: str, slug: str) -> list[Definition]:
    """Every version of a slug, the newest first."""
    found = _select().where(definitions.c.kind == kind, definitions.c.slug == slug)
    return _read(connection, found.order_by(definitions.c.version.desc()))


def _read(connection: Connection, statement: Select[Any]) -> list[Definition]:
    return [Definition(*row) for row in connection.execute(statement)]
