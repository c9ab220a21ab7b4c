"""The surveys in force, and every version that an open invitation still shows."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, select

from connector.feedback.surveys import files as surveys
from connector.feedback.surveys.model import Survey
from connector.storage.engine.database import Database
from connector.storage.schema import tables
from connector.storage.stores import definitions

_IN_FORCE = select(tables.definitions.c.slug, tables.definitions.c.id).where(
    tables.definitions.c.kind == definitions.DefinitionKind.SURVEY.value, tables.definitions.c.active.is_(True)
)


class SurveyCatalog:
    """A version never changes under its id, so each is read once. Which are in force is asked once in every
    transaction, by one small query: what somebody published is in force for the next batch, in every process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._guard = threading.Lock()
        self._versions: dict[str, Survey] = {}
        self._looked: WeakKeyDictionary[object, Mapping[str, str]] = WeakKeyDictionary()

    def find(self, slug: str, tx: Connection | None = None) -> tuple[Survey, str] | None:
        """The version of a survey that is in force, as ``tx`` sees it, and its id; or None."""
        id_ = self._in_force(tx).get(slug)
        return (self.get(slug, id_), id_) if id_ else None

    def active(self, tx: Connection | None = None) -> list[Survey]:
        """All surveys in force, by slug."""
        return [self.get(slug, id_) for slug, id_ in sorted(self._in_force(tx).items())]

    def get(self, slug: str, definition_id: str) -> Survey:
        """The version an invitation was sent with."""
        with self._guard:
            if definition_id not in self._versions:
                with self._database.read() as tx:
                    self._read(tx, slug, definition_id)
            return self._versions[definition_id]

    def _in_force(self, tx: Connection | None) -> Mapping[str, str]:
        """Slug → id. Versions that are new are read at once, by whoever asks first."""
        if tx is None:
            with self._database.read() as own:
                return self._in_force(own)
        with self._guard:
            transaction = tx.get_transaction() or tx
            if transaction not in self._looked:
                found = dict(tuple(row) for row in tx.execute(_IN_FORCE))
                for slug, id_ in found.items():
                    if id_ not in self._versions:
                        self._read(tx, slug, id_)
                self._looked[tx.get_transaction() or transaction] = found
                return found
            return self._looked[transaction]

    def _read(self, tx: Connection, slug: str, definition_id: str) -> None:
        stored = definitions.get(tx, definition_id)
        if stored is None:
            raise LookupError(f"survey {slug}: its version {definition_id} is gone from the database")
        self._versions[definition_id] = surveys.parse(stored.body, slug)
