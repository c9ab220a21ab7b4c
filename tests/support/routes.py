"""Web apps whose routes are compiled once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from werkzeug.routing import Rule


@contextmanager
def compiled_once() -> Iterator[None]:
    """For each route werkzeug writes and compiles two functions, whose code follows from the rule's text alone. A house
    and its stand-ins have 160 routes, and making them anew for each was a third of the work of all tests."""
    known: dict[Any, Any] = {}
    compile_builder = Rule._compile_builder

    def once(self: Rule, append_unknown: bool = True) -> Any:
        key = (*self._trace, append_unknown)
        if self.defaults or key not in known:
            known[key] = compile_builder(self, append_unknown)
        return known[key]

    with patch.object(Rule, "_compile_builder", once):
        yield
