"""From what a run asks for to a stored effect: the actions' part in a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from connector.feedback.base.actions import (
    ActionContext,
    Batch,
    CompletionContext,
    Effect,
    Handler,
    Intent,
    NotPossibleError,
    Output,
    effect_key,
)
from connector.ids import new_id
from connector.runtime.runs.run_update import RunUpdate
from connector.storage.engine.database import Database
from integrations.errors import IntegrationError
from workflows import engine
from workflows.actions import ACTIONS, EffectClass
from workflows.engine import Moment
from workflows.errors import WorkflowError
from workflows.runs import Decision, EffectDone, EffectFailed, EffectWanted, Input, Note
from workflows.sentences import say

Answer = Intent | Output | EffectFailed


class ActionRunner:
    """Lets runs go on until each is at an outward call, at a wait, or at its end."""

    def __init__(
        self, database: Database, tx: Connection, handlers: Mapping[str, Handler], moment: Moment
    ) -> None:
        self._database, self._tx, self._handlers, self._moment = database, tx, handlers, moment
        self._batch = Batch()

    def together(self, drafts: Sequence[RunUpdate]) -> None:
        """These runs are advanced next; what their actions must read of the customers is read for all at once."""
        self._batch = Batch(frozenset(draft.customer_id for draft in drafts if draft.customer_id))

    @property
    def _now(self) -> datetime:
        return self._moment.now

    def start(self, draft: RunUpdate) -> None:
        draft.take(engine.start(draft.version.workflow, draft.facts, self._moment))
        self._settle(draft)

    def adopt(self, draft: RunUpdate, decision: Decision) -> None:
        """Take a decision that was made elsewhere, and prepare what it asks for."""
        draft.take(decision)
        self._settle(draft)

    def resume(self, draft: RunUpdate, what: Input) -> None:
        """Give the run its input; one that is not there yet, or has ended, takes none."""
        if draft.state is None or not draft.is_live:
            draft.notes.append(Note("", "ignored", say("run.too_late")))
            return
        draft.take(engine.resume(draft.version.workflow, draft.state, draft.facts, what, self._moment))
        self._settle(draft)

    def finish(self, draft: RunUpdate, effect: Effect, result: Mapping[str, Any]) -> None:
        """An effect succeeded: its action ends, or asks for its next call."""
        if draft.state is None or draft.state.waiting_for != effect.visit:
            draft.notes.append(Note("", "ignored", say("run.moved_on", action=effect.action)))
            return
        answer = self._finished(draft, effect, result)
        if isinstance(answer, Intent):
            draft.effects.append(self._next_row(draft, effect, answer))
            self._write(draft, answer)
        else:
            self.resume(draft, self._input(draft, effect.visit, answer))

    def _settle(self, draft: RunUpdate) -> None:
        """Prepare what the run asks for; an action that decides at once lets it go on."""
        while (wanted := draft.asked) is not None:
            answer = self._prepared(draft, wanted)
            if isinstance(answer, Intent):
                draft.effects.append(self._first_row(draft, wanted, answer))
                self._write(draft, answer)
                return
            given = self._input(draft, wanted.visit, answer)
            assert draft.state is not None  # noqa: S101 - whoever asks has a state
            draft.take(engine.resume(draft.version.workflow, draft.state, draft.facts, given, self._moment))

    def _prepared(self, draft: RunUpdate, wanted: EffectWanted) -> Answer:
        slug = draft.version.workflow.slug
        ask = ActionContext(draft.id, slug, draft.facts, wanted, self._now, self._database, self._tx, self._batch)
        try:
            return self._handlers[wanted.action].prepare(ask)
        except (NotPossibleError, WorkflowError, IntegrationError) as error:
            return EffectFailed(wanted.visit, "permanent", str(error))

    def _finished(self, draft: RunUpdate, effect: Effect, result: Mapping[str, Any]) -> Answer:
        slug = draft.version.workflow.slug
        done = CompletionContext(effect, result, draft.facts, slug, self._now, self._database, self._tx)
        try:
            answer = self._handlers[effect.action].finish(done)
        except (NotPossibleError, WorkflowError, IntegrationError) as error:
            return EffectFailed(effect.visit, "permanent", str(error))
        return _told_unsure(answer, result) if isinstance(answer, Output) else answer

    def _input(self, draft: RunUpdate, visit: str, answer: Output | EffectFailed) -> Input:
        if isinstance(answer, EffectFailed):
            return answer
        self._write(draft, answer)
        return EffectDone(visit, answer.output)

    def _write(self, draft: RunUpdate, answer: Intent | Output) -> None:
        draft.writes.extend(answer.writes)

    def _first_row(self, draft: RunUpdate, wanted: EffectWanted, intent: Intent) -> dict[str, Any]:
        spec = ACTIONS[wanted.action]
        delivery = wanted.delivery or spec.delivery
        return self._row(draft, intent) | {
            "visit": wanted.visit,
            "action": wanted.action,
            "effect_class": _class_of(wanted.action, intent),
            "delivery": delivery.value if delivery else None,
            "key": effect_key(draft.id, wanted.visit),
            "retry": asdict(wanted.retry) if wanted.retry else None,
        }

    def _next_row(self, draft: RunUpdate, effect: Effect, intent: Intent) -> dict[str, Any]:
        return self._row(draft, intent) | {
            "visit": effect.visit,
            "action": effect.action,
            "effect_class": _class_of(effect.action, intent),
            "delivery": effect.delivery,
            "key": effect_key(draft.id, effect.visit, intent.stage),
            "retry": effect.retry,
        }

    def _row(self, draft: RunUpdate, intent: Intent) -> dict[str, Any]:
        return {
            "id": new_id(),
            "run_id": draft.id,
            "stage": intent.stage,
            "connection": intent.connection,
            "workflow": draft.version.workflow.slug,
            "request": dict(intent.request),
            "serial": intent.serial,
            "bucket": intent.bucket,
            "cost": intent.cost,
            "beside": intent.beside,
            "status": "due",
            "due_at": intent.due_at or self._now,
            "created_at": self._now,
        }


def _told_unsure(answer: Output, result: Mapping[str, Any]) -> Output:
    """An action that only may have happened says so in the run, whatever its handler makes of it."""
    if not result.get("unsure"):
        return answer
    return replace(answer, output={**answer.output, "unsure": True, "reason": result["reason"]})


def _class_of(action: str, intent: Intent) -> str:
    return (EffectClass.UPSERT if intent.reads_only else ACTIONS[action].effect).value
