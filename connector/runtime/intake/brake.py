"""A brake for workflows that answer themselves. Own writes are known by who made them; where a vendor does not say whom
we act as, a workflow that comments on each comment would never end. So a workflow begins only so many runs about one
record in an hour, whatever the events are called. Those beyond are parked: they are there, say why, and begin when a
person lets them.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from connector.config.file import RUNS_PER_RECORD
from connector.feedback.base.event_hooks import IncomingEvent
from connector.observe.backlog import PARKED
from connector.runtime.intake.matching import StartPlan
from connector.runtime.intake.telling import OF_RECORDS
from connector.storage.schema.tables import events, runs

log = logging.getLogger(__name__)

SPAN = timedelta(hours=1)

_BRAKED = OF_RECORDS | {"callback.changed"}
"""What our own writes can cause. Answers are told once each."""

Plans = Sequence[Sequence[StartPlan]]
_Key = tuple[str, str]  # a workflow, and the record its run is about


@dataclass(frozen=True, slots=True)
class Brake:
    """``most`` runs of one workflow about one record within ``SPAN``. Parked ones do not count: they did nothing."""

    most: int = RUNS_PER_RECORD

    def __call__(self, tx: Connection, arrivals: Sequence[IncomingEvent], plans: Plans, now: datetime) -> Plans:
        """The plans, of which those are parked whose record has had its runs; they say why."""
        subjects = {_subject(a) for a, plan in zip(arrivals, plans, strict=True) if any(p.starts for p in plan)} - {""}
        if not subjects:
            return plans
        begun = _begun(tx, subjects, now)
        return [self._braked(a, plan, begun) for a, plan in zip(arrivals, plans, strict=True)]

    def _braked(self, arrival: IncomingEvent, plan: Sequence[StartPlan], begun: Counter[_Key]) -> list[StartPlan]:
        return [self._one(arrival, each, begun) for each in plan]

    def _one(self, arrival: IncomingEvent, plan: StartPlan, begun: Counter[_Key]) -> StartPlan:
        key = (plan.version.workflow.slug, _subject(arrival))
        if not plan.starts or not key[1]:
            return plan
        if begun[key] < self.most:
            begun[key] += 1
            return plan
        log.warning("a run is parked: its workflow began too many about one record within an hour",
                    extra={"event": arrival.id, "delivery": arrival.delivery_id})  # fmt: skip
        many = f"{self.most} run{'s' * (self.most != 1)} of this workflow about {key[1]} began within an hour"
        return replace(plan, why=f"{PARKED}{many}; does it answer itself?", parked=True)


def _subject(arrival: IncomingEvent) -> str:
    return (arrival.subject or "") if arrival.type in _BRAKED else ""


def _begun(tx: Connection, subjects: Iterable[str], now: datetime) -> Counter[_Key]:
    """How many runs each workflow began about each record. Of all kinds of events that our writes can cause: a loop may
    go round through several."""
    e, r = events.c, runs.c
    lately = select(r.workflow, e.subject, func.count()).join(runs, r.event_seq == e.seq)
    lately = lately.where(e.type.in_(sorted(_BRAKED)), e.subject.in_(sorted(subjects)), e.received_at > now - SPAN)
    counted = lately.where(~r.reason.startswith(PARKED)).group_by(r.workflow, e.subject)
    return Counter({(workflow, subject): count for workflow, subject, count in tx.execute(counted)})
