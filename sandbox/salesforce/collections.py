"""/composite/sobjects: up to 200 records a call, one result each, together or one by one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.salesforce import errors
from sandbox.salesforce.errors import Problem, RecordError
from sandbox.salesforce.records import Records

MOST = 200
Outcome = dict[str, Any]
_ROLLED_BACK = Problem(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done with one record ("" when it is new), and what will be written on it."""

    kind: str
    record_id: str
    do: Callable[[], Outcome]
    given: Mapping[str, Any] = field(default_factory=dict)


class Collections:
    """``hold`` is how long a write keeps its rows locked, in seconds: longer makes collisions likely."""

    def __init__(self, records: Records, closing: threading.Event) -> None:
        self.hold = 0.0
        self._records, self._closing = records, closing

    def update(self, given: Any, by: str) -> list[Outcome]:
        """PATCH /composite/sobjects"""
        return self._perform(given, lambda item: self._update(item, by))

    def create(self, given: Any, by: str) -> list[Outcome]:
        """POST /composite/sobjects"""
        return self._perform(given, lambda item: self._create(item, by))

    def upsert(self, given: Any, kind: str, field: str, by: str) -> list[Outcome]:
        """PATCH /composite/sobjects/{kind}/{field}. Raises 404 for a field that is no key."""
        self.key(kind, field)
        return self._perform(given, lambda item: self._upsert(item, kind, field, by))

    def key(self, kind: str, field: str) -> str:
        """The proper name of a field that can be upserted by. Raises 404."""
        known = self._records.sobject(kind).field(field)
        if known is None or not (known.key or known.name == "Id"):
            raise errors.no_external_id(field)
        return known.name

    def one(self, work: Work) -> Outcome:
        """Do one piece of work under its lock. Raises RecordError."""
        rows = self._rows(work)
        held, late = self._records.hold([rows])
        try:
            if late:
                raise errors.locked(sorted(rows))
            self._pause(held)
            return work.do()
        finally:
            self._records.release(held)

    def _perform(self, given: Any, plan: Callable[[Any], Work]) -> list[Outcome]:
        steps, together = [_planned(plan, item) for item in _items(given)], given.get("allOrNone")
        rows = [self._rows(work) for work in steps]
        held, late = self._records.hold(rows)
        try:
            self._pause(held)
            todo = [_step(work, rows[place] if place in late else None) for place, work in enumerate(steps)]
            return self._together(todo) if together else [_attempt(step) for step in todo]
        finally:
            self._records.release(held)

    def _rows(self, work: Work | RecordError) -> frozenset[str]:
        if isinstance(work, RecordError):
            return frozenset()
        return self._records.parents(work.kind, work.record_id, work.given)

    def _pause(self, held: frozenset[str]) -> None:
        if held and self.hold:
            self._closing.wait(self.hold)

    def _together(self, steps: Sequence[Callable[[], Outcome]]) -> list[Outcome]:
        """Every result as if alone; but when one fails, none remains."""
        results: list[Outcome] = []
        try:
            with self._records.undo_on_error():
                results.extend(_attempt(step) for step in steps)
                if not all(result["success"] for result in results):
                    raise _SomeFailedError
        except _SomeFailedError:
            return [_failure(_ROLLED_BACK) if result["success"] else result for result in results]
        return results

    def _update(self, item: Any, by: str) -> Work:
        kind, record_id = _kind(item), str(item.get("id") or item.get("Id") or "")
        if not record_id:
            raise RecordError("MISSING_ARGUMENT", "Id not specified in an update call")
        return Work(kind, record_id, lambda: _success(self._records.update(kind, record_id, item, by)["Id"]), item)

    def _create(self, item: Any, by: str) -> Work:
        kind = _kind(item)
        return Work(kind, "", lambda: _success(self._records.create(kind, item, by)["Id"]), item)

    def _upsert(self, item: Any, kind: str, field: str, by: str) -> Work:
        name = self.key(kind, field)
        value = next((each for key, each in item.items() if key.lower() == name.lower()), None)
        if value in (None, ""):
            raise RecordError("MISSING_ARGUMENT", f"{name} not specified")
        found = self._records.find(kind, self._records.sobject(kind).fields[name.lower()], value)
        if len(found) > 1:
            raise RecordError(
                "DUPLICATE_EXTERNAL_ID", f"{name}: more than one record found for external id field"
            )
        record_id = found[0]["Id"] if found else ""
        return Work(kind, record_id, lambda: self._write(kind, record_id, item, by), item)

    def _write(self, kind: str, record_id: str, item: Any, by: str) -> Outcome:
        if record_id:
            return {**_success(self._records.update(kind, record_id, item, by)["Id"]), "created": False}
        return {**_success(self._records.create(kind, item, by)["Id"]), "created": True}


class _SomeFailedError(Exception):
    """Unwinds what an all-or-none call had written."""


def _items(given: Any) -> list[Any]:
    """Raises 400 for none, and for too many."""
    items = given.get("records") if isinstance(given, dict) else None
    if not isinstance(items, list) or not items:
        raise errors.api_error(400, "REQUIRED_FIELD_MISSING", "At least 1 record is required")
    if len(items) > MOST:
        message = f"record limit reached. cannot submit more than {MOST} records into this call"
        raise errors.api_error(400, "EXCEEDED_ID_LIMIT", message)
    return items


def _kind(item: Any) -> str:
    kind = (item.get("attributes") or {}).get("type") if isinstance(item, dict) else None
    if not kind:
        raise RecordError("INVALID_TYPE", "Must specify the attribute 'type' of each record")
    return str(kind)


def _planned(plan: Callable[[Any], Work], item: Any) -> Work | RecordError:
    try:
        return plan(item)
    except RecordError as refused:
        return refused


def _step(work: Work | RecordError, locked: frozenset[str] | None) -> Callable[[], Outcome]:
    """``locked``: the rows that somebody else holds."""

    def step() -> Outcome:
        if isinstance(work, RecordError):
            raise work
        if locked is not None:
            raise errors.locked(sorted(locked))
        return work.do()

    return step


def _attempt(step: Callable[[], Outcome]) -> Outcome:
    try:
        return step()
    except RecordError as refused:
        return _failure(refused.problem)


def _success(record_id: str) -> Outcome:
    return {"id": record_id, "success": True, "errors": []}


def _failure(problem: Problem) -> Outcome:
    return {"success": False, "errors": [problem.in_collection()]}
