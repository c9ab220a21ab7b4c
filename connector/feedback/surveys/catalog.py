"""The surveys in force, and every version that an open invitation still shows."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from connector.clock import Clock
from connector.feedback.surveys import files as surveys
from connector.feedback.surveys.model import Survey
from connector.storage.engine.database import Database
from connector.storage.stores import definitions

_FRESH = timedelta(seconds=5)


class SurveyCatalog:
    """A version never changes under its id, so each is read once; which are active is asked now and then."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._guard = threading.Lock()
        self._versions: dict[str, Survey] = {}
        self._active: dict[str, str] = {}
        self._read_at: datetime | None = None

    def find(self, slug: str) -> tuple[Survey, str] | None:
        """The active version of a survey and its id, or None."""
        with self._guard:
            self._refresh()
            id_ = self._active.get(slug)
            return (self._versions[id_], id_) if id_ else None

    def active(self) -> list[Survey]:
        """All surveys in force, by slug."""
        with self._guard:
            self._refresh()
            return [self._versions[id_] for _, id_ in sorted(self._active.items())]

    def get(self, slug: str, definition_id: str) -> Survey:
        """The version an invitation was sent with."""
        with self._guard:
            if definition_id not in self._versions:
                with self._database.read() as tx:
                    stored = definitions.get(tx, definition_id)
                if stored is None:
                    raise LookupError(f"survey {slug}: its version {definition_id} is gone from the database")
                self._versions[definition_id] = surveys.parse(stored.body, slug)
            return self._versions[definition_id]

    def _refresh(self) -> None:
        now = self._clock()
        if self._read_at is None or abs(now - self._read_at) > _FRESH:
            self._read()
            self._read_at = now

    def _read(self) -> None:
        with self._database.read() as tx:
            active = definitions.active(tx, definitions.DefinitionKind.SURVEY)
        for each in active:
            self._versions.setdefault(each.id, surveys.parse(each.body, each.slug))
        self._active = {each.slug: each.id for each in active}
