"""The log lines of ordinary work: one per delivery understood, one per effect done, written after the commit.

Each carries its ids as extras (delivery, run, effect, connection, …), so that machines can follow a run
through the log. Why something happened stands in the run's history; people's words and addresses stand in no
line.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connector.feedback.base.actions import Effect, Result
from integrations.errors import IntegrationError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Understood:
    """What became of a delivery: its status, why if it could not be read, and the runs that it began."""

    delivery: int
    connection: str
    status: str
    reason: str
    runs: tuple[str, ...] = ()

    @property
    def is_trouble(self) -> bool:
        return self.status in ("unreadable", "failed")


def deliveries(understood: Iterable[Understood]) -> None:
    """Tell of deliveries; those set aside are warnings."""
    for each in understood:
        extra = {"delivery": each.delivery, "connection": each.connection, "status": each.status}
        if each.is_trouble:
            log.warning("delivery set aside: %s", each.reason, extra=extra)
        else:
            log.info(
                "delivery understood", extra={**extra, "runs": ",".join(each.runs)} if each.runs else extra
            )


def effects(results: Sequence[tuple[Effect, Result | object]]) -> None:
    """Tell of effects that were tried and did not end in a vendor's error: of those, ``outcomes`` tells."""
    for effect, result in results:
        if not isinstance(result, IntegrationError):
            log.info("effect done" if isinstance(result, dict) else "effect not repeated", extra=ids(effect))


def ids(effect: Effect) -> dict[str, str | int]:
    """The extras of every line about an effect."""
    return {
        "effect": effect.id,
        "run": effect.run_id,
        "connection": effect.connection,
        "action": effect.action,
        "attempt": effect.attempts,
    }
