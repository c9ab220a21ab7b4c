"""The state of the database as Prometheus gauges, read anew at every scrape."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from connector.clock import Clock
from connector.observe.backlog import STATES, Backlog, ConnectionState, QueueLine, read_backlog
from connector.observe.complaints import ComplaintGauges
from connector.observe.usage import Forecast, forecasts
from connector.storage.engine.database import Database
from connector.storage.flow_control.rate_budget import Budget


class StateCollector(Collector):
    """Every process shows the same state, because they share the database: take their maximum, no sum."""

    def __init__(
        self,
        database: Database,
        configured: Collection[str],
        budget: Callable[[str], Budget | None],
        reserve: Callable[[str], float],
        clock: Clock,
    ) -> None:
        self._database, self._configured, self._clock = database, configured, clock
        self._budget, self._reserve, self._complaints = budget, reserve, ComplaintGauges()

    def collect(self) -> Iterator[Metric]:
        """A database that does not answer is a figure, too: this process's counters are still shown."""
        now = self._clock()
        try:
            with self._database.read() as tx:
                backlog = read_backlog(tx, self._configured, self._budget, now)
                calls = forecasts(tx, self._reserve, now)
                complaints = self._complaints.read(tx, now)
        except SQLAlchemyError:
            yield _gauge("database_up", "Whether the database answers.", 0)
            return
        yield _gauge("database_up", "Whether the database answers.", 1)
        yield from _whole(backlog, lambda line: line.lag(now))
        yield from _by_connection(backlog.connections, lambda line: line.lag(now))
        yield from _daily_calls(calls)
        yield from self._complaints.collect(complaints)


def _whole(backlog: Backlog, lag: Callable[[QueueLine], float]) -> Iterator[Metric]:
    yield _gauge(
        "deliveries_waiting", "Deliveries that are kept and not understood yet.", backlog.deliveries.waiting
    )
    yield _gauge(
        "deliveries_oldest_seconds", "How long the oldest of them has waited.", lag(backlog.deliveries)
    )
    yield _gauge("deliveries_set_aside", "Deliveries that could not be read or processed.", backlog.set_aside)
    yield _gauge("runs_due", "Runs whose time has come.", backlog.runs.waiting)
    yield _gauge("runs_due_lag_seconds", "For how long the first of them has been due.", lag(backlog.runs))
    stopped = GaugeMetricFamily("ringback_runs_stopped", "Runs that wait for a person.", labels=("status",))
    for status, count in backlog.stopped.items():
        stopped.add_metric([status], count)
    yield stopped


def _by_connection(states: Iterable[ConnectionState], lag: Callable[[QueueLine], float]) -> Iterator[Metric]:
    due = _family("effects_due", "Outward calls whose time has come.")
    behind = _family("effects_due_lag_seconds", "For how long the first of them has been due.")
    performing = _family("effects_performing", "Outward calls under way.")
    dead = _family(
        "dead_letters", "Outward calls that ended badly (failed) or need a person (review).", "status"
    )
    state = _family("connection_state", "1 for the state the connection is in, 0 for the others.", "state")
    budget = _family(
        "budget_used_ratio", "The part of the rate budget's burst that is used up; from 1 on calls wait."
    )
    for each in states:
        due.add_metric([each.name], each.due.waiting)
        behind.add_metric([each.name], lag(each.due))
        performing.add_metric([each.name], each.performing)
        dead.add_metric([each.name, "failed"], each.failed)
        dead.add_metric([each.name, "review"], each.review)
        for name in STATES:
            state.add_metric([each.name, name], float(each.state == name))
        if each.budget_used is not None:
            budget.add_metric([each.name], each.budget_used)
    yield from (due, behind, performing, dead, state, budget)


def _daily_calls(found: Iterable[Forecast]) -> Iterator[Metric]:
    used = _family("daily_calls_used", "Calls of the last 24 hours at the vendor, by all integrations.")
    total = _family("daily_calls_allowed", "Calls that the vendor allows in 24 hours.")
    left = _family("daily_calls_reserve_in_hours", "Hours until only the reserve is left, at the pace of now.")
    for each in found:
        used.add_metric([each.connection], each.used)
        total.add_metric([each.connection], each.total)
        left.add_metric([each.connection], math.inf if each.hours is None else each.hours)
    yield from (used, total, left)


def _gauge(name: str, says: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"ringback_{name}", says, value=value)


def _family(name: str, says: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"ringback_{name}", says, labels=("connection", *labels))
