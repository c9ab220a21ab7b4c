"""Whose address a request has: that of who sent it, and not of a proxy of ours that handed it on.

Everything that looks at addresses (guesses, who pressed, sign-ins, ``/metrics``) reads WSGI's ``REMOTE_ADDR``, so it is
set once, before any of them. Who sends the header without being a proxy of ours is known by their own address.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

from connector.clock import Clock
from connector.observe.stored import FORWARDED_BY
from connector.storage.engine.database import AWAY, Database
from connector.storage.stores import cursors
from integrations.transport import forwarded
from integrations.transport.forwarded import Network

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

    Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

log = logging.getLogger(__name__)

_BETWEEN_NOTES = timedelta(hours=1)
_HEADER = "HTTP_X_FORWARDED_FOR"


class Noticed:
    """Who handed on a request that is no proxy of ours, noted once an hour."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._guard = Lock()
        self._noted_at: datetime | None = None

    def __call__(self, peer: str) -> None:
        now = self._clock()
        with self._guard:
            if self._noted_at is not None and abs(now - self._noted_at) < _BETWEEN_NOTES:
                return
            self._noted_at = now
        try:
            self._database.transact(lambda tx: cursors.put(self._database, tx, FORWARDED_BY, peer, now), lasting=False)
        except AWAY as error:
            log.warning("that %s came unasked could not be noted (%s)", forwarded.HEADER, type(error).__name__)


def seen_through(pages: Wsgi, trusted: Sequence[Network], noticed: Callable[[str], object]) -> Wsgi:
    """``pages``, with the sender's own address in every request. ``noticed`` hears of whoever hands requests on and is
    no proxy of ours."""

    def outside(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        told, peer = environ.get(_HEADER, ""), str(environ.get("REMOTE_ADDR") or "")
        if not told:
            return pages(environ, start_response)
        if not forwarded.is_in(peer, trusted):
            noticed(peer)
            return pages(environ, start_response)
        return pages({**environ, "REMOTE_ADDR": forwarded.sender(peer, told, trusted)}, start_response)

    return outside
