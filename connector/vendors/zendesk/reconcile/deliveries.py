"""Webhooks that Zendesk sent and that never arrived, from its own log of seven days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from connector.runtime.effects.background_calls import BackgroundCallBudget
from connector.vendors.zendesk.reconcile.feed import Feed
from integrations.zendesk.history import Invocation, ZendeskHistory

FIRST = timedelta(hours=1)
"""How far the first reading looks back: Zendesk may remember a time before there was anybody to tell."""

SETTLED = timedelta(minutes=2)
"""After its latest attempt an invocation is left alone for so long: the next attempt may be on its way."""

OVERLAP = timedelta(minutes=15)
"""So much is read again each time, as an invocation that is tried again moves on in the list."""

MOST = 200
"""Requests fetched in one reading, one call each; the next goes on."""


def read(feed: Feed, ledger: ZendeskHistory, permits: BackgroundCallBudget, value: str, now: datetime) -> str:
    """``value`` is the moment up to which all was found, ISO 8601."""
    reached = datetime.fromisoformat(value) if value else now - FIRST
    left = MOST
    ends = []
    for webhook in feed.webhooks():
        end, left = _of_webhook(feed, ledger, permits, webhook, reached - OVERLAP, now - SETTLED, left)
        ends.append(end)
    return max(reached, min(ends, default=reached)).isoformat()


def _of_webhook(
    feed: Feed,
    ledger: ZendeskHistory,
    permits: BackgroundCallBudget,
    webhook: str,
    since: datetime,
    until: datetime,
    left: int,
) -> tuple[datetime, int]:
    """→ the moment up to which it was read, and how many calls are left."""
    after: str | None = None
    while True:
        permits.take()
        page = ledger.invocations(webhook, since, after)
        settled = [each for each in page.invocations if each.at <= until]
        for each in _missing(feed, settled):
            if left < 1:
                return each.at, 0
            left -= 1
            _fetch(feed, ledger, permits, webhook, each)
        after = page.after
        if after is None or len(settled) < len(page.invocations):
            return until, left


def _missing(feed: Feed, invocations: Sequence[Invocation]) -> list[Invocation]:
    """One question for the whole page."""
    unknown = feed.unknown([each.id for each in invocations])
    return [each for each in invocations if each.id in unknown]


def _fetch(
    feed: Feed, ledger: ZendeskHistory, permits: BackgroundCallBudget, webhook: str, invocation: Invocation
) -> None:
    permits.take()
    sent = ledger.sent(webhook, invocation.id)
    if sent is not None:
        feed.sent(invocation.id, sent.body, sent.headers)
