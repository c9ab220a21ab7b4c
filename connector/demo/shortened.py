"""The built-in workflows with their hours shortened to seconds: the one thing in which the demo differs.

Those for a Salesforce that keeps every answer stay out: the demo's shows the newest, by ``score-writeback``.

The library's own files are read and two kinds of values changed: each pause of one hour or half a minute, and the
pauses between tries. Everything else, conditions, texts, due times and the waits of days, stays as it is delivered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflows import schema
from workflows.library import load_library

HOUR, INSTEAD = "1 hour", "5 seconds"
QUICK_RETRY: Mapping[str, Any] = {"attempts": 30, "first": "1 second", "longest": "3 seconds"}
_PAUSES = ("delay", "timeout", "wait")
_SHORTER = {HOUR: INSTEAD, "30 seconds": "2 seconds"}
_NOT_HERE = ("answers-in-salesforce", "loop-in-salesforce")


def library() -> Mapping[str, str]:
    """Slug → YAML of each built-in workflow, shortened."""
    return {slug: shortened(workflow) for slug, workflow in load_library().items() if slug not in _NOT_HERE}


def shortened(workflow: Any) -> str:
    """The YAML of one ``Workflow``, shortened."""
    return schema.dump(schema.from_dict(_quick(schema.to_dict(workflow)), workflow.slug))


def _quick(part: Any) -> Any:
    """The same structure with short pauses, at any depth."""
    if isinstance(part, list):
        return [_quick(each) for each in part]
    if not isinstance(part, Mapping):
        return part
    changed = {key: _shorter(value) if key in _PAUSES else _quick(value) for key, value in part.items()}
    return {**changed, "retry": dict(QUICK_RETRY)} if "do" in changed else changed


def _shorter(pause: Any) -> Any:
    """A pause of a step ("wait: 1 hour"), or what a wait expects and for how long at most."""
    return _SHORTER.get(pause, pause) if isinstance(pause, str) else _quick(pause)
