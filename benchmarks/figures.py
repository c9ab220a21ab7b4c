"""From what sender and counterpart saw to figures."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from benchmarks.load import Sent, wants_call

Times = Mapping[int, list[float]]


@dataclass(frozen=True, slots=True)
class Figures:
    """One measurement. Latencies are milliseconds, CPU is the product's seconds per closed loop."""

    answers: int
    closed_per_second: float
    accepted_per_second: float
    accept_p50: float
    accept_p99: float
    loop_p50: float
    loop_p99: float
    cpu_per_loop: float
    lost: int
    doubled: int


def figures(sent: Sent, tickets: Times, scores: Times, cpu: float) -> Figures:
    """A loop is closed when its last effect happened: the score, and the ticket where one is due."""
    closed = {number: _end(number, tickets, scores) for number in sent.accepted}
    ends = {number: end for number, end in closed.items() if end is not None}
    span = max(ends.values(), default=sent.began) - sent.began
    loops = [end - sent.at[number] for number, end in ends.items()]
    accepts = list(sent.accepted.values())
    return Figures(
        answers=len(sent.at),
        closed_per_second=round(len(ends) / span, 1) if span > 0 else 0.0,
        accepted_per_second=round(len(accepts) / (sent.ended - sent.began), 1),
        accept_p50=_percentile(accepts, 50),
        accept_p99=_percentile(accepts, 99),
        loop_p50=_percentile(loops, 50),
        loop_p99=_percentile(loops, 99),
        cpu_per_loop=round(cpu / max(1, len(ends)), 5),
        lost=len(sent.accepted) - len(ends),
        doubled=sum(len(times) > 1 for each in (tickets, scores) for times in each.values()),
    )


def expected(sent: Sent) -> tuple[int, int]:
    """How many (tickets, scores) follow from the accepted answers."""
    return sum(map(wants_call, sent.accepted)), len(sent.accepted)


def _end(number: int, tickets: Times, scores: Times) -> float | None:
    due = [scores, tickets] if wants_call(number) else [scores]
    firsts = [each[number][0] for each in due if number in each]
    return max(firsts) if len(firsts) == len(due) else None


def _percentile(values: Collection[float], percent: int) -> float:
    """By the nearest rank, in milliseconds."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1000, 1) if ordered else 0.0
