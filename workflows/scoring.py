"""Scores: scales, bands, figures with their intervals. The only file that knows a threshold.

Every metric has the same three bands, so that a workflow asks one question of all of them: ``promoter`` (promoter,
satisfied, easy), ``passive`` (passive, neutral) and ``detractor`` (detractor, dissatisfied, hard); ``label`` gives
the metric's own word. A figure is made of answers on one scale only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from math import sqrt

from workflows.errors import ScoreError

Z95 = 1.959963984540054  # the 97.5 % point of the normal distribution: two-sided 95 %


class Metric(StrEnum):
    NPS = "nps"  # Net Promoter Score: would recommend
    NLS = "nls"  # Net Loyalty Score: would come back
    CSAT = "csat"  # customer satisfaction
    CES = "ces"  # customer effort


class Band(StrEnum):
    PROMOTER = "promoter"
    PASSIVE = "passive"
    DETRACTOR = "detractor"


class Quadrant(StrEnum):
    """NPS (first) by NLS (second), each high or low."""

    DISLOYALTY = "disloyalty"  # low, low
    FALSE_LOYALTY = "false loyalty"  # high, low
    TRAPPED_LOYALTY = "trapped loyalty"  # low, high
    PURE_LOYALTY = "pure loyalty"  # high, high


@dataclass(frozen=True, slots=True)
class Scale:
    """A metric's scale: whole numbers from ``lowest`` to ``highest``, and where its bands begin.

    ``reversed``: a high number is bad (effort asked as "how much effort did it take"); the bounds are then those of
    the mirrored scale. Two scales are the same only when everything about them is.
    """

    metric: Metric
    name: str
    lowest: int
    highest: int
    passive_from: int
    promoter_from: int
    reversed: bool = False

    def __post_init__(self) -> None:
        if not self.lowest < self.passive_from <= self.promoter_from <= self.highest:
            bounds = f"passive from {self.passive_from}, promoter from {self.promoter_from}"
            remedy = f"Choose rising bounds above {self.lowest} and up to {self.highest}."
            raise ScoreError(f"{self.name}: the bounds do not fit ({bounds}). {remedy}")


NPS = Scale(Metric.NPS, "nps", 0, 10, 7, 9)
EUROPEAN_NPS = Scale(Metric.NPS, "european-nps", 0, 10, 6, 8)  # our choice: the variant has no fixed lower bound
NLS = Scale(Metric.NLS, "nls", 0, 10, 7, 9)
CSAT = Scale(Metric.CSAT, "csat-5", 1, 5, 3, 4)
CSAT_10 = Scale(Metric.CSAT, "csat-10", 1, 10, 6, 8)  # our choice, in proportion to the five points
CSAT_3 = Scale(Metric.CSAT, "csat-3", 1, 3, 2, 3)  # bad, neutral, good: a helpdesk's own question
CES = Scale(Metric.CES, "ces-7", 1, 7, 4, 5)  # "it was easy": agreement, high is good
CES_EFFORT = Scale(Metric.CES, "ces-7-effort", 1, 7, 4, 5, reversed=True)  # "how much effort": high is bad
CES_5 = Scale(Metric.CES, "ces-5", 1, 5, 3, 4)
CES_5_EFFORT = Scale(Metric.CES, "ces-5-effort", 1, 5, 3, 4, reversed=True)

SCALES: Mapping[str, Scale] = {
    scale.name: scale for scale in (NPS, EUROPEAN_NPS, NLS, CSAT, CSAT_3, CSAT_10, CES, CES_EFFORT, CES_5, CES_5_EFFORT)
}
"""The scales that a survey may name as its ``variant``."""

_DEFAULTS: Mapping[Metric, Scale] = {Metric.NPS: NPS, Metric.NLS: NLS, Metric.CSAT: CSAT, Metric.CES: CES}
_LABELS: Mapping[Metric, tuple[str, str, str]] = {
    Metric.NPS: ("promoter", "passive", "detractor"),
    Metric.NLS: ("promoter", "passive", "detractor"),
    Metric.CSAT: ("satisfied", "neutral", "dissatisfied"),
    Metric.CES: ("easy", "neutral", "hard"),
}


def scale_of(metric: str, variant: Scale | str | None = None) -> Scale:
    """The scale of a metric; ``variant`` is a scale, the name of one, or None for the usual one. Raises ScoreError."""
    try:
        wanted = Metric(metric)
    except ValueError as error:
        remedy = f"Use one of {', '.join(Metric)}."
        raise ScoreError(f'metric "{str(metric)[:40]}" is not known. {remedy}') from error
    scale = _DEFAULTS[wanted] if variant is None else SCALES.get(variant) if isinstance(variant, str) else variant
    if scale is None or scale.metric is not wanted:
        names = ", ".join(name for name, each in SCALES.items() if each.metric is wanted)
        shown = variant.name if isinstance(variant, Scale) else variant
        raise ScoreError(f'variant "{str(shown)[:40]}" is no scale of {wanted}. Use one of {names}.')
    return scale


def with_bounds(scale: Scale, *, passive_from: int, promoter_from: int) -> Scale:
    """The scale with other bounds, under a name that tells them: it never mixes with the one it came from."""
    name = f"{scale.name}({passive_from},{promoter_from})"
    return replace(scale, name=name, passive_from=passive_from, promoter_from=promoter_from)


def check_score(metric: str, score: object, variant: Scale | str | None = None) -> int:
    """The score as a whole number on its scale; 9.0 is 9. Raises ScoreError naming field, value and range."""
    scale = scale_of(metric, variant)
    whole = int(score) if isinstance(score, float) and score.is_integer() else score
    if isinstance(whole, bool) or not isinstance(whole, int) or not scale.lowest <= whole <= scale.highest:
        remedy = f"Send a whole number from {scale.lowest} to {scale.highest}."
        raise ScoreError(f"score {str(score)[:40]!r} does not fit {scale.name}. {remedy}")
    return whole


def band(metric: str, score: object, variant: Scale | str | None = None) -> Band:
    """The band of a score. Raises ScoreError when it is not on the scale."""
    scale = scale_of(metric, variant)
    height = check_score(metric, score, scale)
    if scale.reversed:
        height = scale.lowest + scale.highest - height
    if height >= scale.promoter_from:
        return Band.PROMOTER
    return Band.PASSIVE if height >= scale.passive_from else Band.DETRACTOR


def label(metric: str, banded: str) -> str:
    """The metric's own word for a band: "dissatisfied" for a CSAT detractor."""
    return _LABELS[scale_of(metric).metric][tuple(Band).index(Band(banded))]


def factor(banded: str) -> int:
    """What an answer adds to a net score: 1, 0 or -1. The average of factors times 100 is the net score."""
    return {Band.PROMOTER: 1, Band.PASSIVE: 0, Band.DETRACTOR: -1}[Band(banded)]


def quadrant(nps: object, nls: object, variant: Scale | str | None = None) -> Quadrant:
    """The loyalty quadrant of one customer. High is the promoter band, everything else is low."""
    return quadrant_of(band(Metric.NPS, nps, variant), band(Metric.NLS, nls))


def quadrant_of(nps: str, nls: str) -> Quadrant:
    """The loyalty quadrant of two bands."""
    recommends, returns = nps == Band.PROMOTER, nls == Band.PROMOTER
    if recommends:
        return Quadrant.PURE_LOYALTY if returns else Quadrant.FALSE_LOYALTY
    return Quadrant.TRAPPED_LOYALTY if returns else Quadrant.DISLOYALTY


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval; ``centre`` is the estimate that it is built around."""

    centre: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that may be shown: never without its n and interval.

    ``value`` and ``interval`` are points (−100…100) for NPS and NLS, else the share (0…1) of the upper band. They
    are None when nobody answered.
    """

    scale: Scale
    n: int
    promoters: int
    passives: int
    detractors: int
    value: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Answer:
    """One finished answer on its scale; unfinished ones are no answers."""

    scale: Scale
    score: int


def figure(answers: Iterable[Answer], scale: Scale | None = None) -> Figure:
    """The figure of answers on one scale. Raises ScoreError when scales are mixed, or none is given or known."""
    counts: Counter[tuple[Scale, Band]] = Counter(
        (answer.scale, band(answer.scale.metric, answer.score, answer.scale)) for answer in answers
    )
    scales = {each for each, _ in counts} | ({scale} if scale else set())
    if len(scales) != 1:
        names = ", ".join(sorted(each.name for each in scales)) or "none"
        raise ScoreError(f"A figure needs answers on one scale, and these are on: {names}. Make one figure for each.")
    (only,) = scales
    return figure_of(only, *(counts[only, each] for each in Band))


def figure_of(scale: Scale, promoters: int, passives: int, detractors: int) -> Figure:
    """The figure of counted bands."""
    n = promoters + passives + detractors
    if n == 0:
        return Figure(scale, 0, 0, 0, 0, None, None)
    if scale.metric in {Metric.NPS, Metric.NLS}:
        value = net_score(promoters, passives, detractors)
        interval = net_interval(promoters, passives, detractors)
    else:
        value, interval = promoters / n, share_interval(promoters, n)
    return Figure(scale, n, promoters, passives, detractors, value, interval)


def net_score(promoters: float, passives: float, detractors: float) -> float:
    """Share of promoters minus share of detractors, in points (−100…100). ``n`` must be positive."""
    return 100 * (promoters - detractors) / (promoters + passives + detractors)


def net_margin(promoters: float, passives: float, detractors: float) -> float:
    """Half the plain Wald interval of a net score, in points."""
    n = promoters + passives + detractors
    net = (promoters - detractors) / n
    return 100 * Z95 * sqrt(((promoters + detractors) / n - net**2) / n)


def net_interval(promoters: int, passives: int, detractors: int) -> Interval:
    """The adjusted Wald interval: three answers are added, ¾ each to promoters and detractors, 1½ to passives.

    It holds its 95 % for small n and at the ends of the scale, where the plain one is far too narrow. Source: B. Rocks,
    "Interval Estimation for the Net Promoter Score", The American Statistician 70 (2016), its adjusted Wald (3, T).
    """
    adjusted = (promoters + 0.75, passives + 1.5, detractors + 0.75)
    centre, margin = net_score(*adjusted), net_margin(*adjusted)
    return Interval(centre, max(-100.0, centre - margin), min(100.0, centre + margin))


def share_interval(hits: int, n: int) -> Interval:
    """The Wilson interval of a share (0…1). ``n`` must be positive. Source: E. B. Wilson, "Probable Inference, the Law
    of Succession, and Statistical Inference", Journal of the American Statistical Association 22 (1927)."""
    share, square = hits / n, Z95**2
    centre = (share + square / (2 * n)) / (1 + square / n)
    margin = Z95 * sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    return Interval(centre, max(0.0, centre - margin), min(1.0, centre + margin))
