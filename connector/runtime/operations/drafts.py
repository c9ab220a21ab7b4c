"""Texts that somebody is writing: kept by person and definition, until they are published or thrown away."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select

from connector.clock import Clock
from connector.runtime.operations.definitions import unix
from connector.storage.engine.database import Database
from connector.storage.schema.tables import definition_drafts
from connector.storage.stores.definitions import DefinitionKind

LONGEST = 2_000_000
"""Characters: as many as a form brings, so that a text which is too long can be made shorter."""


@dataclass(frozen=True, slots=True)
class TextDraft:
    """``slug`` is "" for a new definition; ``based_on`` is the version that the person began with, 0 for none."""

    user_id: str
    kind: str
    slug: str
    body: str
    based_on: int
    updated_at: datetime


class Drafts:
    """The drafts of everybody; each sees only their own."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def keep(self, user_id: str, kind: DefinitionKind, slug: str, body: str, based_on: int) -> TextDraft:
        """Put it in place of the draft that they had."""
        text = unix(body)[:LONGEST].replace("\0", "\N{REPLACEMENT CHARACTER}")
        draft = TextDraft(user_id, kind.value, slug, text, based_on, self._clock())

        def work(tx: Connection) -> None:
            tx.execute(delete(definition_drafts).where(_mine(user_id, kind, slug)))
            tx.execute(insert(definition_drafts).values(asdict(draft)))

        self._database.transact(work)
        return draft

    def find(self, user_id: str, kind: DefinitionKind, slug: str) -> TextDraft | None:
        with self._database.read() as tx:
            row = tx.execute(select(definition_drafts).where(_mine(user_id, kind, slug))).one_or_none()
        return TextDraft(**row._mapping) if row else None

    def drop(self, user_id: str, kind: DefinitionKind, slug: str) -> None:
        """It was published, or nobody wants it any more."""
        self._database.transact(lambda tx: tx.execute(delete(definition_drafts).where(_mine(user_id, kind, slug))))


def drafts_of(tx: Connection, user_id: str, kind: DefinitionKind) -> dict[str, datetime]:
    """Slug → when it was kept, of one person."""
    c = definition_drafts.c
    mine = select(c.slug, c.updated_at).where(c.user_id == user_id, c.kind == kind.value).order_by(c.slug)
    return {row.slug: row.updated_at for row in tx.execute(mine)}


def _mine(user_id: str, kind: DefinitionKind, slug: str) -> ColumnElement[bool]:
    c = definition_drafts.c
    return and_(c.user_id == user_id, c.kind == kind.value, c.slug == slug)
