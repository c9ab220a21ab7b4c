"""Measuring calls: an action's handler with a watch beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from connector.feedback.base.actions import ActionContext, CompletionContext, Effect, Handler, Intent, Output, Result
from connector.observe.counters import Counters
from integrations.errors import IntegrationError

BUG = "bug"
"""The outcome of a call that ended in an error of our own."""


class Measured:
    """A ``Handler`` that does what another does, and counts the outcomes and the time its calls take."""

    def __init__(
        self, handler: Handler, counters: Counters, seconds: Callable[[], float] = time.perf_counter
    ) -> None:
        self._handler, self._counters, self._seconds = handler, counters, seconds

    def batch(self, connection: str) -> int:
        return self._handler.batch(connection)

    def prepare(self, ask: ActionContext) -> Intent | Output:
        return self._handler.prepare(ask)

    def finish(self, done: CompletionContext) -> Intent | Output:
        return self._handler.finish(done)

    def perform(self, effects: Sequence[Effect], now: datetime) -> Sequence[Result]:
        began = self._seconds()
        try:
            results = self._handler.perform(effects, now)
        except Exception as error:
            self._count(effects, [_outcome(error)] * len(effects), self._seconds() - began)
            raise
        self._count(effects, [_outcome(result) for result in results], self._seconds() - began)
        return results

    def _count(self, effects: Sequence[Effect], outcomes: Sequence[str], seconds: float) -> None:
        """A call that carried many effects went well if it did for one of them."""
        whole = "done" if "done" in outcomes else outcomes[0]
        self._counters.called(effects[0].connection, whole, seconds)
        for effect, outcome in zip(effects, outcomes, strict=True):
            self._counters.tried(effect.connection, effect.action, outcome)


def measured(handlers: Mapping[str, Handler], counters: Counters) -> dict[str, Handler]:
    """The table of actions, each with its watch."""
    return {action: Measured(handler, counters) for action, handler in handlers.items()}


def _outcome(result: Result | Exception) -> str:
    """The kind of an error ("rate_limited", …), or "done"."""
    if isinstance(result, IntegrationError):
        return result.kind
    return BUG if isinstance(result, Exception) else "done"
