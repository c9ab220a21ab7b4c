"""What a browser says of itself, in the few words that people know it by."""

from __future__ import annotations

import re

_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Version", "Safari"))
_SYSTEMS = {
    "iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "Mac OS X": "macOS",
    "CrOS": "ChromeOS", "Linux": "Linux",
}  # fmt: skip


def in_short(agent: str) -> str:
    """"Firefox 140, Windows"; what is no browser as it calls itself, shortened."""
    for mark, name in _BROWSERS:
        found = re.search(rf"{mark}/(\d+)", agent)
        if found:
            system = next((words for sign, words in _SYSTEMS.items() if sign in agent), "")
            return f"{name} {found[1]}, {system}".rstrip(", ")
    return agent[:40]
