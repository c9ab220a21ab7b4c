"""docs/api.md says what the code does: every scope of a token, and every operation of a run."""

from __future__ import annotations

import re
from pathlib import Path

from connector.access.rights import TOKEN_SCOPES
from connector.web.api import runs

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text("utf-8")


def test_every_scope_stands_in_the_table_and_no_other() -> None:
    table = DOCUMENT.split("| scope | allows |")[1].split("\n\n")[0]
    named = [scope for row in table.splitlines() for scope in re.findall(r"`([a-z:]+)`", row.partition(" | ")[0])]
    assert sorted(named) == sorted(TOKEN_SCOPES)


def test_every_operation_on_runs_is_told() -> None:
    for each in runs.OPERATIONS:
        path = each.path.replace("<run_id>", "{id}")
        assert f"`{each.method} {path}`" in DOCUMENT, f"{each.method} {path}"
