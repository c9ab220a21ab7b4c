"""The few calls that all parts of the Salesforce integration make, by simple-salesforce on our session."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from integrations.salesforce.record_ids import is_id

log = logging.getLogger(__name__)

Row = Mapping[str, Any]


def readable(rows: Iterable[Any]) -> list[Row]:
    """The records among ``rows`` that say which they are; one that does not costs only itself."""
    every = list(rows)
    found = [row for row in every if isinstance(row, Mapping) and is_id(row.get("Id"))]
    if len(found) < len(every):
        log.warning("%d records of Salesforce are left out, they have no id", len(every) - len(found))
    return found


class Rest:
    """``salesforce`` is the library's client at ``url``, ``understood`` translates what cannot be read, and ``spend``
    is asked before every call. Threads may share it."""

    def __init__(
        self, salesforce: Any, url: str, understood: Callable[..., AbstractContextManager[None]],
        spend: Callable[[], None],
    ) -> None:  # fmt: skip
        self._salesforce, self.url, self._understood, self._spend = salesforce, url, understood, spend

    def call(self, path: str, method: str, body: Any = None, **params: str) -> Row:
        """The answer's JSON object; {} for an empty answer. Raises IntegrationError."""
        self._spend()
        more: dict[str, Any] = {"json": body} if body is not None else {}
        with self._understood(wrote=method != "GET"):
            answer = self._salesforce.restful(path, method=method, params=params or None, **more)
            return answer if isinstance(answer, dict) else {}

    def query(self, soql: str, *, deleted: bool = False) -> Sequence[Row]:
        """All records of a query; every 2,000 of them are a call."""
        self._spend()
        with self._understood():
            found: Sequence[Row] = self._salesforce.query_all(soql, include_deleted=deleted)["records"]
            return found

    def count(self, soql: str) -> int:
        """What ``SELECT COUNT() …`` counts."""
        self._spend()
        with self._understood():
            return int(self._salesforce.query(soql)["totalSize"])
