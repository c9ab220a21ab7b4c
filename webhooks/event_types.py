"""The names of event types: lower-case words with dots between ("order.delivered")."""

from __future__ import annotations

import re

_EVENT_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", re.ASCII)
_LONGEST = 100  # characters


def is_event_type(name: object) -> bool:
    """Whether ``name`` can be an event type, known to us or not."""
    return isinstance(name, str) and len(name) <= _LONGEST and _EVENT_TYPE.fullmatch(name) is not None
