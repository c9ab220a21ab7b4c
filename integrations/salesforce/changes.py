"""What changed in an org: ids by ``updated`` and ``deleted``, then the records by SOQL, many to a call.

Source: Salesforce's REST API guide, "sObject Get Updated" and "sObject Get Deleted": 30 and 15 days back, and the next
question starts at ``latestDateCovered``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from simple_salesforce.format import format_soql

from integrations.errors import Permanent
from integrations.salesforce.record_ids import is_id, record_id
from integrations.salesforce.rest import Rest, readable
from integrations.salesforce.seen_fields import SeenFields

ASKED_AT_ONCE = 200
"""Ids a query: its text travels in the URL, which has 16 kB."""

_NAME = re.compile(r"[A-Za-z]\w{0,79}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Changed:
    """The ids of the records that changed, and up to when that is known. Aware, UTC."""

    ids: tuple[str, ...]
    covered: datetime


class SalesforceChanges:
    """A ``Changes``."""

    def __init__(self, rest: Rest, seen: SeenFields | None = None) -> None:
        self._rest, self._seen = rest, seen or SeenFields()

    def updated(self, kind: str, start: datetime, end: datetime) -> Changed:
        """``GET /sobjects/X/updated``: created, changed and restored records."""
        answer = self._since(kind, "updated", start, end)
        return Changed(_ids(answer["ids"]), _moment(answer["latestDateCovered"]))

    def deleted(self, kind: str, start: datetime, end: datetime) -> Changed:
        """``GET /sobjects/X/deleted``: deleted records, and those merged into another."""
        answer = self._since(kind, "deleted", start, end)
        return Changed(_ids(each.get("id") for each in answer["deletedRecords"]), _moment(answer["latestDateCovered"]))

    def read(
        self, kind: str, ids: Sequence[str], fields: Sequence[str], optional: Sequence[str] = (), *,
        deleted: bool = False,
    ) -> Sequence[Mapping[str, Any]]:  # fmt: skip
        """The records with these ids, as REST shows them; ``deleted``: also those in the recycle bin.

        ``optional`` fields are left out where the org does not have them: one unknown name, and Salesforce refuses the
        whole query.
        """
        return self._seen.ask(
            kind, optional, lambda names: self._read(kind, ids, [*fields, *names], deleted=deleted)
        )

    def _read(
        self, kind: str, ids: Sequence[str], fields: Sequence[str], *, deleted: bool
    ) -> Sequence[Mapping[str, Any]]:  # fmt: skip
        found: list[Mapping[str, Any]] = []
        names = ", ".join(_name(name) for name in dict.fromkeys(["Id", *fields]))
        query = f"SELECT {names} FROM {_name(kind)} WHERE Id IN {{}}"  # noqa: S608  # checked names
        for start in range(0, len(ids), ASKED_AT_ONCE):
            part = [record_id("id", each) for each in ids[start : start + ASKED_AT_ONCE]]
            found += readable(self._rest.query(format_soql(query, part), deleted=deleted))
        return found

    def page(
        self, kind: str, fields: Sequence[str], after: str, size: int, optional: Sequence[str] = ()
    ) -> Sequence[Mapping[str, Any]]:
        """The next ``size`` records behind the id ``after`` ("" for the first), in the order of ids. ``optional`` as
        for ``read``."""
        return self._seen.ask(kind, optional, lambda names: self._page(kind, [*fields, *names], after, size))

    def _page(self, kind: str, fields: Sequence[str], after: str, size: int) -> Sequence[Mapping[str, Any]]:
        names = ", ".join(_name(name) for name in dict.fromkeys(["Id", *fields]))
        since = format_soql(" WHERE Id > {}", record_id("after", after)) if after else ""
        query = f"SELECT {names} FROM {_name(kind)}{since} ORDER BY Id LIMIT {int(size)}"  # noqa: S608  # checked names
        return readable(self._rest.query(query))

    def count(self, kind: str) -> int:
        return self._rest.count(f"SELECT COUNT() FROM {_name(kind)}")  # noqa: S608  # a checked name

    def _since(self, kind: str, which: str, start: datetime, end: datetime) -> Mapping[str, Any]:
        span = {"start": _written(start), "end": _written(end)}
        return self._rest.call(f"sobjects/{_name(kind)}/{which}/", "GET", **span)


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise Permanent(f"{text[:40]!r} is no API name of an object or a field", code="bad_name")
    return text


def _ids(values: Any) -> tuple[str, ...]:
    """What is no id names no record: it is left out, and the others are read."""
    return tuple(each for each in values if is_id(each))


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
