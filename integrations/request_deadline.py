"""Leave to begin a request. A call may need several requests, and its process may be stopped between two of them; once
others may have taken the call over, nothing more is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from integrations.errors import Transient

_allowed: ContextVar[Callable[[], bool]] = ContextVar("allowed", default=lambda: True)


@contextmanager
def while_allowed(allowed: Callable[[], bool]) -> Iterator[None]:
    """Until the block ends, this thread begins requests only while ``allowed`` says so."""
    token = _allowed.set(allowed)
    try:
        yield
    finally:
        _allowed.reset(token)


def check() -> None:
    """Raises Transient when a request may no longer begin. Nothing was sent then."""
    if not _allowed.get()():
        raise Transient("it was not begun in the time its lease allowed; it is tried again", code="late")
