"""Finding what Zendesk did and we never heard of, and telling ourselves by the usual door.

Webhooks are best effort: some are lost on the way, and while nobody answers Zendesk gives up on them. Three readings
make up for it, each remembering up to where it came:

- *invocations*: what the webhook's own log holds and our inbox does not is put there, whole, under the same key;
- *tickets*: solved tickets of the incremental export of which no solve is known;
- *callbacks*: open callbacks whose tickets stand otherwise than we believe.

What they find goes into the inbox, so it is understood, decided and written down like any delivery; found twice, or
told late by a webhook after all, it is one fact.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.clock import Clock
from connector.runtime.effects.background_calls import BackgroundCallBudget, NoBudgetError
from connector.storage.engine.database import Database
from connector.storage.stores import cursors
from connector.storage.stores.inbox import Inbox
from connector.vendors.base import JobParts
from connector.vendors.zendesk.reconcile import callbacks, deliveries, tickets
from connector.vendors.zendesk.reconcile.feed import Feed
from integrations.errors import IntegrationError, RateLimited
from integrations.zendesk.history import ZendeskHistory

log = logging.getLogger(__name__)

EVERY_SECONDS = 60.0
"""How often a process looks whether a reading is due."""

JITTER_SECONDS = 10

_LEASE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class MissedLine:
    """What one reading came to. ``said`` is why it could not be done, or not to its end."""

    connection: str
    reading: str
    missed: int = 0
    said: str = ""


Reading = Callable[[Feed, ZendeskHistory, BackgroundCallBudget, str, datetime], str]
"""Reads on from a cursor's value; → the new value. What it finds it gives to the feed, before it returns."""

READINGS: tuple[tuple[str, timedelta, Reading], ...] = (
    ("invocations", timedelta(minutes=5), deliveries.read),
    ("tickets", timedelta(minutes=10), tickets.read),
    ("callbacks", timedelta(minutes=10), callbacks.read),
)
"""In this order: what the log of webhooks tells exactly need not be guessed from the tickets."""


def reconciler(parts: JobParts) -> Reconciler:
    """Of all Zendesk connections."""
    names = [each.name for each in parts.connections]

    def history(name: str) -> ZendeskHistory:
        return ZendeskHistory(parts.client(name).session)

    def calls(name: str) -> BackgroundCallBudget:
        return BackgroundCallBudget(parts.database, name, parts.budget(name), parts.clock)

    return Reconciler(parts.database, parts.inbox, lambda: names, history, calls, parts.ring, parts.clock)


class Reconciler:
    """Reads what is due, for each of the ``connections``. ``ledger`` gives one's, ``permits`` lets it call."""

    def __init__(
        self,
        database: Database,
        inbox: Inbox,
        connections: Callable[[], Sequence[str]],
        ledger: Callable[[str], ZendeskHistory],
        permits: Callable[[str], BackgroundCallBudget],
        ring: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._database, self._inbox, self.connections = database, inbox, connections
        self._ledger, self._permits, self._ring, self._clock = ledger, permits, ring, clock
        self._told: set[tuple[str, str]] = set()

    def tick(self) -> None:
        """What is due, by any of the processes. Never raises: the next tick tries again."""
        for connection in self.connections():
            try:
                for found in self.run(connection):
                    self._log(found)
            except Exception:
                log.exception("%s could not be reconciled", connection)

    def run(self, connection: str, *, at_once: bool = False) -> list[MissedLine]:
        """The readings of one connection that are due, or all of them ``at_once``. After one that found something the
        others wait for the next tick: until that is understood they would find the same again."""
        found: list[MissedLine] = []
        for name, every, read in READINGS:
            one = self._read(connection, name, timedelta(0) if at_once else every, read)
            found += [one] if one else []
            if one and one.missed:
                break
        return found

    def _read(self, connection: str, name: str, every: timedelta, read: Reading) -> MissedLine | None:
        position, now = f"{connection}:{name}", self._clock()
        reached = self._database.transact(
            lambda tx: cursors.take(self._database, tx, position, now, lease=_LEASE, every=every, first="")
        )
        if reached is None:
            return None
        feed = Feed(self._database, self._inbox, connection, self._clock)
        value, said = self._tried(read, feed, reached, now)
        self._database.transact(lambda tx: cursors.move(tx, position, value, now))
        if feed.count:
            self._ring()
        return MissedLine(connection, name, feed.count, said)

    def _tried(self, read: Reading, feed: Feed, reached: str, now: datetime) -> tuple[str, str]:
        """→ up to where it came, and why not to its end. What was found so far is kept; the next reading finds the
        rest."""
        permits = self._permits(feed.connection)
        try:
            return read(feed, self._ledger(feed.connection), permits, reached, now), ""
        except NoBudgetError:
            return reached, "the connection is paused or busy; the next reading goes on"
        except RateLimited as error:
            permits.hold(error.retry_after)
            return reached, error.reason
        except IntegrationError as error:
            return reached, error.reason

    def _log(self, found: MissedLine) -> None:
        if found.missed:
            log.warning("%s: %d events that no webhook told us of were found by the %s",
                        found.connection, found.missed, found.reading)  # fmt: skip
        if found.said and (found.connection, found.said) not in self._told:
            self._told.add((found.connection, found.said))
            log.warning("%s: its %s cannot be read: %s", found.connection, found.reading, found.said)
