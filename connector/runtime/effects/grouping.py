"""Which effects go out together: what one thread does, call by call, so never more than one request at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar


class Groupable(Protocol):
    """What is asked of an effect: its action, and the serial it shares with those it must not run beside."""

    @property
    def id(self) -> str: ...

    @property
    def action(self) -> str: ...

    @property
    def serial(self) -> str | None: ...


G = TypeVar("G", bound=Groupable)

Grouping = Callable[[Sequence[G]], list[list[G]]]


def grouped(found: Iterable[G], batch: Callable[[str], int]) -> list[list[G]]:
    """Effects of one action, as many as its handler takes at once (``batch``), or those of one serial; in the order of
    the first of each. A serial is never split, and goes by the order of ids."""
    groups: list[list[G]] = []
    growing: dict[str, list[G]] = {}  # by action: the last group, if it is of this action alone
    for together in _by_serial(found):
        action = together[0].action
        group = growing.get(action)
        if len({each.action for each in together}) > 1:
            groups.append(together)
        elif group is not None and len(group) + len(together) <= batch(action):
            group.extend(together)
        else:
            growing[action] = together
            groups.append(together)
    return groups


def one_by_one(found: Iterable[G]) -> list[list[G]]:
    """Each for itself, but for those of one serial."""
    return grouped(found, lambda _action: 1)


def _by_serial(found: Iterable[G]) -> list[list[G]]:
    same: dict[str, list[G]] = {}
    for each in found:
        same.setdefault(each.serial or each.id, []).append(each)
    return [sorted(group, key=lambda each: each.id) for group in same.values()]
