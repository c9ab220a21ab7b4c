"""Leave to begin a request. A call may need several requests, and its process may be stopped between two of them; once
others may have taken the call over, nothing more is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from integrations.errors import Transient


@dataclass(slots=True)
class Leave:
    """``begun``: whether a request was. While none was, nothing can have happened at any vendor's."""

    allowed: Callable[[], bool]
    begun: bool = False


_leave: ContextVar[Leave | None] = ContextVar("leave", default=None)


@contextmanager
def while_allowed(allowed: Callable[[], bool]) -> Iterator[Leave]:
    """Until the block ends, this thread begins requests only while ``allowed`` says so."""
    given = Leave(allowed)
    token = _leave.set(given)
    try:
        yield given
    finally:
        _leave.reset(token)


def check() -> None:
    """Raises Transient when a request may no longer begin. Nothing was sent then."""
    given = _leave.get()
    if given is None:
        return
    if not given.allowed():
        raise Transient("it was not begun in the time its lease allowed; it is tried again", code="late")
    given.begun = True
