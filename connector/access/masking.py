"""Personal data for those who may not see it: nothing of it leaves the house, only that there is something."""

from __future__ import annotations

from typing import Any, TypeVar

from connector.access.rights import PERSONAL, Holder, may

HIDDEN = "•••"
"""Stands where something personal would. No first letter and no domain: in a small team those are names."""

_Value = TypeVar("_Value")


def shown(holder: Holder, value: _Value) -> _Value | Any:
    """A name, address, number, comment, or a JSON value full of them, as this holder may see it."""
    return value if may(holder, PERSONAL) else hidden(value)


def hidden(value: Any) -> Any:
    """The same kind of value with nothing in it: texts become dots, objects and lists empty. What is empty stays, so
    that "no number is known" can still be told."""
    if value is None or value in ("", [], {}):
        return value
    if isinstance(value, dict):
        return {}
    return [] if isinstance(value, list | tuple) else HIDDEN
