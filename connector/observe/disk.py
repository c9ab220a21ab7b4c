"""Room on the disk that a SQLite file lies on."""

from __future__ import annotations

import os

from connector.storage.engine.database import Database

LEAST = 32 * 1_048_576
"""Bytes that must be free: the log beside the file alone grows to 80 MB between two checkpoints under load."""


def full(database: Database) -> str:
    """What is wrong, without a full stop; "" while there is room. PostgreSQL looks after its own."""
    file = database.file
    if file is None or not hasattr(os, "statvfs") or not file.parent.is_dir():
        return ""
    found = os.statvfs(file.parent)
    free = found.f_bavail * found.f_frsize
    return f"the disk of {file.name} is full: {free // 1_048_576} MB are free" if free < LEAST else ""
