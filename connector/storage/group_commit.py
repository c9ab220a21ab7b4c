"""Many callers, one commit: whoever comes while a commit is under way shares the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Entry(Generic[Item, Result]):
    __slots__ = ("done", "error", "item", "result")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.done = False
        self.result: Result | None = None
        self.error: Exception | None = None


class GroupCommit(Generic[Item, Result]):
    """Collects items of concurrent callers and hands them to ``commit`` together.

    There is no thread of its own: the first caller leads and commits for all who wait, the next leader takes
    those who came meanwhile. ``commit`` returns one result per item, in order; its error reaches every caller.
    """

    def __init__(self, commit: Callable[[Sequence[Item]], Sequence[Result]], *, most: int = 500) -> None:
        self._commit, self._most = commit, most
        self._guard, self._turn = threading.Lock(), threading.Lock()
        self._waiting: list[_Entry[Item, Result]] = []

    def submit(self, item: Item) -> Result:
        """Blocks until the item's commit has ended."""
        entry: _Entry[Item, Result] = _Entry(item)
        with self._guard:
            self._waiting.append(entry)
        while not entry.done:
            with self._turn:
                if not entry.done:
                    self._lead()
        if entry.error is not None:
            raise entry.error
        return entry.result  # type: ignore[return-value]  # done without error: the result is there

    def _lead(self) -> None:
        with self._guard:
            group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        try:
            for entry, result in zip(group, self._commit([entry.item for entry in group]), strict=True):
                entry.result = result
        except Exception as error:
            for entry in group:
                entry.error = error
        finally:
            for entry in group:
                entry.done = True
