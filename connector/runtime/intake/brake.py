"""A brake for workflows that answer themselves. Own writes are known by who made them; where a vendor does not say whom
we act as, a workflow that comments on each comment would never end. So one record starts only so many runs in an hour.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, tuple_

from connector.feedback.base.event_hooks import IncomingEvent
from connector.runtime.intake.matching import StartPlan
from connector.runtime.intake.telling import OF_RECORDS
from connector.storage.schema.tables import events

log = logging.getLogger(__name__)

MOST = 100
"""Events of one type about one record within ``SPAN`` that may start runs. Agents and customers who write to each other
as fast as they can stay below it."""

SPAN = timedelta(hours=1)

_BRAKED = OF_RECORDS | {"callback.changed"}
"""What our own writes can cause. Answers are told once each."""

Plans = Sequence[Sequence[StartPlan]]


def braked(tx: Connection, arrivals: Sequence[IncomingEvent], plans: Plans, now: datetime) -> Plans:
    """The plans, of which those start nothing whose record has had too much in the last hour; they say why."""
    wanted = {_key(a) for a, plan in zip(arrivals, plans, strict=True) if _key(a) and any(p.starts for p in plan)}
    crowded = _crowded(tx, [key for key in wanted if key is not None], now) if wanted else {}
    return [_parked(a, plan, crowded[key]) if (key := _key(a)) in crowded else plan
            for a, plan in zip(arrivals, plans, strict=True)]  # fmt: skip


def _key(arrival: IncomingEvent) -> tuple[str, str] | None:
    subject = arrival.subject
    return (arrival.type, subject) if arrival.type in _BRAKED and subject is not None else None


def _crowded(tx: Connection, keys: Sequence[tuple[str, str]], now: datetime) -> dict[tuple[str, str], int]:
    c = events.c
    lately = select(c.type, c.subject, func.count()).where(tuple_(c.type, c.subject).in_(keys))
    found = tx.execute(lately.where(c.received_at > now - SPAN).group_by(c.type, c.subject))
    return {(type_, subject): count for type_, subject, count in found if count >= MOST}


def _parked(arrival: IncomingEvent, plan: Sequence[StartPlan], count: int) -> list[StartPlan]:
    why = f"not started: {count} {arrival.type} about {arrival.subject} came within an hour; does it answer itself?"
    log.warning("no run is started: too many %s about one record within an hour", arrival.type,
                extra={"event": arrival.id, "delivery": arrival.delivery_id})  # fmt: skip
    return [replace(each, starts=False, why=why) if each.starts else each for each in plan]
