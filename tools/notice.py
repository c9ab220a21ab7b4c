"""NOTICE: what others wrote and npm brings, by the lock: name, version, licence, and what it is used for.

``python -m tools.notice`` writes it anew.
"""

from __future__ import annotations

import json
from pathlib import Path

from tools.npm_files import ROOT

_HEAD = """\
Ringback is licensed under GPL-3.0-or-later (see LICENSE). Beside the Python packages that setup.cfg names, it uses
these packages of npm. None of them is in the repository: package-lock.json names each with the digest of its content,
and tools/npm_files.py brings them.
"""
_UNTOLD = {"zendesk_app_framework_sdk": "Apache-2.0"}
"""Licences that a package keeps in its LICENSE file alone."""


def text(root: Path = ROOT) -> str:
    """What NOTICE should say now."""
    lock = json.loads((root / "package-lock.json").read_text("utf-8"))["packages"]
    lines = [_line(place.removeprefix("node_modules/"), line) for place, line in lock.items() if place]
    return f"{_HEAD}\n" + "".join(lines)


def _line(name: str, line: dict[str, str]) -> str:
    licence = line.get("license") or _UNTOLD[name]
    use = "in the tests alone" if line.get("dev") else "in the admin pages, and in the wheel"
    return f"{name} {line['version']}\n    {licence}; used {use}\n"


if __name__ == "__main__":
    (ROOT / "NOTICE").write_text(text(), "utf-8")
