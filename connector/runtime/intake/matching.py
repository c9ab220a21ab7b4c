"""Which workflows an event starts, and which runs were waiting for it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.feedback.base.event_hooks import IncomingEvent
from connector.ids import new_id
from connector.runtime.runs.advance import RunAdvancer
from connector.runtime.runs.run_update import RunUpdate
from connector.runtime.runs.waits import decide
from connector.runtime.runs.workflow_cache import Version
from workflows import engine
from workflows.engine import Moment
from workflows.errors import WorkflowError
from workflows.runs import EventArrived, Facts
from workflows.sentences import kept

log = logging.getLogger(__name__)

KEY_LENGTH = 300
"""Characters; what the key of a run may measure."""


@dataclass(frozen=True, slots=True)
class StartPlan:
    """What a workflow makes of an event: start a run under a key, or not, and why. A parked run is there, and begins
    when a person lets it."""

    version: Version
    starts: bool
    why: str
    key: str = ""
    parked: bool = False

    def json(self) -> dict[str, Any]:
        workflow = self.version.workflow.slug
        line = {"workflow": workflow, "version": self.version.number, "starts": self.starts, "why": str(self.why)}
        said = kept(self.why)
        return line if said is None else {**line, "said": said}


def plan(arrival: IncomingEvent, active: Sequence[Version], moment: Moment) -> list[StartPlan]:
    """Which workflows this event concerns, and what each decides."""
    customer = arrival.customer.view() if arrival.customer else {}
    concerned = [version for version in active if arrival.type in version.workflow.trigger.events]
    return [_decide(version, arrival, customer, moment) for version in concerned]


def _decide(version: Version, arrival: IncomingEvent, customer: Mapping[str, Any], moment: Moment) -> StartPlan:
    workflow = version.workflow
    try:
        verdict = engine.match_trigger(workflow, arrival.type, arrival.data, customer, moment)
        key = engine.run_key(workflow, arrival.data, customer) if verdict.value else ""
    except WorkflowError as error:
        which = {"event": arrival.id, "delivery": arrival.delivery_id}
        log.warning("workflow %s could not decide about an event: %s", workflow.slug, error, extra=which)
        return StartPlan(version, False, f"could not decide: {error}")
    if len(key) > KEY_LENGTH:
        why = f"run.key is {len(key)} characters long, {KEY_LENGTH} are the most; name an id, not a text"
        return StartPlan(version, False, f"could not decide: {why}")
    return StartPlan(version, verdict.value, verdict.why, key)


def new_runs(arrival: IncomingEvent, plans: Sequence[StartPlan], seq: int, now: datetime) -> list[RunUpdate]:
    """The runs that an event starts; it is the ``seq``-th of all events."""
    customer = arrival.customer.view() if arrival.customer else {}
    drafts = []
    for each in (plan for plan in plans if plan.starts):
        run_id = new_id()
        facts = Facts(run_id, arrival.data, customer, now)
        customer_id = arrival.customer.id if arrival.customer else None
        draft = RunUpdate(run_id, each.version, each.key, facts, seq, customer_id, 0, started_at=now)
        if each.parked:
            draft.take(engine.park(each.why))
        drafts.append(draft)
    return drafts


def wake(
    desk: RunAdvancer, arrivals: Sequence[IncomingEvent], seqs: Mapping[str, int], moment: Moment
) -> None:
    """Runs that waited for these events go on; an event meets each wait at most once."""
    for arrival, expecting in _meetings(desk, arrivals):
        drafts = desk.load(wait.run_id for wait in expecting)
        still = desk.waits.still_open([wait.id for wait in expecting])
        given = []
        for wait in (wait for wait in expecting if wait.id in still):
            draft = drafts[wait.run_id]
            met, notes = decide(draft, arrival, moment)
            draft.notes.extend(notes)
            if met:
                desk.waits.close([(wait.id, seqs[arrival.id])])
                given.append((draft, EventArrived(wait.visit, arrival.data)))
        desk.jot(list(drafts.values()))
        desk.resume(given)


def _meetings(desk: RunAdvancer, arrivals: Sequence[IncomingEvent]) -> list[tuple[IncomingEvent, list[Any]]]:
    expected = desk.waits.expected([(arrival.type, arrival.subject) for arrival in arrivals])
    met = [(arrival, [wait for wait in expected if _may_meet(wait, arrival)]) for arrival in arrivals]
    return [(arrival, waits) for arrival, waits in met if waits]


def _may_meet(wait: Any, arrival: IncomingEvent) -> bool:
    return wait.event_type == arrival.type and wait.subject in (None, arrival.subject)
