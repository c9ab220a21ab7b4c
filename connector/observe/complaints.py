"""How many of those who were asked called it spam: providers act on this share, so it is shown and warned of early."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import Connection

from connector.feedback.mail_feedback.complaint_share import WARNING, ComplaintShare, measure
from connector.observe.findings import Finding, ok, warning

_REMEDY = "Ask fewer people and less often, and look at `ringback mail returned`: providers soon keep all our mail out."
_GOOD_FOR = timedelta(minutes=5)


class ComplaintGauges:
    """The share for Prometheus. A month of invitations is counted, so not anew at every scrape."""

    def __init__(self) -> None:
        self._known: tuple[datetime, ComplaintShare] | None = None

    def read(self, tx: Connection, now: datetime) -> ComplaintShare:
        if self._known is None or not timedelta(0) <= now - self._known[0] < _GOOD_FOR:
            self._known = (now, measure(tx, now))
        return self._known[1]

    def collect(self, share: ComplaintShare) -> Iterator[Metric]:
        says = "The part (0 to 1) of the invitations of the last 30 days that were reported as spam."
        yield GaugeMetricFamily("ringback_mail_complaint_share", says, value=share.share)


def check_complaints(share: ComplaintShare) -> Finding:
    """A warning from 0.1 % on."""
    said = f"{share.complaints} of the {share.sent:,} invitations of the last 30 days were reported as spam"
    if not share.is_too_high:
        return ok("complaints", said)
    return warning("complaints", f"{said} ({share.share:.2%}; {WARNING:.1%} is too many).", _REMEDY)
