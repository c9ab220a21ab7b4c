"""Customers on a terminal: the lines of a list, and all that is known of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.feedback.agent.timeline import TimelineItem
from connector.feedback.customers.directory import Belongings
from connector.feedback.customers.identity import Customer
from connector.feedback.responses.figures import ResponseLine


@dataclass(frozen=True, slots=True)
class CustomerLine:
    """One of those that were found."""

    id: str
    name: str
    email: str
    phone: str
    ids: Mapping[str, str]
    answers: int
    open_callbacks: int


@dataclass(frozen=True, slots=True)
class CustomerPicture:
    """All that is known of one: facts, answers and what happened, newest first."""

    line: CustomerLine
    locale: str | None
    loyalty: str
    opted_out_at: datetime | None
    facts: Mapping[str, Any]
    answers: Sequence[ResponseLine]
    timeline: Sequence[TimelineItem]


def line_of(who: Customer, has: Belongings) -> CustomerLine:
    known = {system: value for system, value in who.ids.items() if system != "email"}
    named = (who.id, who.name or "", who.email or "", who.phone or "")
    return CustomerLine(*named, known, has.answers, has.open_callbacks)


def shown_ids(ids: Mapping[str, str]) -> str:
    return ", ".join(f"{system}:{value}" for system, value in ids.items())
