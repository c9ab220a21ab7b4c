"""How much work one rendering may be. Templates are ours, values are strangers': a filter that goes through a text once
for each of its letters is quick in every test and takes minutes with 500 kB from an event.

The work is counted, not timed: the same values give the same result on every machine. A rendering that is refused fails
its step with a reason, and holds nobody up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

from liquid import Undefined
from liquid.exceptions import FilterArgumentError

MOST_LETTERS = 100_000
"""Of a text that a filter reads or makes."""

MOST_ITEMS = 1_000
"""Of a list that a filter reads or makes."""

MOST_OF_AN_ARGUMENT = 10_000
"""Letters of what stands behind a filter's colon."""

MOST_WORK = 5_000_000
"""Letters and items that the filters of one rendering may go through, a list's items once for each other where a filter
compares them."""

_COMPARING = frozenset({"uniq", "sort", "sort_natural"})
_REPLACING = frozenset({"replace", "replace_first", "replace_last"})

_work: ContextVar[list[int] | None] = ContextVar("work", default=None)


@contextmanager
def one_rendering() -> Iterator[None]:
    """All filters of the block share one budget."""
    token = _work.set([MOST_WORK])
    try:
        yield
    finally:
        _work.reset(token)


def limited(filters: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """The filters, each with its limits."""
    return {name: _limited(name, each) for name, each in filters.items()}


def _limited(name: str, apply: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(apply)
    def within(value: Any, *args: Any, **options: Any) -> Any:
        size = _size(name, value)
        for each in (*args, *options.values()):
            if isinstance(each, str) and len(each) > MOST_OF_AN_ARGUMENT:
                raise _refused(name, f"an argument of {len(each):,} letters", MOST_OF_AN_ARGUMENT)
        if name in _REPLACING:
            _check_replacement(name, value, args)
        _charge(name, size * size if name in _COMPARING and not isinstance(value, str) else size)
        result = apply(value, *args, **options)
        _charge(name, _size(name, result))
        return result

    return within


def _size(name: str, value: Any) -> int:
    """Letters or items. Raises FilterArgumentError when they are too many."""
    if _is_undefined(value):
        return 1  # the filter says it better
    if isinstance(value, str):
        if len(value) > MOST_LETTERS:
            raise _refused(name, f"a text of {len(value):,} letters", MOST_LETTERS)
        return len(value)
    if isinstance(value, (list, tuple, Mapping)):
        if len(value) > MOST_ITEMS:
            raise _refused(name, f"a list of {len(value):,} items", MOST_ITEMS)
        letters = sum(len(each) for each in value if isinstance(each, str))
        if letters > MOST_LETTERS:
            raise _refused(name, f"a list of {letters:,} letters", MOST_LETTERS)
        return len(value)
    return 1


def _is_undefined(value: Any) -> bool:
    """By its type: a strict one raises whatever it is asked, even for its class."""
    return issubclass(type(value), Undefined)


def _check_replacement(name: str, value: Any, args: tuple[Any, ...]) -> None:
    """A text may grow by its own length for each letter, before anybody could look at the result."""
    old, new = (str(args[place]) if len(args) > place and not _is_undefined(args[place]) else "" for place in (0, 1))
    text = "" if _is_undefined(value) else str(value)
    times = (text.count(old) if old else len(text) + 1) if name == "replace" else 1
    grown = len(text) + times * max(0, len(new) - len(old))
    if grown > MOST_LETTERS:
        raise _refused(name, f"a text of {grown:,} letters", MOST_LETTERS)


def _charge(name: str, work: int) -> None:
    left = _work.get()
    if left is None:
        return
    left[0] -= work
    if left[0] < 0:
        raise FilterArgumentError(f"{name}: this is more work than one template may be; take less of it", token=None)


def _refused(name: str, what: str, most: int) -> FilterArgumentError:
    return FilterArgumentError(f"{name} meets {what}, and {most:,} are the most; take less of it", token=None)
