"""What can happen to a process in the middle of a transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from connector.storage.engine.database import Database


class PowerCutError(BaseException):
    """Not an Exception on purpose: nothing in the house may handle the end of the house."""


def power_cut(_connection: Any) -> None:
    """The house ends here."""
    raise PowerCutError


@contextmanager
def just_before(
    database: Database, beginning: str, happens: Callable[[Any], object], *, without: str = "\0"
) -> Iterator[None]:
    """Something happens to the connection that is about to execute a statement that begins so (and does not
    contain ``without``)."""

    def look(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().startswith(beginning) and without not in statement:
            happens(connection)

    event.listen(database.engine, "before_cursor_execute", look)
    try:
        yield
    finally:
        event.remove(database.engine, "before_cursor_execute", look)
