"""Words for a chat tool that call nobody: a customer who writes "@all" must not wake a whole company."""

from __future__ import annotations

import re

_SPLIT = "\u200b"
"""A space of no width: people read what was written, and no tool reads a name."""

_AT = re.compile(r"(?<![\w.+-])@(?=\w)")
"""Before a name; an @ inside an e-mail address, or with a space after it, calls nobody."""

_BRACKET = re.compile(r"<(?=[!@#]|users/|at>)")
"""How Slack (<!channel>, <@U1>), Discord (<@&1>), Google Chat (<users/all>) and Teams (<at>) write it."""


def calls_nobody(text: str) -> str:
    """The same to the eye."""
    return _BRACKET.sub(f"<{_SPLIT}", _AT.sub(f"@{_SPLIT}", text))
