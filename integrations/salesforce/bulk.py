"""Bulk API 2.0: many records as one job that Salesforce works on by itself.

Source: Salesforce's Bulk API 2.0 guide, with which requests and answers were compared: "Create a Job"
(operation, object, externalIdFieldName, contentType, lineEnding), "Upload Job Data" (PUT …/batches, 201), "Upload
Complete" (PATCH with state), "Get Job Info" (the states), "Get Job Successful / Failed / Unprocessed Record Results"
(CSV with sf__Id, sf__Created, sf__Error before our own columns) and "Valid CSV Record Rows" (#N/A empties a field, an
empty one is left alone).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from integrations.errors import IntegrationError, Transient
from integrations.http import VendorSession
from integrations.protocols import CrmRow
from integrations.salesforce import mapping
from integrations.salesforce.record_ids import record_id

_NOTHING = "#N/A"  # empties a field; an empty column leaves the field as it is
UPLOAD_LIMIT = 90_000_000  # bytes; Salesforce advises 100 MB at most, as it keeps them half as long again
_AROUND = 8  # bytes that quotes and commas take around a value
_ENDED_BADLY = ("Failed", "Aborted")


class Ingest:
    """Jobs of one org. ``base`` is the API's path up to its version."""

    def __init__(self, session: VendorSession, base: str) -> None:
        self._session, self._jobs = session, f"{base}/jobs/ingest"

    def start(self, rows: Sequence[CrmRow]) -> str:
        """Three calls, however many rows of one object: create, upload, close. → the job's id

        Rows beyond what an upload may hold are left out: ``finished`` says nothing of them, so they come again.
        """
        first = rows[0]
        job: dict[str, Any] = {"object": first.sobject, "contentType": "CSV", "lineEnding": "LF"}
        job |= {"operation": "upsert", "externalIdFieldName": first.by} if first.by else {"operation": "update"}
        job_id = record_id("job", self._session.post(self._jobs, json=job).json()["id"])
        content = _csv(_fitting(rows)).encode()
        headers = {"Content-Type": "text/csv; charset=UTF-8"}
        self._session.put(f"{self._jobs}/{job_id}/batches", data=content, headers=headers)
        self._session.patch(f"{self._jobs}/{job_id}", json={"state": "UploadComplete"})
        return job_id

    def finished(self, job: str) -> Mapping[str, IntegrationError | None] | None:
        """What became of the rows, by key; None while Salesforce is at work. Rows that it never came to are
        Transient, as are all of a job that failed as a whole."""
        place = f"{self._jobs}/{record_id('job', job)}"
        info = self._session.get(place).json()
        if info["state"] not in ("JobComplete", *_ENDED_BADLY):
            return None
        key = str(info.get("externalIdFieldName") or "Id")
        done = {line[key]: None for line in self._lines(f"{place}/successfulResults")}
        failed = {line[key]: _error(line["sf__Error"]) for line in self._lines(f"{place}/failedResults")}
        left = {line[key]: _unprocessed(info) for line in self._lines(f"{place}/unprocessedrecords")}
        return {**left, **failed, **done}

    def _lines(self, path: str) -> list[dict[str, str]]:
        text = self._session.request("GET", path, as_text=True, headers={"Accept": "text/csv"}).text
        return list(csv.DictReader(io.StringIO(text)))


def _fitting(rows: Sequence[CrmRow]) -> Sequence[CrmRow]:
    """As many of the first rows as an upload may hold; always one."""
    size = 0
    for place, row in enumerate(rows):
        size += len(row.key) + sum(len(str(value).encode()) + _AROUND for value in row.values.values())
        if size > UPLOAD_LIMIT and place:
            return rows[:place]
    return rows


def _csv(rows: Sequence[CrmRow]) -> str:
    """A line per row; a column that a row does not have is left empty, which leaves the field alone."""
    key = rows[0].by or "Id"
    columns = [key, *dict.fromkeys(name for row in rows for name in row.values)]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows({key: row.key, **{name: _cell(value) for name, value in row.values.items()}} for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    return _NOTHING if value is None else value


def _error(text: str) -> IntegrationError:
    """``CODE:message:fields --``"""
    code, _, rest = text.partition(":")
    fields = rest.rpartition(":")[2].removesuffix("--").split()
    return mapping.refused(code, fields)


def _unprocessed(info: Mapping[str, Any]) -> IntegrationError:
    return Transient(f"Salesforce's job ended as {info['state']} before it came to this record", code="unprocessed")
