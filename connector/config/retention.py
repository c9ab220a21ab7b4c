"""How long rows are kept, as people write it.

    retention:
      contents: 30 days        # headers and body of deliveries; what they were, and their key, stays
      deliveries: 400 days     # the rows themselves
      runs: 400 days           # after their end, with history, calls and waits
      events: 400 days
      suppressions: 400 days   # why a person was not asked
      conflicts: 400 days      # ids that pointed to two customers
      traces: 30 days          # at most: what was touched of a survey's links, and from which network; never archived
      archive: archive/        # a folder; what goes is written there first

Each may be left out, or be ``forever``. Customers, invitations, responses, callbacks, consents and what was written on
the customers' records is the business's own record and has no period.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from workflows.durations import parse

FOREVER = "forever"

DEDUPLICATION = timedelta(days=30)
"""Senders repeat deliveries for so long at most: until then a key must be known."""

SHORTEST_CONTENT = timedelta(days=1)

LONGEST_TRACES = timedelta(days=30)
"""What tells of visits is of use for as long as an invitation is open, and nobody's business after that."""

YEAR = timedelta(days=400)
"""A year and what it takes to look back on it."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Periods; None: for ever. ``archive`` is a folder, or None."""

    contents: timedelta | None = timedelta(days=30)
    deliveries: timedelta | None = YEAR
    runs: timedelta | None = YEAR
    events: timedelta | None = YEAR
    suppressions: timedelta | None = YEAR
    conflicts: timedelta | None = YEAR
    traces: timedelta | None = LONGEST_TRACES
    archive: Path | None = None


def period_of(value: object, shortest: timedelta) -> timedelta | None:
    """A period. Raises ValueError and DurationError with the remedy."""
    if value == FOREVER:
        return None
    if not isinstance(value, str) or not value:
        raise ValueError(f'is no time span.\nWrite one as "400 days", or {FOREVER}.')
    duration = parse(value)
    if duration.business:
        raise ValueError("counts business time.\nWrite days or weeks, as 400 days.")
    if duration.span < shortest:
        least = f"{shortest.days} day{'s' * (shortest.days != 1)}"
        raise ValueError(f"is shorter than {least}.\nGive it {least} or more: until then it is needed.")
    return duration.span


def trace_period_of(value: object) -> timedelta:
    """The period of traces, which has an end. Raises ValueError and DurationError with the remedy."""
    period = period_of(value, SHORTEST_CONTENT)
    if period is None or period > LONGEST_TRACES:
        raise ValueError(f"is longer than {LONGEST_TRACES.days} days.\nGive it {LONGEST_TRACES.days} days or less.")
    return period


def contradiction_in(retention: Retention) -> str | None:
    """Why the periods do not go together. A delivery whose content is there may be understood anew, and then its
    events must be known, or its facts would happen a second time."""
    content, events = retention.contents, retention.events
    if events is not None and (content is None or content > events):
        return "are kept longer than events.\nGive events the same period or a longer one."
    return None
