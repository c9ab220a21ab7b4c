"""JSON as it is stored: fast for what fits 64 bits and Unicode, exact for the rest."""

from __future__ import annotations

import json
from typing import Any

import orjson

_PLAIN = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


def dumps(value: Any) -> str:
    """The text of plain JSON values.

    Events may hold what orjson refuses (whole numbers beyond 64 bits, half of a surrogate pair): those go the slow way.
    Raises TypeError for what is no JSON, as a datetime.
    """
    try:
        return orjson.dumps(value, option=_PLAIN).decode()
    except TypeError:
        return json.dumps(value)
