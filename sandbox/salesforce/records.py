"""The records: kept, checked, locked, remembered with every write."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sandbox.clock import Clock
from sandbox.salesforce import errors, schema, service
from sandbox.salesforce.errors import Problem, RecordError
from sandbox.salesforce.ids import id_maker, is_id, long_id
from sandbox.salesforce.schema import Field, SObject

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Write:
    """One accepted write of one record: who, when, and which fields."""

    at: datetime
    record: str
    by: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A programmed refusal: the next ``times`` writes of ``record`` fail with ``problem``."""

    record: str
    problem: Problem
    times: int = 1


class Records:
    """All records of the organisation. Every public method takes the lock itself."""

    def __init__(self, clock: Clock, changed: Callable[[Record, str, bool], None]) -> None:
        standard = (schema.contact(), schema.account(), schema.lead())
        self.objects: dict[str, SObject] = {each.name: each for each in standard}
        self.lock = threading.RLock()
        self.writes: list[Write] = []
        self._clock, self._changed = clock, changed
        self._rows: dict[str, Record] = {}  # by 18-character id
        self._kinds: dict[str, str] = {}
        self._refusals: list[Refusal] = []
        self._held: set[str] = set()
        self.objects |= {each.name: each for each in service.objects()}
        self.collisions = 0  # how often a write met a row that another write had locked
        self._trouble: Callable[[str], Problem | None] = lambda _record_id: None
        self._unique: dict[tuple[str, str, str], str] = {}  # kind, field, value in lower case → id
        self._makers = {each.name: id_maker(each.prefix) for each in self.objects.values()}
        self.seen: Callable[[str, str], bool] = lambda _kind, _field: True  # does whoever asks now see the field?
        self.permitted: Callable[[str, str], bool] = lambda _kind, _field: True  # and may they write it?

    def sobject(self, name: str) -> SObject:
        """Raises 404."""
        found = next((each for each in self.objects.values() if each.name.lower() == name.lower()), None)
        if found is None:
            raise errors.not_found()
        return found

    def add_object(self, sobject: SObject) -> None:
        """A new custom object, without records. One of the same name keeps its records and gets the new fields."""
        with self.lock:
            if sobject.name in self.objects:
                for field in sobject.fields.values():
                    self.add_field(sobject.name, field)
                return
            self.objects[sobject.name] = sobject
            self._makers[sobject.name] = id_maker(sobject.prefix)

    def add_field(self, kind: str, field: Field) -> None:
        """A new custom field, empty on every record."""
        with self.lock:
            self.sobject(kind).add(field)
            for key, row in self._rows.items():
                if self._kinds[key] == self.sobject(kind).name:
                    row.setdefault(field.name, schema.read(field, None))

    def remove_field(self, kind: str, name: str) -> None:
        """A custom field goes, and with it what stood in it."""
        with self.lock:
            self.sobject(kind).fields.pop(name.lower(), None)
            for key, row in self._rows.items():
                if self._kinds[key] == kind:
                    row.pop(name, None)

    def remove_object(self, name: str) -> None:
        """A custom object goes, and with it its records."""
        with self.lock:
            self.objects.pop(name, None)
            for key in [key for key, kind in self._kinds.items() if kind == name]:
                del self._rows[key], self._kinds[key]

    def refuse(self, refusal: Refusal) -> None:
        """Program a refusal."""
        with self.lock:
            self._refusals.append(replace(refusal, record=long_id(refusal.record)))

    def trouble(self, pick: Callable[[str], Problem | None]) -> None:
        """Let writes of records fail as ``pick`` says: it is given the id of a record ("" when it is new)."""
        with self.lock:
            self._trouble = pick

    def all(self, kind: str, *, deleted: bool = False) -> list[Record]:
        """Copies of the records of one kind."""
        with self.lock:
            rows = [row for key, row in self._rows.items() if self._kinds[key] == kind]
            return deepcopy([row for row in rows if deleted or not row["IsDeleted"]])

    def get(self, kind: str, record_id: str) -> Record:
        """A copy. Raises 404: NOT_FOUND, or ENTITY_IS_DELETED."""
        with self.lock:
            return deepcopy(self._row(kind, record_id))

    def find(self, kind: str, field: Field, value: Any) -> list[Record]:
        """The living records whose ``field`` is ``value``, in any case of letters."""
        wanted = str(value).lower()
        with self.lock:
            if field.unique:
                known = self._unique.get((kind, field.name, wanted))
                rows = [self._rows[known]] if known in self._rows else []
            else:
                rows = [row for key, row in self._rows.items() if self._kinds[key] == kind]
            same = [row for row in rows if str(row.get(field.name) or "").lower() == wanted]
            return deepcopy([row for row in same if not row["IsDeleted"]])

    def create(self, kind: str, given: Mapping[str, Any], by: str) -> Record:
        """Raises RecordError."""
        sobject = self.sobject(kind)
        with self.lock:
            self._meet_trouble("")
            values = self._read(sobject, given)
            _require(sobject, values)
            self._check_unique(sobject, values, None)
            row = self._blank(sobject, by) | values
            self._rows[row["Id"]], self._kinds[row["Id"]] = row, sobject.name
            return self._written(row, values, by, created=True)

    def update(self, kind: str, record_id: str, given: Mapping[str, Any], by: str) -> Record:
        """Raises RecordError, and 404."""
        sobject = self.sobject(kind)
        with self.lock:
            row = self._row(kind, record_id)
            self._take_refusal(row["Id"])
            self._meet_trouble(row["Id"])
            values = self._read(sobject, given)
            _require(sobject, {**row, **values})
            self._check_unique(sobject, values, row["Id"])
            row.update(values)
            return self._written(row, values, by, created=False)

    def seed(self, kind: str, record_id: str, values: Mapping[str, Any]) -> None:
        """A record that has been there from the beginning, under an id of its own."""
        with self.lock:
            by = record_id
            row = self._blank(self.sobject(kind), by) | dict(values) | {"Id": record_id}
            self._rows[record_id], self._kinds[record_id] = row, kind

    def kind_of(self, record_id: str) -> str:
        """Of which object a record is; "" of none."""
        return self._kinds.get(record_id, "")

    def any(self, record_id: str) -> Record | None:
        """A living record of whatever kind."""
        with self.lock:
            row = self._rows.get(long_id(record_id)) if is_id(record_id) else None
            return None if row is None or row["IsDeleted"] else deepcopy(row)

    def delete(self, kind: str, record_id: str, by: str, *, master: str | None = None) -> None:
        """To the recycle bin; ``master`` is the winner of a merge. Raises RecordError, and 404."""
        with self.lock:
            row = self._row(kind, record_id)
            row["IsDeleted"], row["MasterRecordId"] = True, long_id(master) if master else None
            self._written(row, {"IsDeleted": True}, by, created=False)

    def restore(self, kind: str, record_id: str, by: str) -> None:
        """Out of the recycle bin."""
        with self.lock:
            row = self._rows[long_id(record_id)]
            row["IsDeleted"], row["MasterRecordId"] = False, None
            self._written(row, {"IsDeleted": False}, by, created=False)

    @contextmanager
    def undo_on_error(self) -> Iterator[None]:
        """All or nothing: whatever the block wrote is taken back when it raises."""
        with self.lock:
            before = deepcopy(self._rows), dict(self._kinds), len(self.writes)
            try:
                yield
            except Exception:
                self._rows, self._kinds = before[0], before[1]
                del self.writes[before[2] :]
                raise

    def hold(self, wanted: Sequence[frozenset[str]]) -> tuple[frozenset[str], set[int]]:
        """Lock the rows that each piece of work needs (see ``parents``). → what was locked, and the places of those
        who came too late.

        Salesforce waits ten seconds for a row lock before it gives up; this stand-in gives up at once.
        """
        with self.lock:
            late = {place for place, rows in enumerate(wanted) if rows & self._held}
            self.collisions += len(late)
            mine = frozenset().union(*wanted) - self._held
            self._held |= mine
            return mine, late

    def release(self, held: frozenset[str]) -> None:
        with self.lock:
            self._held -= held

    def parents(self, kind: str, record_id: str, given: Mapping[str, Any]) -> frozenset[str]:
        """The rows that a write locks: the account of a contact, the record itself, and for a custom object the
        accounts it looks up to, be it by way of a contact."""
        with self.lock:
            row = {**self._rows.get(long_id(record_id), {}), **given} if record_id else dict(given)
            own = {long_id(record_id)} if record_id else set()
            if kind == "Contact":
                return frozenset({long_id(row["AccountId"])} if row.get("AccountId") else own)
            named = {row.get("Account__c"), self._rows.get(long_id(row.get("Contact__c") or ""), {}).get("AccountId")}
            return frozenset(own | {long_id(str(each)) for each in named if each})

    def _row(self, kind: str, record_id: str) -> Record:
        key = long_id(record_id)
        if not is_id(record_id) or self._kinds.get(key) != self.sobject(kind).name:
            raise RecordError("NOT_FOUND", "The requested resource does not exist", status=404)
        if self._rows[key]["IsDeleted"]:
            raise errors.deleted()
        return self._rows[key]

    def _take_refusal(self, record_id: str) -> None:
        for place, refusal in enumerate(self._refusals):
            if refusal.record == record_id:
                left = replace(refusal, times=refusal.times - 1)
                self._refusals[place : place + 1] = [left] if left.times > 0 else []
                raise RecordError(refusal.problem.code, refusal.problem.message, refusal.problem.fields)

    def _meet_trouble(self, record_id: str) -> None:
        if (problem := self._trouble(record_id)) is not None:
            raise RecordError(problem.code, problem.message, problem.fields)

    def _read(self, sobject: SObject, given: Mapping[str, Any]) -> Record:
        return dict(
            self._read_one(sobject, name, value)
            for name, value in given.items()
            if name.lower() not in ("attributes", "id")
        )

    def _read_one(self, sobject: SObject, name: str, value: Any) -> tuple[str, Any]:
        field = sobject.field(name)
        if field is None or not self.seen(sobject.name, field.name):
            raise errors.no_such_column(name, sobject.name)
        if not field.writable or not self.permitted(sobject.name, field.name):
            message = f"Unable to create/update fields: {field.name}. Please check the security settings of this field"
            raise RecordError("INVALID_FIELD_FOR_INSERT_UPDATE", message, [field.name])
        return field.name, schema.read(field, value)

    def _check_unique(self, sobject: SObject, values: Record, own: str | None) -> None:
        for field in sobject.fields.values():
            if field.unique and values.get(field.name) is not None:
                others = [
                    row["Id"]
                    for row in self.find(sobject.name, field, values[field.name])
                    if row["Id"] != own
                ]
                if others:
                    message = (
                        f"duplicate value found: {field.name} duplicates value on record with id: {others[0]}"
                    )
                    raise RecordError("DUPLICATE_VALUE", message)

    def _blank(self, sobject: SObject, by: str) -> Record:
        blank: Record = {field.name: schema.read(field, None) for field in sobject.fields.values()}
        now = self._clock()
        return blank | {
            "Id": self._makers[sobject.name](),
            "CreatedDate": now,
            "CreatedById": by,
            "OwnerId": by,
        }

    def _written(self, row: Record, values: Record, by: str, *, created: bool) -> Record:
        now = self._clock()
        row.update(LastModifiedDate=now, SystemModstamp=now, LastModifiedById=by)
        service.derive(self._kinds[row["Id"]], row, by, now)
        if "LastName" in row:
            row["Name"] = " ".join(part for part in (row["FirstName"], row["LastName"]) if part)
        self.writes.append(Write(now, row["Id"], by, deepcopy(values)))
        for field in self.objects[self._kinds[row["Id"]]].fields.values():
            if field.unique and row[field.name] is not None:
                self._unique[self._kinds[row["Id"]], field.name, str(row[field.name]).lower()] = row["Id"]
        self._changed(row, by, created)
        return deepcopy(row)


def _require(sobject: SObject, values: Mapping[str, Any]) -> None:
    missing = [
        field.name for field in sobject.fields.values() if field.required and values.get(field.name) is None
    ]
    if missing:
        message = f"Required fields are missing: [{', '.join(missing)}]"
        raise RecordError("REQUIRED_FIELD_MISSING", message, missing)
