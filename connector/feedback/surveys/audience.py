"""Whom a survey wants, and how it reminds: values of its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from workflows.durations import Duration

MOST_REMINDERS = 2


@dataclass(frozen=True, slots=True)
class Quota:
    """At most ``most`` people within ``span``; ``of_team``: of each team, as the tickets' groups say."""

    most: int
    span: timedelta
    of_team: bool


@dataclass(frozen=True, slots=True)
class Audience:
    """Of those for whom a workflow asks: whom the condition (CEL over ``customer`` and ``context``) holds for, a share
    of them in percent, and no more than the quotas allow."""

    condition: str | None = None
    sample: Decimal | None = None
    quotas: tuple[Quota, ...] = ()


EVERYBODY = Audience()


@dataclass(frozen=True, slots=True)
class Reminder:
    """What is said to whoever has not answered ``after`` the mail before it left; the greeting is the invitation's
    unless it has its own."""

    after: Duration
    subject: Mapping[str, str]
    intro: Mapping[str, str]
    greeting: Mapping[str, str] = field(default_factory=dict)
