"""Files becoming versions: what an import did with each, and what it left to a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from connector.storage.stores import definition_states, definitions
from connector.storage.stores.definition_states import DefinitionState
from connector.storage.stores.definitions import Definition, DefinitionOrigin, Draft, digest_of
from connector.storage.stores.file_or_browser import Reconciled, judge


class What(StrEnum):
    """What an import did with a definition."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    RETIRED = "retired"  # its file is gone: it starts nothing more
    RETURNED = "returned"  # its file is back, as it was
    DIFFERS = "file and browser differ"  # both changed: nothing was done, a person decides


@dataclass(frozen=True, slots=True)
class Change:
    """What an import did with one slug, and the version that came of it."""

    slug: str
    version: int
    what: What


def import_definitions(
    connection: Connection, kind: str, bodies: Mapping[str, str], now: datetime, *, retire_others: bool = True,
    origins: Mapping[str, str] | None = None, author: str = "",
) -> list[Change]:  # fmt: skip
    """Make ``bodies`` (slug → YAML of its file) the active definitions of their kind; the same again changes nothing.

    A file that changed becomes the next version; one that is as it was at the last import leaves what was published
    since in force; where both changed, nothing does. A slug whose file is gone is retired, unless ``retire_others`` is
    false. ``origins`` names those that are no files. Call it in a write transaction.
    """
    definitions.take_turn(connection)
    known = {each.slug: each for each in definitions.newest(connection, kind)}
    states = definition_states.states(connection, kind)
    drafts = [
        Draft(kind=kind, slug=slug, body=body, origin=(origins or {}).get(slug, DefinitionOrigin.FILE), author=author)
        for slug, body in bodies.items()
    ]
    if retire_others:
        drafts += [Draft(kind=kind, slug=slug, body="") for slug in known if slug not in bodies]
    work = _Import(connection, now)
    done = [
        work.take(draft, known.get(draft.slug), states.get(draft.slug, DefinitionState(kind, draft.slug)))
        for draft in drafts
    ]
    return [each for each in done if each is not None]


@dataclass(frozen=True, slots=True)
class _Import:
    connection: Connection
    now: datetime

    def take(self, draft: Draft, newest: Definition | None, state: DefinitionState) -> Change | None:
        digest = digest_of(draft.body)
        verdict = judge(
            digest, state.file_digest, newest.digest if newest else "", in_force=newest is not None and newest.active
        )
        if verdict is Reconciled.DIFFER:
            return self._leave(draft, newest, state)
        self._note(state, digest)
        if verdict is Reconciled.TAKE:
            after = definitions.add(self.connection, newest, draft, self.now)
            return Change(draft.slug, after.version, What.CHANGED if newest else What.NEW)
        assert newest is not None  # noqa: S101 - what neither file nor version says is in no list
        if verdict is Reconciled.RETIRE:
            return self._retire(newest)
        return self._keep(newest, verdict) if draft.body else None

    def _leave(self, draft: Draft, newest: Definition | None, state: DefinitionState) -> Change:
        if state.waiting != draft.body:
            definition_states.keep(self.connection, replace(state, waiting=draft.body, waiting_since=self.now))
        return Change(draft.slug, newest.version if newest else 0, What.DIFFERS)

    def _note(self, state: DefinitionState, digest: str) -> None:
        after = replace(state, file_digest=digest, waiting=None, waiting_since=None)
        if after != state:
            definition_states.keep(self.connection, after)

    def _retire(self, gone: Definition) -> Change | None:
        if not gone.active:
            return None
        definitions.set_active(self.connection, gone, False)
        return Change(gone.slug, gone.version, What.RETIRED)

    def _keep(self, same: Definition, verdict: Reconciled) -> Change:
        if same.active or verdict is Reconciled.KEEP:
            return Change(same.slug, same.version, What.UNCHANGED)
        definitions.set_active(self.connection, same, True)
        return Change(same.slug, same.version, What.RETURNED)
