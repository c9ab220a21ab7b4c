"""/services/data/vNN.0: records one by one, by external id, in collections, by query, and what changed when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, g, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox.clock import parse
from sandbox.salesforce import errors, related, soql
from sandbox.salesforce.collections import Work
from sandbox.salesforce.org import Org
from sandbox.salesforce.records import Record
from sandbox.salesforce.schema import Field, SObject, in_json

_BASE = "/services/data/v<version>"
_PAGE = 2000
_TYPES = {"email": "email", "textarea": "textarea", "phone": "phone", "url": "url", "id": "id"}


def record_routes(blueprint: Blueprint, org: Org) -> None:
    """Add the routes of records."""
    _changes(blueprint, org)  # before single records: "updated" looks like an id
    _one(blueprint, org)
    _upsert(blueprint, org)
    _collections(blueprint, org)
    _queries(blueprint, org)


def shown(version: str, kind: str, row: Record, fields: Sequence[str] | None = None) -> Record:
    """A record as REST shows it; all its fields unless some are named."""
    attributes = {"type": kind, "url": f"/services/data/v{version}/sobjects/{kind}/{row['Id']}"}
    names = list(row) if fields is None else fields
    return {"attributes": attributes, **{name: in_json(row[name]) for name in names}}


def _one(blueprint: Blueprint, org: Org) -> None:
    records = org.records

    @blueprint.post(f"{_BASE}/sobjects/<kind>")
    @blueprint.post(f"{_BASE}/sobjects/<kind>/")
    def create(version: str, kind: str) -> ResponseReturnValue:
        row = records.create(kind, request.get_json(force=True), g.user_id)
        return jsonify(id=row["Id"], success=True, errors=[]), 201

    @blueprint.get(f"{_BASE}/sobjects/<kind>/<record_id>")
    def read(version: str, kind: str, record_id: str) -> Response:
        sobject = _seen(org, kind)
        row = records.get(sobject.name, record_id)
        asked = request.args.get("fields")
        names = [_named(sobject, name) for name in asked.split(",")] if asked else _names(sobject)
        return jsonify(
            shown(version, sobject.name, row, ["Id", *names] if names and "Id" not in names else names)
        )

    @blueprint.patch(f"{_BASE}/sobjects/<kind>/<record_id>")
    def update(version: str, kind: str, record_id: str) -> ResponseReturnValue:
        given = request.get_json(force=True)
        user_id = g.user_id
        org.collections.one(Work(kind, record_id, lambda: records.update(kind, record_id, given, user_id), given))
        return "", 204

    @blueprint.delete(f"{_BASE}/sobjects/<kind>/<record_id>")
    def delete(version: str, kind: str, record_id: str) -> ResponseReturnValue:
        records.delete(kind, record_id, g.user_id)
        return "", 204

    @blueprint.get(f"{_BASE}/sobjects/<kind>/describe")
    def describe(version: str, kind: str) -> Response:
        sobject = _seen(org, kind)
        fields = [_described(field) for field in sobject.fields.values()]
        return jsonify(
            name=sobject.name, keyPrefix=sobject.prefix, updateable=True, createable=True, fields=fields
        )


def _seen(org: Org, kind: str) -> SObject:
    """The object as the asking user sees it. Raises 404."""
    found = org.visible(g.user_id).get(kind.lower())
    if found is None or found.name not in org.records.objects:
        raise errors.not_found()
    return found


def _names(sobject: SObject) -> list[str]:
    return [field.name for field in sobject.fields.values()]


def _named(sobject: SObject, name: str) -> str:
    field = sobject.field(name.strip())
    if field is None:
        raise errors.no_such_column(name.strip(), sobject.name)
    return field.name


def _described(field: Field) -> Record:
    return {
        "name": field.name,
        "label": field.label,
        "type": _TYPES.get(field.kind, field.kind),
        "length": field.length if field.kind in ("string", "textarea", "email", "phone", "url") else 0,
        "custom": field.name.endswith("__c"),
        "createable": field.writable,
        "updateable": field.writable,
        "nillable": not field.required,
        "externalId": field.key and field.unique,
        "idLookup": field.key,
        "unique": field.unique,
    }


def _upsert(blueprint: Blueprint, org: Org) -> None:
    records = org.records

    @blueprint.patch(f"{_BASE}/sobjects/<kind>/<field>/<path:value>")
    def upsert(version: str, kind: str, field: str, value: str) -> ResponseReturnValue:
        name = org.collections.key(kind, field)
        found = records.find(records.sobject(kind).name, records.sobject(kind).fields[name.lower()], value)
        if len(found) > 1:
            return jsonify([f"/services/data/v{version}/sobjects/{kind}/{row['Id']}" for row in found]), 300
        given, user_id = request.get_json(force=True), g.user_id
        if not found:
            row = records.create(kind, {**given, name: value}, user_id)
            return jsonify(id=row["Id"], success=True, errors=[], created=True), 201
        record_id = found[0]["Id"]
        org.collections.one(Work(kind, record_id, lambda: records.update(kind, record_id, given, user_id), given))
        return jsonify(id=record_id, success=True, errors=[], created=False), 200

    @blueprint.get(f"{_BASE}/sobjects/<kind>/<field>/<path:value>")
    def read_by_key(version: str, kind: str, field: str, value: str) -> ResponseReturnValue:
        name = org.collections.key(kind, field)
        found = records.find(records.sobject(kind).name, records.sobject(kind).fields[name.lower()], value)
        if not found:
            raise errors.not_found()
        if len(found) > 1:
            return jsonify([f"/services/data/v{version}/sobjects/{kind}/{row['Id']}" for row in found]), 300
        seen = _seen(org, kind)
        return jsonify(shown(version, seen.name, found[0], _names(seen)))


def _collections(blueprint: Blueprint, org: Org) -> None:
    @blueprint.patch(f"{_BASE}/composite/sobjects")
    def update_many(version: str) -> Response:
        return jsonify(org.collections.update(request.get_json(force=True), g.user_id))

    @blueprint.post(f"{_BASE}/composite/sobjects")
    def create_many(version: str) -> Response:
        return jsonify(org.collections.create(request.get_json(force=True), g.user_id))

    @blueprint.patch(f"{_BASE}/composite/sobjects/<kind>/<field>")
    def upsert_many(version: str, kind: str, field: str) -> Response:
        return jsonify(org.collections.upsert(request.get_json(force=True), kind, field, g.user_id))


def _queries(blueprint: Blueprint, org: Org) -> None:
    known: dict[str, tuple[soql.Query, list[Record]]] = {}  # results that did not fit one page

    @blueprint.get(f"{_BASE}/query")
    @blueprint.get(f"{_BASE}/query/")
    def query(version: str) -> Response:
        return _ask(version, deleted=False)

    @blueprint.get(f"{_BASE}/queryAll")
    @blueprint.get(f"{_BASE}/queryAll/")
    def query_all(version: str) -> Response:
        return _ask(version, deleted=True)

    @blueprint.get(f"{_BASE}/query/<locator>")
    def more(version: str, locator: str) -> Response:
        name, _, start = locator.rpartition("-")
        if name not in known or not start.isdigit():
            raise errors.api_error(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return _answer(version, name, int(start))

    def _ask(version: str, *, deleted: bool) -> Response:
        objects = org.visible(g.user_id)
        asked = soql.parse(request.args.get("q", ""), lambda name: objects.get(name.lower()))
        rows = soql.run(asked, org.rows(asked.sobject.name, deleted=deleted))
        if asked.fields is None:
            return jsonify(totalSize=len(rows), done=True, records=[])
        name = f"01g{len(known):012d}"
        known[name] = asked, rows
        return _answer(version, name, 0)

    def _shown_with_related(version: str, asked: soql.Query, row: Record) -> Record:
        paths = asked.fields or ()
        plain = shown(version, asked.sobject.name, row, [path for path in paths if "." not in path])
        return plain | related.nested(row, asked.sobject, paths, org.records.objects.get, org.records.any, version)

    def _answer(version: str, name: str, start: int) -> Response:
        asked, rows = known[name]
        end = start + _PAGE
        done = end >= len(rows)
        page = [_shown_with_related(version, asked, row) for row in rows[start:end]]
        link = {} if done else {"nextRecordsUrl": f"/services/data/v{version}/query/{name}-{end}"}
        if done:
            del known[name]
        return jsonify({"totalSize": len(rows), "done": done, **link, "records": page})


def _changes(blueprint: Blueprint, org: Org) -> None:
    records = org.records

    @blueprint.get(f"{_BASE}/sobjects/<kind>/updated")
    @blueprint.get(f"{_BASE}/sobjects/<kind>/updated/")
    def updated(version: str, kind: str) -> Response:
        start, end = _span(org.clock(), timedelta(days=30))
        rows = records.all(records.sobject(kind).name)
        ids = [row["Id"] for row in rows if start <= row["SystemModstamp"] < end]
        return jsonify(ids=ids, latestDateCovered=in_json(min(end, org.clock())))

    @blueprint.get(f"{_BASE}/sobjects/<kind>/deleted")
    @blueprint.get(f"{_BASE}/sobjects/<kind>/deleted/")
    def deleted(version: str, kind: str) -> Response:
        start, end = _span(org.clock(), timedelta(days=15))
        rows = [row for row in records.all(records.sobject(kind).name, deleted=True) if row["IsDeleted"]]
        gone: list[Any] = [
            {"id": row["Id"], "deletedDate": in_json(row["SystemModstamp"])}
            for row in rows
            if start <= row["SystemModstamp"] < end
        ]
        earliest = in_json(org.clock() - timedelta(days=15))
        latest = in_json(min(end, org.clock()))
        return jsonify(deletedRecords=gone, earliestDateAvailable=earliest, latestDateCovered=latest)


def _span(now: datetime, reach: timedelta) -> tuple[datetime, datetime]:
    """start and end of the question. Raises 400 when they are unreadable, upside down or too long ago."""
    try:
        start, end = parse(request.args.get("start", "")), parse(request.args.get("end", ""))
    except ValueError:
        raise errors.api_error(400, "INVALID_FIELD", "start and end must be dates with a time") from None
    if start >= end:
        raise errors.api_error(400, "INVALID_REPLICATION_DATE", "startDate must be before endDate")
    if now - start > reach:
        raise errors.api_error(
            400, "INVALID_REPLICATION_DATE", f"startDate cannot be more than {reach.days} days ago"
        )
    return start, end
