"""Workflows and surveys in people's hands: publishing a version, deciding between file and browser, switching off."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from connector.clock import Clock
from connector.runtime.operations.definition_overview import known_version
from connector.runtime.operations.definition_rules import DefinitionRules
from connector.runtime.operations.errors import ConflictError, InputError, RefusedError
from connector.runtime.operations.validation import LONGEST_NAME, LONGEST_REASON, told
from connector.storage.engine.database import Database
from connector.storage.stores import definition_states, definitions
from connector.storage.stores.definition_import import What
from connector.storage.stores.definition_states import DefinitionState
from connector.storage.stores.definitions import Definition, DefinitionKind, DefinitionOrigin, Draft, digest_of
from workflows import differences
from workflows.errors import DefinitionError, Mistake
from workflows.sentences import say

log = logging.getLogger(__name__)

SET_ASIDE = "The file's text, set aside."
KEPT = "Kept over the file."
"""Notes of versions that a decision made; a person's note goes before."""


class Side(StrEnum):
    """Which text counts, where file and browser differ."""

    FILE = "file"
    BROWSER = "browser"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A text that somebody wants in force. ``based_on`` is the version that they began with, 0 for a new one.
    ``slug`` is set where only this one may be meant; ``settles`` is the digest of the file's text that was edited
    together with it."""

    text: str
    by: str
    origin: DefinitionOrigin
    note: str = ""
    based_on: int = 0
    slug: str = ""
    settles: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """What came of it. ``file`` is where it was written, "" where it was not; ``trouble`` says why, where it should."""

    slug: str
    version: int
    what: What
    warnings: tuple[Mistake, ...] = ()
    file: str = ""
    trouble: str = ""


class DefinitionCommands:
    """Publishes, decides and switches. Nothing here changes a run that is going: it keeps its version."""

    def __init__(
        self, database: Database, rules: Mapping[DefinitionKind, DefinitionRules], clock: Clock
    ) -> None:
        self._database, self._rules, self._clock = database, rules, clock

    def check(self, kind: DefinitionKind, text: str, source: str = "text") -> tuple[str, tuple[Mistake, ...]]:
        """The slug of a text, and what is allowed in it but odd. Raises DefinitionError with every mistake."""
        read = self._rules[kind].parse(unix(text), source)
        found = tuple(self._rules[kind].lint(read))
        if not all(each.warning for each in found):
            raise DefinitionError(source, found)
        return read.slug, found

    def publish(self, kind: DefinitionKind, wish: Publication) -> Published:
        """Make a text the next version, in force at once, and its file where files are written. The same text as the
        newest is no version. Raises DefinitionError, InputError, and ConflictError or RefusedError where the newest
        version, or the file, is another than the one that was edited."""
        wish = replace(wish, text=unix(wish.text), by=told(wish.by, "by", LONGEST_NAME), note=_note(wish.note))
        slug, warnings = self.check(kind, wish.text, wish.slug or "text")
        if wish.slug and slug != wish.slug:
            raise InputError("text", f"is of {kind.value} {slug}, not {wish.slug}.", "Write its own name back.")
        now = self._clock()
        done = self._database.transact(lambda tx: self._publish(tx, kind, slug, wish, now))
        log.info("by hand: %s %s version %s published", kind.value, slug, done.version)
        return replace(self._written(kind, done), warnings=warnings)

    def resolve(self, kind: DefinitionKind, slug: str, take: Side, by: str, seen: str | None = None) -> Published:
        """Let the file count, or the version in force. The other's text is kept among the versions. ``seen`` is the
        digest of the file's text that was looked at. Raises UnknownError, RefusedError, ConflictError."""
        by, now = told(by, "by", LONGEST_NAME), self._clock()
        done = self._database.transact(lambda tx: self._resolve(tx, kind, slug, take, by, seen, now))
        log.info("by hand: of %s %s the %s counts", kind.value, slug, take.value)
        return self._written(kind, done) if take is Side.BROWSER else done

    def export(self, kind: DefinitionKind, slug: str) -> Published:
        """Write the newest version to its file, whole or not at all. Raises UnknownError, and RefusedError where
        there is no folder, or where the file was changed since it was last read."""
        with self._database.read() as tx:
            newest = known_version(tx, kind, slug)
        if self._rules[kind].folder is None:
            raise RefusedError(say("refused.no_folder", kind=kind.value))
        done = self._with_file(kind, Published(slug, newest.version, What.UNCHANGED))
        if done.trouble:
            raise RefusedError(done.trouble)
        return done

    def switch_off(self, slug: str, by: str, reason: str) -> DefinitionState:
        """Let a workflow start nothing more, whatever its file says, until somebody switches it on. Its runs go on.
        Raises UnknownError, InputError."""
        by, reason, now = told(by, "by", LONGEST_NAME), told(reason, "reason", LONGEST_REASON), self._clock()
        return self._switch(slug, lambda state: replace(state, off_at=now, off_by=by, off_reason=reason))

    def switch_on(self, slug: str) -> DefinitionState:
        """Let a workflow start again; it is no error when it does. Raises UnknownError, and RefusedError when it is its
        text that switches it off, or its file is gone."""
        return self._switch(slug, lambda state: replace(state, off_at=None, off_by="", off_reason=""), self._can_start)

    def _publish(self, tx: Connection, kind: DefinitionKind, slug: str, wish: Publication, now: datetime) -> Published:
        definitions.take_turn(tx)
        newest = definitions.find(tx, kind, slug)
        state = definition_states.state_of(tx, kind, slug)
        if newest is not None and newest.digest == digest_of(wish.text):
            return self._same(tx, newest, state)
        if wish.based_on != (newest.version if newest else 0):
            raise _conflict(kind, slug, newest, wish.text)
        if wish.settles:
            newest = self._settle(tx, newest, state, wish, now)
        draft = Draft(kind=kind, slug=slug, body=wish.text, origin=wish.origin, author=wish.by, note=wish.note)
        after = definitions.add(tx, newest, draft, now)
        return Published(slug, after.version, What.CHANGED if newest else What.NEW)

    def _same(self, tx: Connection, newest: Definition, state: DefinitionState) -> Published:
        if state.waiting is not None and digest_of(state.waiting) == newest.digest:
            definition_states.keep(tx, _settled(state))
        if newest.active:
            return Published(newest.slug, newest.version, What.UNCHANGED)
        definitions.set_active(tx, newest, True)
        return Published(newest.slug, newest.version, What.RETURNED)

    def _settle(
        self, tx: Connection, newest: Definition | None, state: DefinitionState, wish: Publication, now: datetime
    ) -> Definition | None:
        """Both were edited together: the file's text becomes a version, too, before what was made of both."""
        _expect_waiting(state, wish.settles)
        definition_states.keep(tx, _settled(state))
        return self._set_aside(tx, newest, state, wish.by, now)

    def _resolve(
        self, tx: Connection, kind: DefinitionKind, slug: str, take: Side, by: str, seen: str | None, now: datetime
    ) -> Published:
        definitions.take_turn(tx)
        newest = known_version(tx, kind, slug)
        state = definition_states.state_of(tx, kind, slug)
        _expect_waiting(state, seen)
        definition_states.keep(tx, _settled(state))
        if take is Side.FILE:
            return self._take_file(tx, newest, state, by, now)
        last = self._set_aside(tx, newest, state, by, now)
        if last is newest:
            return Published(slug, newest.version, What.UNCHANGED)
        again = Draft(kind=kind, slug=slug, body=newest.body, origin=newest.origin, author=by, note=KEPT)
        return Published(slug, definitions.add(tx, last, again, now).version, What.CHANGED)

    def _take_file(
        self, tx: Connection, newest: Definition, state: DefinitionState, by: str, now: datetime
    ) -> Published:
        if not state.waiting:
            definitions.set_active(tx, newest, False)
            return Published(newest.slug, newest.version, What.RETIRED)
        draft = Draft(kind=newest.kind, slug=newest.slug, body=state.waiting, origin=DefinitionOrigin.FILE, author=by)
        return Published(newest.slug, definitions.add(tx, newest, draft, now).version, What.CHANGED)

    def _set_aside(
        self, tx: Connection, newest: Definition | None, state: DefinitionState, by: str, now: datetime
    ) -> Definition | None:
        if not state.waiting:
            return newest
        draft = Draft(kind=state.kind, slug=state.slug, body=state.waiting, author=by, note=SET_ASIDE)
        return definitions.add(tx, newest, draft, now)

    def _switch(
        self,
        slug: str,
        change: Callable[[DefinitionState], DefinitionState],
        check: Callable[[Definition], None] = lambda _: None,
    ) -> DefinitionState:
        def work(tx: Connection) -> DefinitionState:
            definitions.take_turn(tx)
            check(known_version(tx, DefinitionKind.WORKFLOW, slug))
            state = change(definition_states.state_of(tx, DefinitionKind.WORKFLOW, slug))
            definition_states.keep(tx, state)
            return state

        state = self._database.transact(work)
        log.info("by hand: workflow %s switched %s", slug, "off" if state.off_at else "on")
        return state

    def _can_start(self, newest: Definition) -> None:
        if not newest.active:
            raise RefusedError(say("refused.retired", workflow=newest.slug), "publish it again")
        if not self._rules[DefinitionKind.WORKFLOW].parse(newest.body, newest.slug).enabled:
            raise RefusedError(say("refused.off_by_text", workflow=newest.slug), "publish it with enabled: true")

    def _written(self, kind: DefinitionKind, done: Published) -> Published:
        return self._with_file(kind, done) if self._rules[kind].writes else done

    def _with_file(self, kind: DefinitionKind, done: Published) -> Published:
        """Write the newest version to its file, and note that it is there. A process that dies between the two finds
        its own text at the next import. A file that somebody changed stays: the next import says that both did."""
        folder = self._rules[kind].folder
        if folder is None:
            return done
        with self._database.read() as tx:
            newest = known_version(tx, kind, done.slug)
            state = definition_states.state_of(tx, kind, done.slug)
        if state.differs:
            return replace(done, trouble=say("refused.file_undecided"))
        try:
            file = folder.write_over(done.slug, newest.body, state.file_digest)
        except RefusedError as error:
            return replace(done, trouble=error.why)
        if file is None:
            return replace(done, trouble=say("refused.file_changed"))
        self._database.transact(lambda tx: self._note_file(tx, newest))
        return replace(done, file=str(file))

    def _note_file(self, tx: Connection, written: Definition) -> None:
        definitions.take_turn(tx)
        state = definition_states.state_of(tx, written.kind, written.slug)
        if not state.differs:
            definition_states.keep(tx, replace(state, file_digest=written.digest))


def unix(text: str) -> str:
    """Lines as files have them: a browser's form sends others."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _note(note: str) -> str:
    return told(note, "note", LONGEST_REASON) if note.strip() else ""


def _settled(state: DefinitionState) -> DefinitionState:
    return replace(state, file_digest=digest_of(state.waiting or ""), waiting=None, waiting_since=None)


def _expect_waiting(state: DefinitionState, seen: str | None) -> None:
    if state.waiting is None:
        raise RefusedError(say("refused.nothing_to_decide", kind=state.kind, slug=state.slug))
    if seen is not None and digest_of(state.waiting) != seen:
        raise RefusedError(say("refused.file_once_more"), "look at the difference again")


def _conflict(kind: DefinitionKind, slug: str, newest: Definition | None, text: str) -> ConflictError:
    if newest is None:
        why = say("refused.no_base", kind=kind.value, slug=slug)
        return ConflictError(why, 0, "")
    newer = {"version": newest.version, "slug": slug}
    why = say("refused.published_by", **newer, by=newest.author) if newest.author else say("refused.published", **newer)
    return ConflictError(why, newest.version, differences.unified(newest.body, text))
