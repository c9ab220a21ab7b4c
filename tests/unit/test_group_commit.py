"""The group commit: who comes while a commit is under way shares the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.storage.engine.group_commit import GroupCommit

PATIENCE = 60  # seconds


class Book:
    """Remembers what was committed together; ``gate`` holds a commit up, ``arrived`` says that one began."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.gate, self.arrived = threading.Event(), threading.Event()
        self.trouble: Callable[[Sequence[int]], None] = lambda items: None

    def commit(self, together: Callable[[], list[int]]) -> list[int]:
        items = together()
        self.groups.append(list(items))
        self.arrived.set()
        assert self.gate.wait(PATIENCE)
        self.trouble(items)
        return [item * 10 for item in items]


def test_items_that_come_during_a_commit_share_the_next_one() -> None:
    book = Book()
    group: GroupCommit[int, int] = GroupCommit(book.commit)
    results = _while_one_commits(group, book, 16)
    assert [each.result(PATIENCE) for each in results] == [item * 10 for item in range(16)]
    assert book.groups[0] == [0]
    assert [sorted(each) for each in book.groups[1:]] == [list(range(1, 16))]


def test_a_group_is_never_larger_than_allowed() -> None:
    book = Book()
    group: GroupCommit[int, int] = GroupCommit(book.commit, most=4)
    results = _while_one_commits(group, book, 12)
    assert [each.result(PATIENCE) for each in results] == [item * 10 for item in range(12)]
    assert max(map(len, book.groups)) <= 4
    assert sorted(item for each in book.groups for item in each) == list(range(12))


def test_whoever_comes_before_the_transaction_has_begun_shares_it() -> None:
    book = Book()
    begun, may_begin = threading.Event(), threading.Event()

    def commit(together: Callable[[], list[int]]) -> list[int]:
        begun.set()
        assert may_begin.wait(PATIENCE)  # as for the database's one writer
        return book.commit(together)

    book.gate.set()
    group: GroupCommit[int, int] = GroupCommit(commit)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(group.submit, 1)
        assert begun.wait(PATIENCE)
        others = [pool.submit(group.submit, item) for item in (2, 3)]
        assert _until(lambda: len(group._waiting) == 3)
        may_begin.set()
        assert [each.result(PATIENCE) for each in (first, *others)] == [10, 20, 30]
    assert [sorted(each) for each in book.groups] == [[1, 2, 3]]


def test_a_transaction_that_is_done_again_has_the_same_group() -> None:
    seen: list[list[int]] = []

    def commit(together: Callable[[], list[int]]) -> list[int]:
        seen.extend([together(), together()])
        return [item * 10 for item in together()]

    assert GroupCommit(commit).submit(7) == 70
    assert seen == [[7], [7]]


def test_a_transaction_that_never_begins_fails_everyone_who_waits_for_it() -> None:
    def commit(together: Callable[[], list[int]]) -> list[int]:
        raise OSError("no database")

    with pytest.raises(OSError, match="no database"):
        GroupCommit(commit).submit(7)


def test_an_error_reaches_everyone_of_the_group_and_nobody_of_the_next() -> None:
    book = Book()

    def refuse_seven(items: Sequence[int]) -> None:
        if 7 in items:
            raise OSError("the disk is full")

    book.trouble = refuse_seven
    group: GroupCommit[int, int] = GroupCommit(book.commit)
    results = _while_one_commits(group, book, 10)
    assert results[0].result(PATIENCE) == 0
    for each in results[1:]:
        with pytest.raises(OSError, match="the disk is full"):
            each.result(PATIENCE)
    assert group.submit(42) == 420


def test_too_few_results_are_an_error_for_all_and_not_somebody_elses_result() -> None:
    group: GroupCommit[int, int] = GroupCommit(lambda together: together()[:0])
    with pytest.raises(ValueError, match="zip"):
        group.submit(1)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(), min_size=1, max_size=60), st.integers(1, 7))
def test_everyone_gets_the_result_of_their_own_item(items: list[int], most: int) -> None:
    group: GroupCommit[int, int] = GroupCommit(lambda together: [item + 1 for item in together()], most=most)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(group.submit, items)) == [item + 1 for item in items]


def _while_one_commits(group: GroupCommit[int, int], book: Book, number: int) -> list[Future[int]]:
    """Submit 0 and hold its commit up until all others wait behind it."""
    with ThreadPoolExecutor(number) as pool:
        first = pool.submit(group.submit, 0)
        assert book.arrived.wait(PATIENCE)
        others = [pool.submit(group.submit, item) for item in range(1, number)]
        assert _until(lambda: len(group._waiting) == number - 1)
        book.gate.set()
        return [first, *others]


def _until(condition: Callable[[], bool]) -> bool:
    pause = threading.Event()
    for _ in range(PATIENCE * 1000):
        if condition():
            return True
        pause.wait(0.001)
    return False
