"""One answer and its changes: the row says what holds now, and what held before stays beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, select

from connector.storage.engine import bulk
from connector.storage.schema.tables import response_revisions, responses

Row = dict[str, Any]

_VALUES = ("score", "band", "comment", "contact_consent", "answers", "answered_at", "revision")
_NEW = bulk.Insert(responses)
_CHANGED = bulk.Update(responses, where=("id",), new=(*_VALUES, "received_at"))
_EARLIER = bulk.Insert(response_revisions, skip_known=True)
_KNOWN = select(responses).where(responses.c.id.in_(bindparam("ids", expanding=True))).with_for_update()
_HISTORY = (
    select(response_revisions)
    .where(response_revisions.c.response_id == bindparam("response"))
    .order_by(response_revisions.c.revision)
)


def keep(tx: Connection, rows: Sequence[Row], may_be_known: Sequence[str]) -> None:
    """Keep answers in the order in which they arrived. Of one that is told in several revisions the newest is the row,
    and the others are its history, in whatever order they come. ``may_be_known`` are the ids of those that can be there
    already; others' answers cannot."""
    book = _Book(_known(tx, may_be_known))
    for row in rows:
        book.take(row)
    bulk.execute(tx, _NEW, list(book.fresh.values()))
    bulk.execute(tx, _CHANGED, list(book.changed.values()))
    bulk.execute(tx, _EARLIER, book.earlier)


def history(tx: Connection, response_id: str) -> list[Mapping[str, Any]]:
    """What an answer said before it was changed, the first first."""
    return [dict(row._mapping) for row in tx.execute(_HISTORY, {"response": response_id})]


def _known(tx: Connection, ids: Sequence[str]) -> dict[str, Row]:
    rows = tx.execute(_KNOWN, {"ids": list(ids)}) if ids else ()
    return {row.id: dict(row._mapping) for row in rows}


@dataclass(slots=True)
class _Book:
    """What becomes of the answers of a batch. ``standing`` holds by id what each says so far."""

    standing: dict[str, Row]
    fresh: dict[str, Row] = field(default_factory=dict)
    changed: dict[str, Row] = field(default_factory=dict)
    earlier: list[Row] = field(default_factory=list)

    def take(self, row: Row) -> None:
        id_ = row["id"]
        stands = self.standing.get(id_)
        if stands is None:
            self.standing[id_] = self.fresh[id_] = row
        elif row["revision"] < stands["revision"]:
            self.earlier.append(_earlier(row, stands))
        elif row["revision"] > stands["revision"] and stands["customer_id"]:  # of a forgotten one nothing is learned
            self.earlier.append(_earlier(stands, stands))
            self._change(id_, {**stands, **{name: row[name] for name in (*_VALUES, "received_at")}})

    def _change(self, id_: str, row: Row) -> None:
        self.standing[id_] = row
        (self.fresh if id_ in self.fresh else self.changed)[id_] = row


def _earlier(row: Row, stands: Row) -> Row:
    values = {name: row[name] for name in (*_VALUES, "received_at")}
    return {"response_id": row["id"], "customer_id": stands["customer_id"], **values}
