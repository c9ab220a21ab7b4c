"""Mistakes in the settings that every connection may have, found without calling anybody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from connector.config.file import ConnectionConfig
from workflows.errors import Mistake

_MOST_SIDE_BY_SIDE = 200


def unknown_kind(each: ConnectionConfig, known: Iterable[str]) -> Mistake:
    """Nobody can make anything of such a connection."""
    path, kinds = f"connections.{each.name}.kind", sorted(known)
    near = get_close_matches(each.kind, kinds, n=1)
    meant = f" Did you mean {near[0]}?" if near else ""
    return Mistake(path, f"{each.kind!r} is not known.{meant}", f"Use one of {', '.join(kinds)}.")


def usual(each: ConnectionConfig) -> Iterator[Mistake]:
    """The rate, and calls side by side."""
    path, rate = f"connections.{each.name}", each.options.get("requests_per_minute")
    if rate is not None and not (isinstance(rate, int | float) and rate > 0):
        yield Mistake(f"{path}.requests_per_minute", f"{rate!r} is no rate.", "Write a number above 0.")
    most = each.options.get("concurrency")
    if most is not None and not (type(most) is int and 1 <= most <= _MOST_SIDE_BY_SIDE):
        said = f"{most!r} is no number of calls."
        yield Mistake(f"{path}.concurrency", said, f"Write a whole number from 1 to {_MOST_SIDE_BY_SIDE}.")
