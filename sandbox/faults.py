"""Programmed failures: what the next requests of a kind get instead of, or after, the real answer."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Effect(StrEnum):
    """What happens to a request that a fault matches."""

    ANSWER = "answer"  # it gets ``status`` and ``body``; nothing happens behind it
    COMMIT_THEN_DROP = "commit-then-drop"  # it is done, and the connection is cut before the answer
    DROP_BEFORE = "drop-before"  # the connection is cut, and nothing happens
    DELAY = "delay"  # it is done, ``delay`` seconds late


@dataclass(frozen=True, slots=True)
class Fault:
    """Applies ``times`` times to requests whose method and path match (``path`` is a regular expression)."""

    path: str
    method: str = ""  # "": any
    times: int = 1
    effect: Effect = Effect.ANSWER
    status: int = 500
    body: Any = ""  # a string is sent as it is, anything else as JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0  # seconds, before the effect

    def matches(self, method: str, path: str) -> bool:
        return self.method.upper() in ("", method) and re.search(self.path, path) is not None


def check_pattern(pattern: str) -> None:
    """Raises ValueError that says what is wrong with a regular expression."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error


def fault_from_json(data: Mapping[str, Any]) -> Fault:
    """Read a fault from the control API. Raises ValueError that names the mistake."""
    unknown = set(data) - set(Fault.__dataclass_fields__)
    if unknown or "path" not in data:
        known = ", ".join(Fault.__dataclass_fields__)
        raise ValueError(f"fault: got {sorted(data)}; give 'path' and any of {known}")
    check_pattern(data["path"])
    default = Effect.ANSWER if "status" in data or not data.get("delay") else Effect.DELAY
    return Fault(**{**data, "effect": Effect(data.get("effect", default))})


class FaultPlan:
    """The faults still to happen, in the order in which they were programmed. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    @property
    def pending(self) -> tuple[Fault, ...]:
        with self._lock:
            return tuple(self._faults)

    def take(self, method: str, path: str) -> Fault | None:
        """The first fault that matches, used up by one."""
        with self._lock:
            for place, fault in enumerate(self._faults):
                if fault.matches(method, path):
                    self._use_up(place, fault)
                    return fault
        return None

    def _use_up(self, place: int, fault: Fault) -> None:
        if fault.times <= 1:
            del self._faults[place]
        else:
            self._faults[place] = replace(fault, times=fault.times - 1)
