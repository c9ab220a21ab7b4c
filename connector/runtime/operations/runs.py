"""The controls: what people do to runs by hand. Each function is one transaction under the run's lock, and
writes into the history who did it.

Nothing here calls anybody: it decides, and the calls that follow are made by the workers as always.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from sqlalchemy import Connection, update
from sqlalchemy.exc import IntegrityError

from connector.clock import Clock
from connector.feedback.base.actions import Effect
from connector.runtime.doorbell import effects_queue
from connector.runtime.operations import validation as controls_input
from connector.runtime.operations.errors import RefusedError
from connector.runtime.operations.locked_run import STOPPED, LockedRun, open_case, place_of
from connector.runtime.operations.restart import Restart
from connector.runtime.operations.validation import LONGEST_NAME, LONGEST_REASON, told
from connector.runtime.runs.advance import OpenAdvancer, RunAdvancer
from connector.runtime.runs.workflow_cache import WorkflowCache
from connector.storage.engine.database import Database
from connector.storage.schema.tables import effects
from workflows import engine
from workflows.actions import EffectClass
from workflows.calendars import BusinessCalendar
from workflows.definitions import Do, Wait
from workflows.engine import Moment
from workflows.runs import LIVE, Decision, EffectDone, EventArrived, Input, Note, Status, TimePassed
from workflows.sentences import say

log = logging.getLogger(__name__)

T = TypeVar("T")

_SKIPPED = STOPPED | {Status.WAITING}


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What became of a run: its state after it, and what was done, for people. ``new_run`` only after a
    restart."""

    run: str
    status: str
    what: str
    new_run: str | None = None


class RunCommands:
    """People's hands on runs. All functions raise UnknownError, InputError and RefusedError; then nothing
    changed."""

    def __init__(
        self,
        database: Database,
        open_desk: OpenAdvancer,
        book: WorkflowCache,
        calendar: BusinessCalendar,
        clock: Clock,
        ring: Callable[[str], None],
    ) -> None:
        self._database, self._open_desk, self._calendar = database, open_desk, calendar
        self._restart, self._clock, self._ring = Restart(book), clock, ring

    def cancel(self, run_ids: Sequence[str], by: str, reason: str) -> list[CommandResult]:
        """End runs that are going. Calls not yet begun are not made; one that is under way may still happen,
        and is not repeated. Cancelling twice is once; a run that ended otherwise is refused, and then none is
        cancelled.
        """
        by, reason = told(by, "by", LONGEST_NAME), told(reason, "reason", LONGEST_REASON)
        ids = sorted(set(run_ids))  # the order in which every transaction locks runs

        def work(tx: Connection, desk: RunAdvancer, moment: Moment) -> list[CommandResult]:
            cases = [open_case(tx, desk, run_id, moment.now) for run_id in ids]
            for case in cases:
                case.allow("cancel", LIVE | {Status.CANCELLED})
            ended = set(desk.cancel([case.id for case in cases if case.status in LIVE], f"by {by}: {reason}"))
            return [
                CommandResult(id_, "cancelled", "cancelled" if id_ in ended else "was cancelled before") for id_ in ids
            ]

        return self._act("cancel", ids, work)

    def retry(self, run_id: str, by: str, *, step: str | None = None, anew: bool = False) -> CommandResult:
        """Let a run that failed, died or needs a review go on from where it stopped, or from an earlier
        ``step``.

        How depends on what is safe. *The same call again* (same stored bytes, same idempotency key, tries
        counted from one) when the step's last call failed transiently, or nobody knows whether it happened,
        or it was taken back when the run died, or it is a later call of an action that is half done. For
        classes A, B and C the vendor's key, the same write or our mark keep it from happening twice, and they
        are looked at first; for class D a transient failure means that nothing happened, and after a doubt it
        is the person who decides. *A new visit* (rendered anew, new key) otherwise:
        the vendor refused those bytes, or no call was made. ``anew`` asks for a new visit in any case, and so
        does an earlier step: all calls from there on are made again. A call that succeeded while its run was
        dead is not made again: the run takes its outcome in.

        A run that is *done with a failure* goes back to the step that failed (``step`` names one of several), and takes
        none again that it has taken besides: what was left out because of the failure now follows.

        Refused while a call is under way: its outcome decides whether there is anything to retry.
        """
        by = told(by, "by", LONGEST_NAME)

        def work(tx: Connection, desk: RunAdvancer, moment: Moment) -> CommandResult:
            case = open_case(tx, desk, run_id, moment.now)
            case.allow("retry", STOPPED)
            case.stop_calls("retry")
            case.claim_key("retry")
            is_rescued = case.status is Status.DONE_WITH_FAILURE
            case.rearm(step)
            place = place_of(case, step) if step and not is_rescued else case.state.position
            effect = case.effect() if place == case.state.position and not anew else None
            if effect is not None and effect.status == "done":
                return self._take_up(case, effect, by)
            if effect is not None and _is_repeated(effect):
                return self._again(case, effect, say("hand.retried_same", by=by))
            passed = case.state.passed if place == case.state.position else ()
            return self._replay(case, replace(case.state, position=place, passed=passed), by, moment)

        return self._act("retry", [run_id], work)

    def dismiss(self, run_id: str, by: str, reason: str) -> CommandResult:
        """Say of a run that failed, died or needs a review that nothing more is to be done: it, and its calls that
        ended badly, wait for nobody any more. What happened, who said so and why stay in its history. Dismissing
        twice is once. Refused while a call is under way."""
        by, reason = told(by, "by", LONGEST_NAME), told(reason, "reason", LONGEST_REASON)

        def work(tx: Connection, desk: RunAdvancer, moment: Moment) -> CommandResult:
            case = open_case(tx, desk, run_id, moment.now)
            case.allow("dismiss", STOPPED | {Status.DISMISSED})
            if case.status is Status.DISMISSED:
                return CommandResult(case.id, "dismissed", "was dismissed before")
            case.stop_calls("dismiss")
            _close_calls(case)
            desk.adopt([(case.draft, engine.dismiss(case.state, f"by {by}: {reason}"))])
            return CommandResult(case.id, case.status.value, "dismissed")

        return self._act("dismiss", [run_id], work)

    def skip(self, run_id: str, step: str, output: Mapping[str, Any], by: str) -> CommandResult:
        """Give the step at which a run waits or stopped its output by hand, and let it go on.

        For an action ``output`` becomes ``steps.<id>`` with ``done`` true unless it says otherwise; for an
        awaited event it is the event. ``step`` must be where the run stands, so that two people who skip the
        same step do not skip two. Refused while a call is under way.
        """
        by, given = told(by, "by", LONGEST_NAME), controls_input.output(output)

        def work(tx: Connection, desk: RunAdvancer, moment: Moment) -> CommandResult:
            case = open_case(tx, desk, run_id, moment.now)
            case.allow("skip", _SKIPPED)
            case.rearm(step)
            case.at(step)
            return self._give(
                case, _by_hand(case, given), "skip", say("hand.skipped", by=by)
            )

        return self._act("skip", [run_id], work)

    def answer_review(
        self, run_id: str, happened: bool, by: str, *, output: Mapping[str, Any] | None = None
    ) -> CommandResult:
        """Say whether the call happened that nobody could be sure of. If it did, the run goes on with
        ``output``; if not, the same call is made again, with the same bytes and key."""
        by, given = told(by, "by", LONGEST_NAME), controls_input.output(output or {})

        def work(tx: Connection, desk: RunAdvancer, moment: Moment) -> CommandResult:
            case = open_case(tx, desk, run_id, moment.now)
            case.rearm()
            effect = case.effect() if case.status in STOPPED else None
            if effect is None or effect.status != "review":
                raise case.refused("review")
            if not happened:
                case.claim_key("review")
                return self._again(case, effect, say("hand.not_happened", by=by))
            return self._give(case, EffectDone(case.visit, given), "review", say("hand.happened", by=by))

        return self._act("review", [run_id], work)

    def restart(self, run_id: str, by: str) -> CommandResult:
        """Begin a new run from the same event and the same facts, with the newest version of the workflow.

        A run that is still going is cancelled first. Refused while a call is under way, when another run has
        the key, when the workflow is retired, and when this run was restarted before (restart the new one).
        """
        by = told(by, "by", LONGEST_NAME)

        def work(tx: Connection, desk: RunAdvancer, moment: Moment) -> CommandResult:
            case = open_case(tx, desk, run_id, moment.now)
            case.stop_calls("restart")
            new = self._restart(case, by, moment)
            return CommandResult(run_id, case.status.value, "restarted", new)

        return self._act("restart", [run_id], work)

    def _again(self, case: LockedRun, effect: Any, text: str) -> CommandResult:
        """Put a call back to due as it is stored. What is repeatable is reconciled first; class D only
        calls."""
        back = {
            "status": "due",
            "due_at": case.now,
            "ended_at": None,
            "attempts": 0,
            "error": "",
            "error_kind": "",
        }
        unsure = effect.unsure or effect.effect_class != EffectClass.BLIND
        case.tx.execute(update(effects).where(effects.c.id == effect.id).values(**back, unsure=unsure))
        case.draft.notes.append(Note(case.place, "by_hand", text))
        case.desk.adopt([(case.draft, Decision(case.waiting()))])
        case.desk.asked.add(effects_queue(effect.connection))
        return CommandResult(case.id, case.status.value, "the same call is made again")

    def _take_up(self, case: LockedRun, row: Any, by: str) -> CommandResult:
        """The call succeeded, and the run died before it could take the outcome in."""
        case.draft.notes.append(Note(case.place, "by_hand", say("hand.retried_done", by=by)))
        case.draft.state = case.waiting()
        effect = Effect(**{field.name: getattr(row, field.name) for field in fields(Effect)})
        case.desk.finish([(case.draft, effect, row.outcome or {})])
        return CommandResult(case.id, case.status.value, "goes on with the outcome of the call that was made")

    def _replay(self, case: LockedRun, state: Any, by: str, moment: Moment) -> CommandResult:
        draft = case.draft
        draft.notes.append(Note("", "by_hand", say("hand.retried_anew", by=by)))
        decision = engine.replay(draft.version.workflow, state, draft.facts, moment)
        case.desk.adopt([(draft, decision)])
        return CommandResult(case.id, case.status.value, "tried again from its step, as a new visit")

    def _give(self, case: LockedRun, given: Input, wish: str, text: str) -> CommandResult:
        case.stop_calls(wish)
        case.claim_key(wish)
        _close_review(case, given)
        case.desk.waits.end([case.id], "cancelled")
        case.draft.notes.append(Note(case.place, "by_hand", text))
        case.draft.state = case.waiting()
        case.desk.resume([(case.draft, given)])
        return CommandResult(case.id, case.status.value, "goes on with the output given")

    def _act(self, wish: str, ids: Sequence[str], work: Callable[[Connection, RunAdvancer, Moment], T]) -> T:
        """One transaction, then the bell for what it made due."""
        try:
            done, asked = self._database.transact(lambda tx: self._at_desk(tx, work))
        except IntegrityError as error:  # two runs of one key at the same moment: the other one has it
            raise RefusedError(say("refused.at_once"), "look again") from error
        log.info(
            "by hand: %s of run %s", wish, ", ".join(ids)
        )  # who it was stands in the history, not in the log
        for queue in asked:
            self._ring(queue)
        return done

    def _at_desk(
        self, tx: Connection, work: Callable[[Connection, RunAdvancer, Moment], T]
    ) -> tuple[T, frozenset[str]]:
        moment = Moment(self._clock(), self._calendar)
        desk = self._open_desk(tx, moment)
        return work(tx, desk, moment), frozenset(desk.asked)


def _is_repeated(effect: Any) -> bool:
    """Whether a retry makes this very call again; see ``RunCommands.retry``."""
    if effect.status in {"review", "cancelled"}:
        return True
    return bool(effect.status == "failed" and (effect.error_kind == "transient" or effect.stage > 0))


def _by_hand(case: LockedRun, output: Mapping[str, Any]) -> Input:
    """The input that the step would have got."""
    step = case.step
    if isinstance(step, Do):
        return EffectDone(case.visit, output)
    if isinstance(step, Wait):
        return EventArrived(case.visit, output) if step.event else TimePassed(case.visit)
    why = say("refused.no_output", run=case.id, place=case.place)
    raise RefusedError(why, "retry", "restart after mending the workflow")


def _close_calls(case: LockedRun) -> None:
    """Calls that ended badly, or that nobody could be sure of, are nobody's business any more."""
    open_ = effects.c.status.in_(("failed", "review"))
    case.tx.execute(update(effects).where(effects.c.run_id == case.id, open_).values(status="cancelled"))


def _close_review(case: LockedRun, given: Input) -> None:
    """A doubt that a person settled is no longer open."""
    effect = case.effect()
    if effect is None or effect.status != "review":
        return
    output = dict(given.output) if isinstance(given, EffectDone) else {}
    closed = {"status": "done", "outcome": output, "ended_at": case.now}
    case.tx.execute(update(effects).where(effects.c.id == effect.id).values(closed))
