"""Outcomes: what became of effects, written down together with what their runs do next."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from connector.clock import Clock
from connector.feedback.base.actions import Effect, Result
from connector.observe import journal
from connector.runtime.effects import claims
from connector.runtime.runs.advance import OpenAdvancer
from connector.runtime.runs.dead_letter import mark_dead
from connector.runtime.runs.run_update import RunUpdate
from connector.storage.engine.database import Database
from connector.storage.flow_control import circuit_breaker, connection_state
from integrations.errors import Ambiguous, AuthFailed, IntegrationError, RateLimited
from workflows import retry
from workflows.actions import EffectClass
from workflows.calendars import BusinessCalendar
from workflows.definitions import DeliveryGuarantee, Retry
from workflows.engine import Moment
from workflows.runs import EffectFailed

log = logging.getLogger(__name__)

UNSURE_DONE = "it may have happened before we lost sight of it; as delivery says at-most-once, it is not repeated"
UNSURE_REVIEW = "nobody can know whether it happened; please look, then retry or skip this step"


@dataclass(frozen=True, slots=True)
class Failed:
    """An effect that will not be tried again."""

    kind: str
    reason: str


PATIENCE = timedelta(days=1)
"""So long after its first try an effect outlives its vendor's absence without an attempt being counted. After that its
tries are counted as ever, so that a call that no working vendor can digest comes to its end, too."""

Results = Sequence[tuple[Effect, Result | Failed]]


class Outcomes:
    """Records results in one transaction: effects settled, runs resumed, connections paused or slowed."""

    def __init__(
        self,
        database: Database,
        open_desk: OpenAdvancer,
        calendar: BusinessCalendar,
        clock: Clock,
        chance: Callable[[], float] = random.random,
        longest_hold: Callable[[str], float] = lambda _connection: retry.LONGEST_LIMIT,
    ) -> None:
        """``longest_hold``: so many seconds a connection's vendor may hold it by one answer."""
        self._database, self._open_desk, self._calendar = database, open_desk, calendar
        self._clock, self._chance, self._longest_hold = clock, chance, longest_hold

    def record(self, results: Results) -> frozenset[str]:
        """Write down what became of claimed effects. → the queues with new work.

        A batch that fails is written one by one; where even that fails, the effect is settled and its run buried.
        """
        try:
            return self._database.transact(lambda tx: self.write(tx, results))
        except OperationalError:
            raise  # the database, not a run
        except Exception as error:
            if len(results) == 1:
                return self._database.transact(partial(self._bury, results, error))
            log.exception("a batch of outcomes failed; writing them one by one")
        return frozenset().union(*(self.record([each]) for each in results))

    def _bury(self, results: Results, error: Exception, tx: Connection) -> frozenset[str]:
        now = self._clock()
        held = claims.holding(tx, [effect for effect, _ in results])
        mine = [(effect, self._decide(effect, result, now)) for effect, result in results if effect in held]
        claims.settle(tx, [(effect, self._columns(effect, verdict, now)) for effect, verdict in mine])
        mark_dead(tx, [effect.run_id for effect, _ in mine], error, now)
        return frozenset()

    def write(self, tx: Connection, results: Results) -> frozenset[str]:
        """``record``, as a part of a transaction, and without its second tries."""
        now = self._clock()
        desk = self._open_desk(tx, Moment(now, self._calendar))
        drafts = desk.load(effect.run_id for effect, _ in results)
        held = {effect.id for effect in claims.holding(tx, [effect for effect, _ in results])}
        known = [(effect, result) for effect, result in results if effect.id in held]
        away = self._update_circuits(tx, known, now)
        mine = [(effect, self._decide(effect, result, now, away)) for effect, result in known]
        wanted = [(effect, self._columns(effect, verdict, now)) for effect, verdict in mine]
        claims.settle(tx, [_unless_over(drafts[effect.run_id], effect, columns, now) for effect, columns in wanted])
        self._tell_connections(tx, mine, now)
        desk.finish([(drafts[e.run_id], e, v) for e, v in mine if not isinstance(v, _Again | Failed)])
        failed = [(effect, verdict) for effect, verdict in mine if isinstance(verdict, Failed)]
        desk.resume([(drafts[e.run_id], EffectFailed(e.visit, failure.kind, failure.reason)) for e, failure in failed])
        return frozenset(desk.asked)

    def _update_circuits(self, tx: Connection, results: Results, now: datetime) -> frozenset[str]:
        """What the results tell of their vendors. → the connections whose circuit is open."""
        names = sorted({effect.connection for effect, _ in results})
        return frozenset(
            name for name in names if self._is_away(tx, name, [r for e, r in results if e.connection == name], now)
        )

    def _is_away(self, tx: Connection, name: str, told: Sequence[Result | Failed], now: datetime) -> bool:
        """An answer closes the circuit, calls that met nobody may open it. Effects of one call tell it once."""
        outages = {id(each): each for each in told if isinstance(each, IntegrationError) and each.is_outage}
        if any(map(_is_answer, told)):
            if circuit_breaker.answered(tx, name, now):
                log.warning("connection %s works again", name)
            return False
        if not outages:
            return False
        reason = list(outages.values())[-1].reason
        circuit = circuit_breaker.failed(self._database, tx, name, len(outages), reason, now)
        if circuit is circuit_breaker.Circuit.OPENED:
            log.warning("connection %s does not work, its circuit is open: %s", name, reason)
        return circuit is not circuit_breaker.Circuit.CLOSED

    def _decide(
        self, effect: Effect, result: Result | Failed, now: datetime, away: frozenset[str] = frozenset()
    ) -> _Verdict:
        """An error becomes another try, or the end; that of a vendor who is ``away`` is not the effect's."""
        if not isinstance(result, IntegrationError):
            return result
        log.warning("effect not done: %s", result.reason, extra={**journal.ids(effect), "kind": result.kind})
        if result.is_outage and effect.connection in away and now < effect.first_tried_at + PATIENCE:
            return _when_it_is_back(effect, result, now)
        decide = partial(retry.decide, attempt=effect.attempts, policy=_policy(effect), random=self._chance)
        decision = decide(result.kind, retry_after=self._bounded(effect, result))
        if isinstance(decision, retry.Reconcile):
            pause = decide("transient", retry_after=None)
            return _unsure_again(result, pause)
        if isinstance(decision, retry.Park):
            return Failed(result.kind, result.whole)
        return _again(effect, result, decision)

    def _bounded(self, effect: Effect, error: IntegrationError) -> float | None:
        """How long the vendor wants us to wait, as far as its connection's owner lets it."""
        wish: float | None = getattr(error, "retry_after", None)
        longest = self._longest_hold(effect.connection)
        if wish is None or wish <= longest:
            return wish
        log.warning("connection %s: %.0f s asked for, held for %.0f s", effect.connection, wish, longest)
        return longest

    def _columns(self, effect: Effect, verdict: _Verdict, now: datetime) -> Mapping[str, Any]:
        if isinstance(verdict, _Again):
            attempts = effect.attempts if verdict.counts else effect.attempts - 1
            due = now + timedelta(seconds=verdict.after)
            tried = {"due_at": due, "attempts": attempts} | _error(verdict.error, verdict.unsure)
            return tried | _until_it_cannot_land(effect, verdict, now)
        if isinstance(verdict, Failed):
            status = "review" if verdict.kind == "ambiguous" else "failed"
            ended = {"status": status, "due_at": now, "ended_at": now}
            return ended | {"error": verdict.reason, "error_kind": verdict.kind}
        return {"status": "done", "due_at": now, "outcome": dict(verdict), "ended_at": now}

    def _tell_connections(self, tx: Connection, mine: Sequence[tuple[Effect, _Verdict]], now: datetime) -> None:
        """Refused credentials pause the connection, a limit holds it until the vendor said, a write of ours may
        tell whom we act as."""
        for effect, verdict in mine:
            if isinstance(verdict, Mapping) and (whom := verdict.get("acted_as")):
                connection_state.learn_own_user(self._database, tx, effect.connection, str(whom), now)
            if not isinstance(verdict, _Again):
                continue
            if isinstance(verdict.error, AuthFailed):
                connection_state.pause(self._database, tx, effect.connection, verdict.error.reason, now)
            elif isinstance(verdict.error, RateLimited):
                until = now + timedelta(seconds=verdict.after)
                if verdict.error.of_kind and effect.bucket:
                    connection_state.hold_kind(self._database, tx, effect.connection, effect.bucket, until, now)
                else:
                    connection_state.hold(self._database, tx, effect.connection, until, now)


@dataclass(frozen=True, slots=True)
class _Again:
    """Another try, ``after`` seconds from now."""

    error: IntegrationError
    after: float
    counts: bool
    unsure: bool


_Verdict = Mapping[str, Any] | Failed | _Again


def unsure(effect: Effect) -> Result | Failed | None:
    """What to do, before any call, with an effect that may have happened: None means to perform it again.

    Only class D cannot be repeated safely; the step's delivery rule decides for it.
    """
    if not effect.unsure or effect.effect_class != EffectClass.BLIND:
        return None
    if effect.delivery == DeliveryGuarantee.AT_LEAST_ONCE:
        return None
    if effect.delivery == DeliveryGuarantee.AT_MOST_ONCE:
        return {"done": True, "unsure": True, "reason": UNSURE_DONE}
    return Failed("ambiguous", UNSURE_REVIEW)


def _unless_over(
    draft: RunUpdate, effect: Effect, columns: Mapping[str, Any], now: datetime
) -> tuple[Effect, Mapping[str, Any]]:
    """A call whose run ended meanwhile (it was cancelled) is not tried again."""
    if columns["status"] != "due" or draft.is_live:
        return effect, columns
    return effect, {**columns, "status": "cancelled", "ended_at": now}


def _policy(effect: Effect) -> Retry:
    return Retry(**effect.retry) if effect.retry else Retry()


def _again(effect: Effect, error: IntegrationError, decision: retry.RetryDecision) -> _Again:
    if isinstance(decision, retry.Again):
        return _Again(error, decision.after_seconds, decision.counts, effect.unsure)
    return _Again(error, 0.0, False, effect.unsure)  # the connection pauses; due again the moment it resumes


def _when_it_is_back(effect: Effect, error: IntegrationError, now: datetime) -> _Again:
    """The vendor's absence costs no attempt, and nobody his place: the effect is as old as it was."""
    age = now - effect.first_tried_at
    return _Again(error, -age.total_seconds(), False, effect.unsure or isinstance(error, Ambiguous))


def _is_answer(result: Result | Failed) -> bool:
    """Whether the vendor said something, be it no. What was left undone, or taken for done unseen, is no answer."""
    if isinstance(result, IntegrationError):
        return result.status is not None and not result.is_outage and not isinstance(result, AuthFailed)
    return not isinstance(result, Failed) and result.get("done") is not False and not result.get("unsure")


def _unsure_again(error: IntegrationError, pause: retry.RetryDecision) -> _Verdict:
    """Nobody knows whether it happened: the next try reconciles, until the tries are used up."""
    if isinstance(pause, retry.Again):
        return _Again(error, pause.after_seconds, True, True)
    return Failed("ambiguous", f"{UNSURE_REVIEW} ({error.reason})")


def _until_it_cannot_land(effect: Effect, verdict: _Again, now: datetime) -> dict[str, Any]:
    """A request that nobody answered may still be on its way. Where order matters the effect stays in hand until
    its lease ends, so that nothing of its serial is overtaken by it."""
    if verdict.unsure and effect.serial and effect.lease_until > now:
        return {"status": "performing", "lease_until": effect.lease_until}
    return {"status": "due"}


def _error(error: IntegrationError, is_unsure: bool) -> dict[str, Any]:
    return {"error": error.reason, "error_kind": error.kind, "unsure": is_unsure}
