"""One way to call something on this machine: bounded in time, and never through somebody's proxy."""

from __future__ import annotations

from typing import Any

import requests

PATIENCE = 5  # seconds


def session() -> requests.Session:
    """A session that ignores the environment's proxies; close it."""
    made = requests.Session()
    made.trust_env = False
    return made


def call(method: str, address: str, **given: Any) -> requests.Response:
    """One request. Raises ``requests.HTTPError`` for 4xx and 5xx, and what else requests raises."""
    with session() as opened:
        answer = opened.request(method, address, timeout=PATIENCE, **given)
    answer.raise_for_status()
    return answer
