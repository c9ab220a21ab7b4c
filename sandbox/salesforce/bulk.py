"""Bulk API 2.0: jobs that take a CSV of many records, work by themselves, and tell what became of each.

A job is worked on when its upload is closed, and says so from the next time but ``slowness`` it is asked.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, g, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox.salesforce import errors
from sandbox.salesforce.collections import Collections
from sandbox.salesforce.ids import id_maker
from sandbox.salesforce.records import Records
from sandbox.salesforce.schema import SObject, in_json

_BASE = "/services/data/v<version>/jobs/ingest"
_NOTHING = "#N/A"  # empties a field; an empty column leaves it as it is
_AT_ONCE = 200  # records the server takes together

Line = dict[str, str]


@dataclass(slots=True)
class Job:
    """One ingest job. ``asked`` counts how often its state was looked at since it was closed."""

    id: str
    told: dict[str, Any]
    state: str = "Open"
    lines: list[Line] = field(default_factory=list)
    columns: Sequence[str] = ()
    results: list[tuple[Line, dict[str, Any]]] = field(default_factory=list)
    asked: int = 0

    def part(self, *, success: bool) -> list[tuple[Line, dict[str, Any]]]:
        return [(line, result) for line, result in self.results if result["success"] is success]


class Jobs:
    """The jobs of the organisation. ``slowness``: how often a closed job still says that it is in progress."""

    def __init__(self, records: Records, collections: Collections, clock: Any) -> None:
        self.slowness = 1
        self.all: dict[str, Job] = {}
        self._records, self._collections, self._clock = records, collections, clock
        self._make = id_maker("750")

    def create(self, given: Any, by: str, version: str) -> Job:
        """Raises 400 for what Salesforce does not take."""
        operation, kind = given.get("operation"), self._records.sobject(str(given.get("object")))
        if operation not in ("insert", "update", "upsert"):
            raise errors.api_error(400, "INVALIDJOB", f"InvalidJob : operation {operation} is not supported")
        if operation == "upsert":
            self._collections.key(kind.name, str(given.get("externalIdFieldName")))
        job_id = self._make()
        told = {
            "operation": operation, "object": kind.name, "createdById": by, "createdDate": in_json(self._clock()),
            "systemModstamp": in_json(self._clock()), "concurrencyMode": "Parallel", "contentType": "CSV",
            "apiVersion": float(version), "contentUrl": f"services/data/v{version}/jobs/ingest/{job_id}/batches",
            "lineEnding": given.get("lineEnding", "LF"), "columnDelimiter": "COMMA",
        }  # fmt: skip
        if operation == "upsert":
            told["externalIdFieldName"] = given["externalIdFieldName"]
        self.all[job_id] = Job(job_id, told)
        return self.all[job_id]

    def get(self, job_id: str) -> Job:
        """Raises 404."""
        if job_id not in self.all:
            raise errors.not_found()
        return self.all[job_id]

    def upload(self, job: Job, text: str) -> None:
        """Raises 400 when the job takes nothing more."""
        if job.state != "Open" or job.lines:
            raise errors.api_error(400, "INVALIDJOBSTATE", "InvalidJobState : the job takes no upload")
        reader = csv.DictReader(io.StringIO(text))
        job.lines, job.columns = list(reader), tuple(reader.fieldnames or ())

    def close(self, job: Job, state: str, by: str) -> None:
        """UploadComplete begins the work; Aborted ends it."""
        if job.state != "Open":
            raise errors.api_error(400, "INVALIDJOBSTATE", "InvalidJobState : the job is closed")
        job.state = state
        if state == "UploadComplete" and (unknown := self._unknown(job)):
            job.state = "Failed"
            job.told["errorMessage"] = f"InvalidBatch : Field name not found : {unknown}"
        elif state == "UploadComplete":
            job.results = list(self._work(job, by))

    def _unknown(self, job: Job) -> str:
        """The first column that is no field, or one that the caller does not see: then no row is looked at."""
        kind = self._records.sobject(job.told["object"])
        known = ((name, kind.field(name)) for name in job.columns)
        return next((n for n, each in known if each is None or not self._records.seen(kind.name, each.name)), "")

    def look(self, job: Job) -> str:
        """The state, which moves on by being looked at."""
        if job.state in ("UploadComplete", "InProgress"):
            job.asked += 1
            job.state = "JobComplete" if job.asked > self.slowness else "InProgress"
        return job.state

    def _work(self, job: Job, by: str) -> Iterator[tuple[Line, dict[str, Any]]]:
        kind = self._records.sobject(job.told["object"])
        for start in range(0, len(job.lines), _AT_ONCE):
            part = job.lines[start : start + _AT_ONCE]
            given = {"records": [{"attributes": {"type": kind.name}, **_values(kind, line)} for line in part]}
            yield from zip(part, self._together(job, kind.name, given, by), strict=True)

    def _together(self, job: Job, kind: str, given: Any, by: str) -> list[dict[str, Any]]:
        if job.told["operation"] == "upsert":
            return self._collections.upsert(given, kind, job.told["externalIdFieldName"], by)
        return (self._collections.update if job.told["operation"] == "update" else self._collections.create)(given, by)


def _values(kind: SObject, line: Line) -> dict[str, Any]:
    return {name: _value(kind, name, text) for name, text in line.items() if text}


def _value(kind: SObject, name: str, text: str) -> Any:
    known = kind.field(name)
    if text == _NOTHING:
        return None
    return float(text) if known is not None and known.kind == "double" else text


def bulk_routes(blueprint: Blueprint, jobs: Jobs) -> None:
    """Add /jobs/ingest."""

    @blueprint.post(_BASE)
    @blueprint.post(f"{_BASE}/")
    def create_job(version: str) -> Response:
        return jsonify(_told(jobs.create(request.get_json(force=True), g.user_id, version)))

    @blueprint.put(f"{_BASE}/<job_id>/batches")
    def upload_rows(version: str, job_id: str) -> ResponseReturnValue:
        jobs.upload(jobs.get(job_id), request.get_data(as_text=True))
        return "", 201

    @blueprint.patch(f"{_BASE}/<job_id>")
    def close_job(version: str, job_id: str) -> Response:
        job = jobs.get(job_id)
        jobs.close(job, str(request.get_json(force=True).get("state")), g.user_id)
        return jsonify(_told(job))

    @blueprint.get(f"{_BASE}/<job_id>")
    def look_at_job(version: str, job_id: str) -> Response:
        job = jobs.get(job_id)
        jobs.look(job)
        failed = len(job.part(success=False))
        counted = {"jobType": "V2Ingest", "retries": 0, "totalProcessingTime": 1, "apiActiveProcessingTime": 1,
                   "apexProcessingTime": 0, "numberRecordsProcessed": len(job.results),
                   "numberRecordsFailed": failed}  # fmt: skip
        return jsonify({**_told(job), **counted})

    @blueprint.get(f"{_BASE}/<job_id>/successfulResults")
    def successful_rows(version: str, job_id: str) -> Response:
        job = jobs.get(job_id)
        rows = [{"sf__Id": r["id"], "sf__Created": str(bool(r.get("created"))).lower(), **line}
                for line, r in job.part(success=True)]  # fmt: skip
        return _csv(["sf__Id", "sf__Created", *job.columns], rows)

    @blueprint.get(f"{_BASE}/<job_id>/failedResults")
    def failed_rows(version: str, job_id: str) -> Response:
        job = jobs.get(job_id)
        rows = [{"sf__Id": "", "sf__Error": _error(r["errors"][0]), **line} for line, r in job.part(success=False)]
        return _csv(["sf__Id", "sf__Error", *job.columns], rows)

    @blueprint.get(f"{_BASE}/<job_id>/unprocessedrecords")
    def unprocessed_rows(version: str, job_id: str) -> Response:
        job = jobs.get(job_id)
        return _csv(job.columns, job.lines if job.state == "Failed" else [])


def _told(job: Job) -> dict[str, Any]:
    return {"id": job.id, **job.told, "state": job.state}


def _error(problem: dict[str, Any]) -> str:
    return f"{problem['statusCode']}:{problem['message']}:{' '.join(problem['fields'])} --"


def _csv(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> Response:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return Response(text.getvalue(), mimetype="text/csv")
