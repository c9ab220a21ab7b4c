"""Performing: claim effects of a connection, call the vendor side by side, write down what came of it.

One performer per process and connection; whoever rings while it works makes it look once more. A slow vendor
holds up only its own effects.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby
from queue import Empty, SimpleQueue
from threading import Event, Lock

from sqlalchemy import Connection

from connector.clock import Clock
from connector.feedback.base.actions import Effect, Handler, NotPossibleError, Result
from connector.observe import journal
from connector.runtime.effects import claims
from connector.runtime.effects.claims import ClaimPolicy
from connector.runtime.effects.grouping import G, grouped
from connector.runtime.effects.outcomes import Failed, Outcomes, Results, unsure
from connector.storage.engine.database import Database
from integrations import request_deadline
from integrations.errors import Ambiguous, IntegrationError, Permanent, Transient
from integrations.request_deadline import Leave

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.015
"""After the first answer, this long is waited for others to share its transaction."""

_MOST_CLAIMED = 400

_Landed = list[tuple[Effect, Result | Failed]]


class Performer:
    """The calls of one connection. ``run`` returns when nothing is due; ``asked`` hears of queues with new work."""

    def __init__(
        self,
        who: ClaimPolicy,
        database: Database,
        handlers: Mapping[str, Handler],
        outcomes: Outcomes,
        clock: Clock,
        asked: Callable[[frozenset[str]], None],
    ) -> None:
        self._who, self._connection, self._database, self._handlers = who, who.connection, database, handlers
        self._outcomes, self._clock, self._asked = outcomes, clock, asked
        self._pool = ThreadPoolExecutor(who.concurrency, thread_name_prefix=f"call-{who.connection}")
        self._working, self._closed = Lock(), Event()
        self._landed: SimpleQueue[Results] = SimpleQueue()  # an empty result is a ring
        self._flying = 0

    def run(self) -> None:
        """Work until nothing is due. If another thread is at it already, it will look once more."""
        self._landed.put(())
        while not self._landed.empty() and self._working.acquire(blocking=False):
            try:
                self._work()
            finally:
                self._working.release()

    def nudge(self) -> bool:
        """Make the thread at work look once more. False: there is none."""
        self._landed.put(())
        return self._working.locked()

    def close(self) -> None:
        """Take no new effects; wait for the calls in flight (their time-outs bound it) and record them."""
        self._closed.set()
        self._landed.put(())
        with self._working:
            self._pool.shutdown(wait=True)
            self._record(self._gather_all())

    def _work(self) -> None:
        while True:
            calls = self._turn(self._gather())
            self._launch(calls)
            if not calls and self._flying == 0:
                return

    def _turn(self, landed: _Landed) -> list[list[Effect]]:
        """Write down what landed, and claim for the free hands. → the calls to make.

        Both are one transaction, if all goes well: one turn of SQLite's one writer, one wait for the disk on
        PostgreSQL, whose other workers wait for the connection's claim no longer than if it were alone.
        """
        together = landed and not self._closed.is_set()
        if together and (calls := self._at_once(landed)) is not None:
            return calls
        self._record(landed)
        free = 0 if self._closed.is_set() else self._who.concurrency - self._flying
        return self._claim(free) if free > 0 else []

    def _at_once(self, landed: _Landed) -> list[list[Effect]] | None:
        """What lands while we wait for our turn has its place in it, too."""
        try:
            asked, calls = self._database.transact(lambda tx: self._write_and_claim(tx, landed))
        except Exception:  # it is done again, step by step, and said there
            return None
        self._asked(asked)
        journal.effects(landed)
        return calls

    def _gather(self) -> _Landed:
        """Wait for an answer or a ring, then a moment for more."""
        landed = list(self._land(self._landed.get()))
        until = time.monotonic() + GATHER_SECONDS
        while self._flying and (left := until - time.monotonic()) > 0:
            try:
                landed.extend(self._land(self._landed.get(timeout=left)))
            except Empty:
                break
        return landed + self._gather_all()

    def _gather_all(self) -> _Landed:
        landed: _Landed = []
        while not self._landed.empty():
            landed.extend(self._land(self._landed.get()))
        return landed

    def _land(self, results: Results) -> Results:
        if results:
            self._flying -= 1
        return results

    def _write_and_claim(self, tx: Connection, landed: _Landed) -> tuple[frozenset[str], list[list[Effect]]]:
        landed += self._gather_all()
        asked = self._outcomes.write(tx, landed)
        return asked, self._claimed(tx, self._who.concurrency - self._flying)

    def _launch(self, calls: Sequence[Sequence[Effect]]) -> None:
        for effects in calls:
            self._flying += 1
            self._pool.submit(self._call, effects).add_done_callback(self._put)

    def _put(self, call: Future[Results]) -> None:
        self._landed.put(call.result())

    def _claim(self, free: int) -> list[list[Effect]]:
        return self._database.transact(lambda tx: self._claimed(tx, free))

    def _claimed(self, tx: Connection, free: int) -> list[list[Effect]]:
        biggest = max(h.batch(self._connection) for h in self._handlers.values())
        most = min(free * biggest, max(_MOST_CLAIMED, biggest))
        now = self._clock()
        return claims.claim(self._database, tx, self._who, now, most, hands=free, together=self.together)

    def together(self, effects: Sequence[G]) -> list[list[G]]:
        """What one thread does: as many effects as their action's handler takes at once."""
        return grouped(effects, lambda action: self._handlers[action].batch(self._connection))

    def _call(self, effects: Sequence[Effect]) -> Results:
        """Perform a group, in as many calls as its actions need, one after the other."""
        return [each for call in self._calls(effects) for each in self._one_call(call)]

    def _calls(self, effects: Sequence[Effect]) -> Iterator[Sequence[Effect]]:
        for action, same in groupby(effects, key=lambda effect: effect.action):
            if self._handlers[action].batch(self._connection) > 1:
                yield list(same)
            else:
                yield from ([effect] for effect in same)

    def _one_call(self, effects: Sequence[Effect]) -> Results:
        decided = [(effect, self._too_late(effect) or unsure(effect)) for effect in effects]
        known = [(effect, verdict) for effect, verdict in decided if verdict is not None]
        todo = [effect for effect, verdict in decided if verdict is None]
        return [*known, *zip(todo, self._perform(todo), strict=True)]

    def _too_late(self, effect: Effect) -> Transient | None:
        """A call that could outlive its lease is not begun: another worker may be about to make it."""
        if self._clock() + claims.LONGEST_CALL <= effect.lease_until:
            return None
        return Transient("it was not begun in the time its lease allowed; it is tried again")

    def _perform(self, effects: Sequence[Effect]) -> Sequence[Result]:
        """An error that is none of the known ones is a bug of ours, or the database's: the log says where. Whether the
        call happened is unsure once a request had begun, and not before."""
        if not effects:
            return []
        with request_deadline.while_allowed(lambda: not any(map(self._too_late, effects))) as given:
            return self._performed(effects, given)

    def _performed(self, effects: Sequence[Effect], given: Leave) -> Sequence[Result]:
        try:
            return self._handlers[effects[0].action].perform(effects, self._clock())
        except IntegrationError as error:
            return [error] * len(effects)
        except NotPossibleError as error:  # as of a connection that was taken out of the configuration
            return [Permanent(str(error))] * len(effects)
        except Exception as error:
            log.exception("performing failed", extra=journal.ids(effects[0]))
            kind = Ambiguous if given.begun else Transient
            return [kind(f"an error of ours: {type(error).__name__}; see the log")] * len(effects)

    def _record(self, results: Results) -> None:
        """Write down what happened. When the database is away the results are kept for the next run; should this
        process end first, the leases do, and the effects are reconciled."""
        if not results:
            return
        try:
            self._asked(self._outcomes.record(results))
        except Exception:
            self._flying += 1
            self._landed.put(results)
            raise
        journal.effects(results)
