"""Doubtful answers in people's hands: the list with its reasons, and letting one count after all."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy import Connection

from connector.clock import Clock
from connector.feedback.surveys.answering.settling import Settling
from connector.feedback.surveys.who_pressed import deciding, doubts
from connector.feedback.surveys.who_pressed.doubts import Doubt, DoubtStatus
from connector.runtime.doorbell import INTAKE
from connector.runtime.operations.errors import RefusedError, UnknownError
from connector.runtime.operations.validation import LONGEST_NAME, LONGEST_REASON, told

log = logging.getLogger(__name__)

_LIST = "`ringback responses doubtful` lists those there are."


class DoubtCommands:
    """Shows what did not count, and lets it count. Who released it, when and why stays with it."""

    def __init__(self, settling: Settling, clock: Clock, ring: Callable[[str], None]) -> None:
        self._settling, self._clock, self._ring = settling, clock, ring

    def listed(self, *, verdict: str | None, status: str | None, limit: int) -> list[Doubt]:
        """The newest first; None: of every verdict, of every status."""
        with self._settling.database.read() as tx:
            return doubts.listed(tx, verdict=verdict, status=status, limit=limit)

    def shown(self, id_: str) -> Doubt:
        """One with its reasons. Raises UnknownError."""
        with self._settling.database.read() as tx:
            return _found(tx, id_)

    def release(self, id_: str, by: str, reason: str) -> Doubt:
        """Let it count as it was given. Raises UnknownError, InputError, and RefusedError where it was decided before
        or a newer press stands in its place."""
        by, reason = told(by, "by", LONGEST_NAME), told(reason, "reason", LONGEST_REASON)
        doubt = self._settling.database.transact(lambda tx: self._release(tx, id_, by, reason))
        log.info("by hand: a doubtful %s was released", doubt.what.value, extra={"doubt": doubt.id})
        self._ring(INTAKE)
        return doubt

    def _release(self, tx: Connection, id_: str, by: str, reason: str) -> Doubt:
        doubt = _found(tx, id_)
        if not deciding.release(self._settling, tx, doubt, by, reason, self._clock()):
            raise RefusedError(_why_not(_found(tx, id_)))
        return _found(tx, id_)


def _found(tx: Connection, id_: str) -> Doubt:
    doubt = doubts.find(tx, id_)
    if doubt is None:
        raise UnknownError("doubtful response", id_[:60], _LIST)
    return doubt


def _why_not(doubt: Doubt) -> str:
    if doubt.status is DoubtStatus.REPLACED:
        return f"Response {doubt.id} cannot be released: something newer was given on the same invitation."
    return f"Response {doubt.id} was decided already: {doubt.status.value}, by {doubt.decided_by}."
