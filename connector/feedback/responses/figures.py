"""Answers as lists show them, and the figures that they make: each with its n and its 95 % interval, scales unmixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select

from connector.storage.schema.tables import responses
from workflows.errors import ScoreError
from workflows.scoring import SCALES, Band, Interval, figure_of, scale_of

_LINE = ("id", "answered_at", "customer_id", "survey", "metric", "scale", "score", "band", "comment", "revision")


@dataclass(frozen=True, slots=True)
class ResponseLine:
    """One answer that counts. ``scale`` names the variant, "" for the metric's usual one."""

    id: str
    answered_at: datetime
    customer_id: str | None
    survey: str
    metric: str
    scale: str
    score: int
    band: str
    comment: str
    revision: int


@dataclass(frozen=True, slots=True)
class ScaleFigure:
    """The answers on one scale. ``score`` and ``interval`` are as ``scoring.Figure`` has them: points from −100 to 100
    for NPS and NLS, a share from 0 to 1 for CSAT and CES."""

    metric: str
    scale: str
    n: int
    promoters: int
    passives: int
    detractors: int
    score: float | None
    interval: Interval | None


def narrowed(
    survey: str | None = None, metric: str | None = None, customer: str | None = None, since: datetime | None = None
) -> list[ColumnElement[bool]]:
    """Which answers: every part that is given must hold."""
    c = responses.c
    wanted = ((c.survey, survey), (c.metric, metric), (c.customer_id, customer))
    found = [column == value for column, value in wanted if value is not None]
    return [*found, c.answered_at >= since] if since is not None else found


def listed(tx: Connection, which: Sequence[ColumnElement[bool]], limit: int) -> list[ResponseLine]:
    """The newest first."""
    c = responses.c
    found = select(*(c[name] for name in _LINE)).where(*which).order_by(c.answered_at.desc(), c.id.desc()).limit(limit)
    return [ResponseLine(*row) for row in tx.execute(found)]


def figures(tx: Connection, which: Sequence[ColumnElement[bool]]) -> list[ScaleFigure]:
    """One for each scale, by metric: variants are never mixed. One statement, however many answers there are."""
    c, counts = responses.c, Counter[tuple[str, str, str]]()
    for metric, scale, band, count in tx.execute(
        select(c.metric, c.scale, c.band, func.count()).where(*which).group_by(c.metric, c.scale, c.band)
    ):
        counts[metric, scale, band] += count
    found = sorted({(metric, scale) for metric, scale, _ in counts})
    return [_figure(*each, *(counts[(*each, band.value)] for band in Band)) for each in found]


def _figure(metric: str, scale: str, promoters: int, passives: int, detractors: int) -> ScaleFigure:
    bands, n = (promoters, passives, detractors), promoters + passives + detractors
    try:
        made = figure_of(scale_of(metric, scale if scale in SCALES else None), *bands)
    except ScoreError:  # a metric of another platform, which no formula of ours is for
        return ScaleFigure(metric, scale, n, *bands, None, None)
    return ScaleFigure(metric, scale, n, *bands, made.value, made.interval)
