"""What one process counts while it works, for Prometheus.

Labels hold names from the configuration and words of ours, never anything that a sender chose: a stranger
must not be able to make a new time series.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

from connector.observe.figures import Shown

CALL_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40)
"""Upper bounds; no call lasts longer than the last one."""

UNKNOWN = "unknown"
"""The label of connections that nobody configured."""


class Counters:
    """The counters of one process. ``own`` holds them alone; ``registry`` is what is shown."""

    def __init__(self) -> None:
        self.own, self.registry = CollectorRegistry(), CollectorRegistry()
        self.shown = Shown(self.own)
        self.registry.register(self.shown)
        self._kept = Counter(
            "ringback_deliveries", "Webhook deliveries that were genuine, by what they were.",
            ("connection", "outcome"), registry=self.own,
        )  # fmt: skip
        self._refused = Counter(
            "ringback_deliveries_refused", "Webhook requests that were answered with an error.",
            ("connection", "reason"), registry=self.own,
        )  # fmt: skip
        self._effects = Counter(
            "ringback_effects", "Outward calls' effects, tried once each, by what became of them.",
            ("connection", "action", "outcome"), registry=self.own,
        )  # fmt: skip
        self._calls = Histogram(
            "ringback_call_seconds", "How long outward calls took; one call may carry many effects.",
            ("connection", "outcome"), registry=self.own, buckets=CALL_SECONDS,
        )  # fmt: skip
        self._retried = Counter(
            "ringback_transactions_retried", "Transactions that lost a race and were done again.",
            registry=self.own,
        )  # fmt: skip
        self._removed = Counter(
            "ringback_rows_removed", "Rows that went because their period was over; a run with all of its own is one.",
            ("kind",), registry=self.own,
        )  # fmt: skip
        ProcessCollector(registry=self.own)

    def kept(self, connection: str, outcome: str) -> None:
        """A delivery was genuine: new, a duplicate, or unreadable and kept all the same."""
        self._kept.labels(connection, outcome).inc()

    def refused(self, connection: str, reason: str) -> None:
        """A webhook request was answered with an error."""
        self._refused.labels(connection, reason).inc()

    def called(self, connection: str, outcome: str, seconds: float) -> None:
        """An outward call ended."""
        self._calls.labels(connection, outcome).observe(seconds)

    def tried(self, connection: str, action: str, outcome: str) -> None:
        """An effect was tried: "done", or the kind of its error."""
        self._effects.labels(connection, action, outcome).inc()

    def removed(self, kind: str, count: int) -> None:
        """Rows of a kind went, because their period was over."""
        self._removed.labels(kind).inc(count)

    def retried(self) -> None:
        """A transaction is done again."""
        self._retried.inc()
