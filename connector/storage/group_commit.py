"""Many callers, one commit: whoever comes while a commit is under way shares the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Entry(Generic[Item, Result]):
    __slots__ = ("error", "item", "leads", "result", "woken")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.leads = False
        self.woken = threading.Event()
        self.result: Result | None = None
        self.error: BaseException | None = None


class GroupCommit(Generic[Item, Result]):
    """Collects items of concurrent callers and hands them to ``commit`` together.

    There is no thread of its own: the first caller leads and commits for all who wait; then the first of those
    who came meanwhile is woken to lead. Nobody else is woken before their own commit has ended: callers that
    jostle for a lock between two commits would make many small groups of one large one.

    ``commit`` is handed a function that says who is in the group: whoever waits at the moment it is called. So it calls
    it when its transaction has begun, and those who came while it waited for that share it, too; called again (the
    transaction is done again) it says the same and who came since. ``commit`` returns one result per item, in order;
    its error reaches every caller of the group.
    """

    def __init__(self, commit: Callable[[Callable[[], list[Item]]], Sequence[Result]], *, most: int = 500) -> None:
        self._commit, self._most = commit, most
        self._guard = threading.Lock()
        self._waiting: list[_Entry[Item, Result]] = []
        self._led = False  # someone commits, or was woken to; only then may anybody wait

    def submit(self, item: Item) -> Result:
        """Blocks until the item's commit has ended."""
        entry = self._join(item)
        if not entry.leads:
            entry.woken.wait()
        if entry.leads:
            self._lead()
        if entry.error is not None:
            raise entry.error
        return entry.result  # type: ignore[return-value]  # committed without error: the result is there

    def _join(self, item: Item) -> _Entry[Item, Result]:
        entry: _Entry[Item, Result] = _Entry(item)
        with self._guard:
            entry.leads, self._led = not self._led, True
            self._waiting.append(entry)
        return entry

    def _lead(self) -> None:
        """Commit for all who wait; whoever leads is the first of them."""
        group: list[_Entry[Item, Result]] = []

        def together() -> list[Item]:
            with self._guard:
                room = self._most - len(group)
                group.extend(self._waiting[:room])
                del self._waiting[:room]
            return [entry.item for entry in group]

        try:
            results = self._commit(together)
            for entry, result in zip(group, results, strict=True):
                entry.result = result
        except BaseException as error:  # even of a thread that is stopped: silence would read as success
            if not group:
                together()  # the transaction never began: this is for those who wait for it
            for entry in group:
                entry.error = error
        self._hand_over()
        for entry in group:
            entry.woken.set()

    def _hand_over(self) -> None:
        with self._guard:
            self._led = bool(self._waiting)
            if self._led:
                self._waiting[0].leads = True
                self._waiting[0].woken.set()
