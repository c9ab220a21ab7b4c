"""Many callers, one commit: whoever comes while a commit is under way shares the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class GroupCommit(Generic[Item, Result]):
    """Collects items of concurrent callers and hands them to ``commit`` together, in a thread of its own.

    ``commit`` is handed a function that says who is in the group: whoever waits at the moment it is called. So it calls
    it when its transaction has begun, and those who came while it waited for that share it, too; called again (the
    transaction is done again) it says the same and who came since. ``commit`` returns one result per item, in order;
    its error reaches every caller of the group.
    """

    def __init__(self, commit: Callable[[Callable[[], list[Item]]], Sequence[Result]], *, most: int = 500) -> None:
        self._commit, self._most = commit, most
        self._guard = threading.Lock()
        self._waiting: list[tuple[Item, Future[Result]]] = []
        self._at_work = False
        self._hand = ThreadPoolExecutor(1, thread_name_prefix="group-commit")

    def enter(self, item: Item) -> Future[Result]:
        """Add the item to the next group; the future has its result when the commit has ended. Never waits."""
        future: Future[Result] = Future()
        with self._guard:
            self._waiting.append((item, future))
            idle, self._at_work = not self._at_work, True
        if idle:
            self._hand.submit(self._work)
        return future

    def submit(self, item: Item) -> Result:
        """Blocks until the item's commit has ended."""
        return self.enter(item).result()

    def close(self) -> None:
        """Commit what waits, and take no more."""
        self._hand.shutdown(wait=True)

    def _work(self) -> None:
        while self._is_wanted():
            self._together()

    def _is_wanted(self) -> bool:
        with self._guard:
            self._at_work = bool(self._waiting)
            return self._at_work

    def _together(self) -> None:
        """Commit for all who wait."""
        group: list[tuple[Item, Future[Result]]] = []

        def together() -> list[Item]:
            with self._guard:
                room = self._most - len(group)
                group.extend(self._waiting[:room])
                del self._waiting[:room]
            return [item for item, _ in group]

        try:
            results = list(zip(group, self._commit(together), strict=True))
        except BaseException as error:  # even of a thread that is stopped: silence would read as success
            if not group:
                together()  # the transaction never began: this is for those who wait for it
            for _, future in group:
                future.set_exception(error)
        else:
            for (_, future), result in results:
                future.set_result(result)
