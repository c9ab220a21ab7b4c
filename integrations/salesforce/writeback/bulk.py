"""Bulk API 2.0: many records as one job that Salesforce works on by itself.

Source: Salesforce's Bulk API 2.0 guide, with which requests and answers were compared: "Create a Job"
(operation, object, externalIdFieldName, contentType, lineEnding), "Upload Job Data" (PUT …/batches, 201), "Upload
Complete" (PATCH with state), "Get Job Info" (the states), "Get Job Successful / Failed / Unprocessed Record Results"
(CSV with sf__Id, sf__Created, sf__Error before our own columns), "Errors", and "Prepare CSV Files" (#N/A empties a
field, an empty one is left alone; what holds a quote, separator or line end stands in quotes, a quote in it doubled).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
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
_NO_TEXT = dict.fromkeys(map(ord, "\0\ufeff"))  # no database keeps the one; the other is a mark of files, not of texts


class Ingest:
    """Jobs of one org. ``base`` is the API's path up to its version."""

    def __init__(self, session: VendorSession, base: str) -> None:
        self._session, self._jobs = session, f"{base}/jobs/ingest"

    def start(self, rows: Sequence[CrmRow]) -> str:
        """Three calls, however many rows of one object: create, upload, close. → the job's id

        Rows beyond what an upload may hold are left out: ``finished`` says nothing of them, so they come again.
        """
        first = rows[0]
        job: dict[str, Any] = {"object": first.object, "contentType": "CSV", "lineEnding": "LF"}
        job |= {"operation": "upsert", "externalIdFieldName": first.by} if first.by else {"operation": "update"}
        job_id = record_id("job", self._session.post(self._jobs, json=job).json()["id"])
        content = _csv(_fitting(rows)).encode("utf-8", "replace")  # a lone surrogate costs its character, not the job
        headers = {"Content-Type": "text/csv; charset=UTF-8"}
        self._session.put(f"{self._jobs}/{job_id}/batches", data=content, headers=headers)
        self._session.patch(f"{self._jobs}/{job_id}", json={"state": "UploadComplete"})
        return job_id

    def finished(self, job: str) -> Mapping[str, IntegrationError | None] | None:
        """What became of the rows, by key; None while Salesforce is at work. Rows that it never came to are Transient.

        A row whose result cannot be read is left out, as one that was never sent. Raises Permanent when the job failed
        as a whole for a reason that lasts.
        """
        place = f"{self._jobs}/{record_id('job', job)}"
        info = self._session.get(place).json()
        if info["state"] not in ("JobComplete", *_ENDED_BADLY):
            return None
        key = str(info.get("externalIdFieldName") or "Id")
        done = {line[key]: None for line in self._lines(f"{place}/successfulResults", key)}
        failed = {line[key]: _error(line.get("sf__Error", "")) for line in self._lines(f"{place}/failedResults", key)}
        left = {line[key]: _unprocessed(info) for line in self._lines(f"{place}/unprocessedrecords", key)}
        if (lasting := _lasting(info)) is None:
            return {**left, **failed, **done}
        if not done and not failed:
            raise lasting
        return {**dict.fromkeys(left, lasting), **failed, **done}

    def _lines(self, path: str, key: str) -> Iterator[dict[str, str]]:
        response = self._session.request("GET", path, as_text=True, headers={"Accept": "text/csv"})
        return _read(response.content.decode("utf-8-sig", "replace"), key)


def _fitting(rows: Sequence[CrmRow]) -> Sequence[CrmRow]:
    """As many of the first rows as an upload may hold; always one."""
    size = 0
    for place, row in enumerate(rows):
        texts = (str(value).encode("utf-8", "replace") for value in row.values.values())
        size += len(row.key) + sum(len(text) + _AROUND for text in texts)
        if size > UPLOAD_LIMIT and place:
            return rows[:place]
    return rows


def _csv(rows: Sequence[CrmRow]) -> str:
    """A line per row; a column that a row does not have is left empty, which leaves the field alone.

    Written by hand: the standard library leaves a lone carriage return without quotes before Python 3.11.9 and 3.12.3.
    """
    key = rows[0].by or "Id"
    columns = [key, *dict.fromkeys(name for row in rows for name in row.values if name != key)]
    lines = ([row.key, *(_cell(row.values.get(name, "")) for name in columns[1:])] for row in rows)
    return "".join(",".join(map(_quoted, line)) + "\n" for line in (columns, *lines))


def _cell(value: Any) -> str:
    """``value`` as a cell holds it. A text that happens to be the sign for nothing is told in quotation marks."""
    if value is None:
        return _NOTHING
    text = str(value).translate(_NO_TEXT)
    return f'"{text}"' if text.strip().upper() == _NOTHING else text


def _quoted(text: str) -> str:
    plain = text and text.isprintable() and text.strip() == text and '"' not in text and "," not in text
    return text if plain or not text else '"' + text.replace('"', '""') + '"'


def _read(text: str, key: str) -> Iterator[dict[str, str]]:
    """The rows of a table of results, by column; one that is none, or lacks its ``key``, costs only itself."""
    rows = csv.reader(io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n")))
    columns = next(rows, [])
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            continue
        if len(row) == len(columns) and key in columns and row[columns.index(key)]:
            yield dict(zip(columns, row, strict=True))


def _error(text: str) -> IntegrationError:
    """``CODE:message:fields --``"""
    code, _, rest = text.partition(":")
    message, _, last = rest.rpartition(":")
    fields = last.removesuffix("--").split() if last.endswith("--") else []
    return mapping.refused(code.strip(), fields, message or rest)


def _lasting(info: Mapping[str, Any]) -> IntegrationError | None:
    """Why a job failed as a whole, if another one would fail likewise."""
    told = str(info.get("errorMessage") or "") if info["state"] in _ENDED_BADLY else ""
    return mapping.job_refused(told)


def _unprocessed(info: Mapping[str, Any]) -> IntegrationError:
    return Transient(f"Salesforce's job ended as {info['state']} before it came to this record", code="unprocessed")
