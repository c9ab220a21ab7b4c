"""The few calls that all parts of the Salesforce integration make, by simple-salesforce on our session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

Row = Mapping[str, Any]


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
