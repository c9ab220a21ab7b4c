"""Evidence that others recorded, kept beside the project. A test that needs it is skipped, visibly, without it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


def oracle_path(relative: str) -> Path:
    """The path of one piece of evidence, as "zendesk/webhooks/docs.ticket.created.json"."""
    folder = SHARED / "oracles"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here: this test compares with evidence that the project does not ship")
    return folder / relative


def field_path(name: str) -> Path:
    """The path of an input that people met in the field, with the value that is right for it."""
    folder = SHARED / "field"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here: this test compares with inputs that the project does not ship")
    return folder / name


def field_input(name: str) -> dict[str, Any]:
    """The same, read."""
    found: dict[str, Any] = json.loads(field_path(name).read_text())
    return found
