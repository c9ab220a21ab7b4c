"""What is known of a workflow or survey beside its versions: its file, as last seen, and a person's switch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from connector.storage.schema.tables import definition_states


@dataclass(frozen=True, slots=True)
class DefinitionState:
    """``file_digest``: of the file that was last taken into account, "" for none. ``waiting``: what the file says now,
    where it and the newest version both moved away from that; "" when the file is gone. ``off_at``: switched off."""

    kind: str
    slug: str
    file_digest: str = ""
    waiting: str | None = None
    waiting_since: datetime | None = None
    off_at: datetime | None = None
    off_by: str = ""
    off_reason: str = ""

    @property
    def differs(self) -> bool:
        """File and browser both changed, and nobody has decided yet."""
        return self.waiting is not None


def states(connection: Connection, kind: str) -> dict[str, DefinitionState]:
    """Of all of a kind that have one, by slug."""
    found = connection.execute(select(definition_states).where(definition_states.c.kind == kind))
    return {row.slug: DefinitionState(**row._mapping) for row in found}


def state_of(connection: Connection, kind: str, slug: str) -> DefinitionState:
    """Of one; an empty one where nothing is known."""
    mine = (definition_states.c.kind == kind) & (definition_states.c.slug == slug)
    row = connection.execute(select(definition_states).where(mine)).one_or_none()
    return DefinitionState(**row._mapping) if row else DefinitionState(kind, slug)


def differing(connection: Connection, kind: str) -> list[str]:
    """The slugs of which file and browser both changed, in order."""
    c = definition_states.c
    found = select(c.slug).where(c.kind == kind, c.waiting.is_not(None)).order_by(c.slug)
    return list(connection.execute(found).scalars())


def keep(connection: Connection, state: DefinitionState) -> None:
    """Write it in place of what was known. Call it while the definitions are locked (``definitions.take_turn``)."""
    mine = (definition_states.c.kind == state.kind) & (definition_states.c.slug == state.slug)
    connection.execute(delete(definition_states).where(mine))
    connection.execute(insert(definition_states).values(asdict(state)))
