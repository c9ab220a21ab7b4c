"""What each secret key still holds, and moving it to the key in use: slice by slice, beside everything that runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any

from sqlalchemy import Column, Connection, Table, bindparam, func, select, update

from connector.secret_keys import SecretKeys
from connector.storage.engine.database import Database
from connector.storage.engine.encryption import Box, sealed_by
from connector.storage.engine.index_skip_scan import distinct
from connector.storage.schema.tables import audit_head, connections, invitations, provisioned, users
from connector.storage.sealing import survey_links
from connector.storage.stores import oauth_tokens, webhook_secrets

SLICE = 500
"""Links of one transaction: some 20 ms of the writer's turn."""

_AFTER_THE_END = timedelta(days=30)
"""Of an invitation that ended so long ago no mail leaves any more."""

_i = invitations.c


@dataclass(frozen=True, slots=True)
class Held:
    """What hangs on one key: what it sealed, in words, and by survey the number of links."""

    mark: str
    sealed: tuple[str, ...] = ()
    links: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        """"the token of zendesk, the webhook secret of zendesk, 340 survey links (after-support 300, nps 40)"."""
        surveys = ", ".join(f"{name} {count}" for name, count in sorted(self.links.items()))
        total = sum(self.links.values())
        return ", ".join([*self.sealed, *([f"{total} survey link{'s' * (total != 1)} ({surveys})"] if total else [])])


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A column of sealed texts in a table of few rows."""

    column: Column[bytes]
    whose: Column[Any]  # the connection, or the person
    purpose: str
    words: str  # with {} for whose it is; of people and the like that many are counted
    counted: bool = False

    @property
    def table(self) -> Table:
        return self.column.table

    def rows(self, tx: Connection) -> Sequence[Any]:
        asked = select(self.whose.label("whose"), self.column.label("sealed"))
        return tx.execute(asked.where(self.column.is_not(None)).order_by(self.whose)).all()

    def by_mark(self, tx: Connection) -> dict[str, list[str]]:
        """What each key sealed, in words."""
        found: dict[str, list[Any]] = {}
        for row in self.rows(tx):
            found.setdefault(sealed_by(row.sealed), []).append(row.whose)
        return {mark: self._told(whose) for mark, whose in found.items()}

    def _told(self, whose: Sequence[Any]) -> list[str]:
        return [self.words.format(len(whose))] if self.counted else [self.words.format(each) for each in whose]


SECOND_FACTORS, AUDIT_KEYS = "second factors", "audit keys"
SEALED = (
    _Sealed(connections.c.token, connections.c.name, oauth_tokens.PURPOSE, "the token of {}"),
    _Sealed(provisioned.c.secret, provisioned.c.connection, webhook_secrets.PURPOSE, "the webhook secret of {}"),
    _Sealed(users.c.totp, users.c.id, SECOND_FACTORS, "second factors of people: {}", counted=True),
    _Sealed(audit_head.c["keys"], audit_head.c.id, AUDIT_KEYS, "the keys of the audit log", counted=True),
)
"""All that is sealed in the database, beside the links."""


def held(tx: Connection) -> list[Held]:
    """By key what hangs on it, in the order of their marks."""
    sealed: dict[str, list[str]] = {}
    for each in SEALED:
        for mark, words in each.by_mark(tx).items():
            sealed.setdefault(mark, []).extend(words)
    links: dict[str, Counter[str]] = {}
    counted = select(_i.token_key, _i.survey, func.count()).where(_i.token_key != "")
    for mark, survey, count in tx.execute(counted.group_by(_i.token_key, _i.survey)):
        links.setdefault(mark, Counter())[survey] = count
    marks = sorted({*sealed, *links})
    return [Held(mark, tuple(sealed.get(mark, ())), links.get(mark, {})) for mark in marks]


def used(tx: Connection) -> set[str]:
    """The marks of all keys on which something hangs; quick, however many links there are."""
    return {*chain.from_iterable(each.by_mark(tx) for each in SEALED), *distinct(tx, _i.token_key)}


def reseal(database: Database, keys: SecretKeys, now: datetime) -> Iterator[int]:
    """Move everything that opens to the key in use. Each number is that of the rows of one committed slice; whoever
    stops in between goes on from there. What a process seals meanwhile stays as it is."""
    for sealed in SEALED:
        if moved := database.transact(partial(_moved, sealed=sealed, keys=keys)):
            yield moved
    while moved := database.transact(lambda tx: _moved_links(tx, keys, now)):
        yield moved


def give_up(database: Database, mark: str) -> None:
    """Leave what hangs on a key that is lost: tokens are asked for anew, webhooks provisioned and second factors set up
    anew, links stay shut, and what the audit log held until then can no longer be verified."""
    for sealed in SEALED:
        database.transact(partial(_emptied, sealed=sealed, mark=mark))
    while database.transact(lambda tx: _emptied_links(tx, mark)):
        pass


def _moved(tx: Connection, sealed: _Sealed, keys: SecretKeys) -> int:
    box, moved = Box(keys, sealed.purpose), 0
    for row in sealed.rows(tx):
        text = box.open(row.sealed) if sealed_by(row.sealed) != keys.mark else None
        if text is not None:
            moved += _put(tx, sealed, row.sealed, box.seal(text))
    return moved


def _put(tx: Connection, sealed: _Sealed, before: bytes, after: bytes | None) -> int:
    """Only if it is still what was read: a fresh token must not be written over."""
    return tx.execute(update(sealed.table).where(sealed.column == before).values({sealed.column: after})).rowcount


def _emptied(tx: Connection, sealed: _Sealed, mark: str) -> None:
    for row in sealed.rows(tx):
        if sealed_by(row.sealed) == mark:
            _put(tx, sealed, row.sealed, None)


_MOVE = (
    update(invitations)
    .where(_i.id == bindparam("row"), _i.token_key == bindparam("was"))
    .values(token_key=bindparam("token_key"), token_kept=bindparam("token_kept"))
)


def _moved_links(tx: Connection, keys: SecretKeys, now: datetime) -> int:
    before = [mark for mark in keys.marks if mark != keys.mark]
    asked = select(_i.id, _i.token_key, _i.token_kept, _i.expires_at).where(_i.token_key.in_(before))
    rows, box = tx.execute(asked.limit(SLICE).with_for_update()).all(), Box(keys, survey_links.PURPOSE)
    moves = [{"row": row.id, "was": row.token_key, **_columns(row, keys, box, now)} for row in rows]
    if moves:
        tx.execute(_MOVE, moves)
    return len(moves)


_NOTHING: dict[str, Any] = {"token_key": "", "token_kept": None}


def _columns(row: Any, keys: SecretKeys, box: Box, now: datetime) -> dict[str, Any]:
    """A link that does not open although its key is here was damaged, and hangs on nothing any more."""
    if row.expires_at < now - _AFTER_THE_END:
        return _NOTHING
    secret = survey_links.secret_of(row, keys, box)
    return survey_links.kept(secret, keys, box) if secret else _NOTHING


def _emptied_links(tx: Connection, mark: str) -> int:
    some = select(_i.id).where(_i.token_key == mark).limit(SLICE).scalar_subquery()
    return tx.execute(update(invitations).where(_i.id.in_(some)).values(_NOTHING)).rowcount
