"""The built-in workflows with their hours shortened to seconds: the one thing in which the demo differs.

The library's own files are read and two kinds of values changed: each pause of one hour, and the pauses
between tries. Everything else, conditions, texts, due times and the waits of days, stays as it is delivered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflows import schema
from workflows.library import load_library

HOUR, INSTEAD = "1 hour", "5 seconds"
QUICK_RETRY: Mapping[str, Any] = {"attempts": 30, "first": "1 second", "longest": "3 seconds"}
_PAUSES = ("delay", "timeout")


def library() -> Mapping[str, str]:
    """Slug → YAML of each built-in workflow, shortened."""
    return {slug: shortened(workflow) for slug, workflow in load_library().items()}


def shortened(workflow: Any) -> str:
    """The YAML of one ``Workflow``, shortened."""
    return schema.dump(schema.from_dict(_quick(schema.to_dict(workflow)), workflow.slug))


def _quick(part: Any) -> Any:
    """The same structure with short pauses, at any depth."""
    if isinstance(part, list):
        return [_quick(each) for each in part]
    if not isinstance(part, Mapping):
        return part
    changed = {
        key: INSTEAD if key in _PAUSES and value == HOUR else _quick(value) for key, value in part.items()
    }
    return {**changed, "retry": dict(QUICK_RETRY)} if "do" in changed else changed
