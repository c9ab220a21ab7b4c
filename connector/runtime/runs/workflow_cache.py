"""The workflows in force, read once and kept: active ones by event type, every version by its id."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from connector.storage.schema.tables import definitions
from connector.storage.stores.definitions import SWITCHED_OFF
from workflows import schema
from workflows.definitions import Workflow
from workflows.errors import DefinitionError

log = logging.getLogger(__name__)


_ACTIVE = (
    select(definitions.c.id)
    .where(definitions.c.kind == "workflow", definitions.c.active.is_(True), ~SWITCHED_OFF)
    .order_by(definitions.c.slug)
)


@dataclass(frozen=True, slots=True)
class Version:
    """One stored version of a workflow."""

    id: str
    number: int
    workflow: Workflow


class WorkflowCache:
    """A definition never changes under its id, so what was read once stays true; which versions are active is
    asked again for every batch (one small query)."""

    def __init__(self) -> None:
        self._versions: dict[str, Version] = {}
        self._unreadable: set[str] = set()  # said once each
        self._guard = threading.Lock()

    def active(self, tx: Connection) -> Sequence[Version]:
        """The newest versions of the workflows that are switched on."""
        ids = tx.execute(_ACTIVE).scalars()
        versions = [self._readable(tx, id_) for id_ in ids]
        return [version for version in versions if version is not None and version.workflow.enabled]

    def listens(self, tx: Connection, event_type: str) -> bool:
        """Whether a workflow in force is triggered by this event."""
        return any(event_type in version.workflow.trigger.events for version in self.active(tx))

    def _readable(self, tx: Connection, definition_id: str) -> Version | None:
        """None for a stored workflow that this version of the program refuses: the others must go on."""
        try:
            return self.get(tx, definition_id)
        except DefinitionError as error:
            if definition_id not in self._unreadable:
                log.error("a stored workflow starts nothing; import it again, mended. %s", error)  # noqa: TRY400
            self._unreadable.add(definition_id)
            return None

    def get(self, tx: Connection, definition_id: str) -> Version:
        """The version with this id; runs keep theirs."""
        with self._guard:
            if definition_id not in self._versions:
                row = tx.execute(select(definitions).where(definitions.c.id == definition_id)).one()
                workflow = schema.load(row.body, f"{row.slug} version {row.version}")
                self._versions[definition_id] = Version(row.id, row.version, workflow)
            return self._versions[definition_id]
