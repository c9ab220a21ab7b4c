"""The audit log: who did what, when, from where, with what it was before and is after. Rows are added, never changed.

Each row's hash is over its content and the hash of the row before it, under a key made from the installation's secret:
whoever can write to the database, but does not know the key, cannot change, take out or put in a row unseen. People
stand in it by id, and what is secret or personal by fingerprint, so that an erasure leaves the chain whole.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from connector.access.chain_keys import ChainKeys, key_of
from connector.secret_keys import SecretKeys
from connector.storage.engine.database import Database
from connector.storage.schema.tables import audit_head, audit_log

USER, TOKEN, COMMAND, SYSTEM, NOBODY = "user", "token", "command", "system", "nobody"
"""Kinds of those who act."""

_START = "0" * 64
_PAGE = 500  # rows
c = audit_log.c


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. ``name`` is a user's id, or what a token or the machine's user is called."""

    kind: str
    name: str = ""
    network: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """What happened. ``object`` is an id; ``before`` and ``after`` hold texts, numbers and lists of them."""

    action: str  # "user.role"
    object_kind: str = ""
    object: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """A row of the log."""

    seq: int
    at: datetime
    actor_kind: str
    actor: str
    action: str
    object_kind: str
    object: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    network: str
    hash: str


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """What ``verify`` found: how many rows hold, the hash at the end, and the first row that does not, with why."""

    rows: int
    head: str
    broken: int | None = None
    why: str = ""


class Audit:
    """Writes and reads the log."""

    def __init__(self, database: Database, keys: SecretKeys) -> None:
        self._database, self._keys = database, ChainKeys(keys)

    def add(self, tx: Connection, actor: Actor, entry: AuditEntry, now: datetime) -> None:
        """In the transaction of what it tells. The head's row is locked till its end, so that the chain has one order
        whatever the processes; take it as the transaction's last step."""
        head = self._head(tx)
        row = _content(head.seq + 1, now, actor, entry)
        row["hash"] = _hash(self._keys.current, head.hash, row)
        tx.execute(insert(audit_log).values(row | {"at": now}))
        moved: dict[str, Any] = {"seq": row["seq"], "hash": row["hash"]}
        if sealed := self._keys.sealed_from(row["seq"], self._keys.opened(head.keys)):
            moved["keys"] = sealed
        tx.execute(update(audit_head).where(audit_head.c.id == 1).values(moved))

    def note(self, actor: Actor, entry: AuditEntry, now: datetime) -> None:
        """The same, in a transaction of its own: for what was only looked at, or refused."""
        self._database.transact(lambda tx: self.add(tx, actor, entry, now))

    def fingerprint(self, value: str) -> str:
        """What stands for a secret or an address: the same for the same until the secret key is changed, and nothing
        can be read off it."""
        if not value:
            return ""
        return "#" + hmac.digest(self._keys.current, b"value " + value.encode(), hashlib.sha256).hex()[:16]

    def listed(self, tx: Connection, *, before: int | None = None, limit: int = 50, **narrowed: str) -> list[AuditLine]:
        """Newest first. ``narrowed`` by actor, action, object_kind or object."""
        query = _narrowed(select(audit_log), narrowed).order_by(c.seq.desc()).limit(limit)
        return [_line(row) for row in tx.execute(query if before is None else query.where(c.seq < before))]

    def all_of(self, **narrowed: str) -> Iterator[AuditLine]:
        """Every row, oldest first, a slice at a time."""
        last = 0
        while True:
            query = _narrowed(select(audit_log), narrowed).where(c.seq > last).order_by(c.seq).limit(_PAGE)
            with self._database.read() as tx:
                lines = [_line(row) for row in tx.execute(query)]
            yield from lines
            if len(lines) < _PAGE:
                return
            last = lines[-1].seq

    def verify(self) -> ChainVerdict:
        """Whether every row is as it was written, none is missing, and none was put in."""
        with self._database.read() as tx:  # rows that are added meanwhile come after it, and are not asked about
            head = tx.execute(select(audit_head)).one_or_none()
        until, end = (head.seq, head.hash) if head else (0, _START)
        stretches = self._keys.opened(head.keys) if head else ()
        seq, before = 0, _START
        for line in self.all_of():
            if line.seq > until:
                break
            if line.seq != seq + 1:
                return ChainVerdict(seq, before, seq + 1, "is missing")
            key = key_of(line.seq, stretches)
            if key is None:
                return ChainVerdict(seq, before, line.seq, "was written under a key that was given up")
            if not hmac.compare_digest(_hash(key, before, _row(line)), line.hash):
                return ChainVerdict(seq, before, line.seq, "is not as it was written")
            seq, before = line.seq, line.hash
        if seq != until:
            return ChainVerdict(seq, before, seq + 1, "is missing")
        if before != end:
            return ChainVerdict(seq, before, seq, "is not the end of the chain")
        return ChainVerdict(seq, before)

    def _head(self, tx: Connection) -> Any:
        row = tx.execute(select(audit_head).where(audit_head.c.id == 1).with_for_update()).one_or_none()
        if row is None:
            tx.execute(self._database.insert_new(audit_head).values(id=1, seq=0, hash=_START))
            row = tx.execute(select(audit_head).where(audit_head.c.id == 1).with_for_update()).one()
        return row


def _hash(key: bytes, before: str, row: Mapping[str, Any]) -> str:
    told = {name: value for name, value in row.items() if name != "hash"}
    text = json.dumps({**told, "at": _stamp(told["at"])}, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hmac.digest(key, f"{before}\n{text}".encode(), hashlib.sha256).hex()


def object_of(rule: str, names: Mapping[str, str]) -> tuple[str, str]:
    """What an address is about: ("run", "01h…") for "/runs/<run_id>/cancel"."""
    found = re.search(r"(\w+?)s?/<(\w+)>", rule)
    return (found[1], names.get(found[2], "")) if found else ("", "")


def exported(line: AuditLine) -> str:
    """A row as one line of JSON."""
    return json.dumps({**_row(line), "at": _stamp(line.at)}, ensure_ascii=False)


def _content(seq: int, at: datetime, actor: Actor, entry: AuditEntry) -> dict[str, Any]:
    return {
        "seq": seq,
        "at": at,
        "actor_kind": actor.kind,
        "actor": actor.name[:100],
        "action": entry.action[:60],
        "object_kind": entry.object_kind[:40],
        "object": entry.object[:200],
        "before": dict(entry.before),
        "after": dict(entry.after),
        "network": actor.network[:50],
    }


def _narrowed(query: Select[Any], narrowed: Mapping[str, str]) -> Select[Any]:
    return query.where(*(c[name] == value for name, value in narrowed.items() if value))


def _line(row: Any) -> AuditLine:
    return AuditLine(**row._mapping)


def _row(line: AuditLine) -> dict[str, Any]:
    return {name: getattr(line, name) for name in AuditLine.__slots__}


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")
