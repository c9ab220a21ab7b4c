"""Rows as files, before they go: one line of JSON each, compressed, readable by every tool without Ringback.

    {"table": "runs", "row": {"id": "01k...", "workflow": "support-recovery", ...}}

Times are RFC 3339 in UTC; bytes are base64.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from connector.storage.engine import private_files

Rows = Iterable[tuple[str, Mapping[str, Any]]]
"""(table, row) each."""


def write(folder: Path, name: str, rows: Rows) -> Path:
    """Store rows durably in a file of their own below ``folder``. → the file. Raises OSError.

    The file's name is made from what it holds: the same rows again are the same file, and no file is ever written over
    with other rows, whoever else archives at the same time. It appears whole or not at all.
    """
    text = "".join(f"{_line(table, row)}\n" for table, row in rows).encode()
    folder = folder / name
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / f"{name}-{hashlib.sha256(text).hexdigest()[:24]}.jsonl.gz"
    _put(file, gzip.compress(text, mtime=0))
    return file


def _put(file: Path, content: bytes) -> None:
    draft = file.with_suffix(f".{os.getpid()}.part")
    with open(private_files.create(draft), "wb") as opened:  # people's words are in it
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    draft.replace(file)
    _keep_name(file.parent)


def _keep_name(folder: Path) -> None:
    """A rename is durable when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _line(table: str, row: Mapping[str, Any]) -> str:
    return json.dumps({"table": table, "row": dict(row)}, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    raise TypeError(f"no JSON for {type(value).__name__}")
