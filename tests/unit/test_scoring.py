"""Bands at every boundary, figures against known vectors, scales that never mix."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.errors import ScoreError
from workflows.scoring import (
    CES_EFFORT,
    CSAT,
    CSAT_10,
    EUROPEAN_NPS,
    NPS,
    SCALES,
    Answer,
    Band,
    Quadrant,
    band,
    check_score,
    figure,
    figure_of,
    label,
    net_interval,
    net_margin,
    net_score,
    quadrant,
    share_interval,
    with_bounds,
)


@pytest.mark.parametrize("metric", ["nps", "nls"])
@pytest.mark.parametrize(("score", "expected"), [
    (0, "detractor"), (6, "detractor"), (7, "passive"), (8, "passive"), (9, "promoter"), (10, "promoter"),
])
def test_seven_and_eight_are_passive_and_nothing_else_is(metric: str, score: int, expected: str) -> None:
    assert band(metric, score) == expected


@pytest.mark.parametrize(("score", "expected"), [
    (0, "detractor"), (5, "detractor"), (6, "passive"), (7, "passive"), (8, "promoter"), (10, "promoter"),
])
def test_the_european_variant_begins_its_promoters_at_eight(score: int, expected: str) -> None:
    assert band("nps", score, "european-nps") == expected


@pytest.mark.parametrize(("score", "expected"), [
    (1, "dissatisfied"), (2, "dissatisfied"), (3, "neutral"), (4, "satisfied"), (5, "satisfied"),
])
def test_csat_is_satisfied_from_four(score: int, expected: str) -> None:
    assert label("csat", band("csat", score)) == expected


@pytest.mark.parametrize(("score", "expected"), [(5, "detractor"), (6, "passive"), (7, "passive"), (8, "promoter")])
def test_ten_point_csat_keeps_the_proportions(score: int, expected: str) -> None:
    assert band("csat", score, CSAT_10) == expected


@pytest.mark.parametrize(("score", "easy", "effort"), [
    (1, "detractor", "promoter"), (3, "detractor", "promoter"), (4, "passive", "passive"),
    (5, "promoter", "detractor"), (7, "promoter", "detractor"),
])
def test_the_direction_of_ces_turns_its_bands_round(score: int, easy: str, effort: str) -> None:
    assert (band("ces", score), band("ces", score, CES_EFFORT)) == (easy, effort)


@given(st.sampled_from(list(SCALES.values())), st.data())
def test_a_better_score_is_never_in_a_worse_band(scale: object, data: st.DataObject) -> None:
    assert isinstance(scale, type(NPS))
    scores = st.integers(scale.lowest, scale.highest)
    worse, better = sorted((data.draw(scores), data.draw(scores)), reverse=scale.reversed)
    order = list(Band)
    assert order.index(band(scale.metric, better, scale)) <= order.index(band(scale.metric, worse, scale))


@pytest.mark.parametrize("score", [-1, 11, 6.5, "9", None, True, float("nan"), float("inf"), [], 10**30])
def test_a_score_outside_its_scale_is_refused_with_its_range(score: object) -> None:
    with pytest.raises(ScoreError, match=r"score .* does not fit nps.*0 to 10"):
        check_score("nps", score)


def test_a_whole_number_that_came_as_a_double_is_taken() -> None:
    assert check_score("nps", 9.0) == 9


@pytest.mark.parametrize("metric", ["csat", "ces"])
def test_zero_is_no_answer_on_a_scale_that_begins_at_one(metric: str) -> None:
    with pytest.raises(ScoreError):
        band(metric, 0)


def test_an_unknown_metric_names_the_known_ones() -> None:
    with pytest.raises(ScoreError, match="nps, nls, csat, ces"):
        band("happiness", 3)


def test_a_variant_of_another_metric_is_refused() -> None:
    with pytest.raises(ScoreError, match='"csat-5" is no scale of nps'):
        band("nps", 3, CSAT)


def test_bounds_that_do_not_rise_are_refused() -> None:
    with pytest.raises(ScoreError, match="rising bounds"):
        with_bounds(EUROPEAN_NPS, passive_from=9, promoter_from=8)


@pytest.mark.parametrize(("nps", "nls", "expected"), [
    (8, 8, Quadrant.DISLOYALTY), (9, 8, Quadrant.FALSE_LOYALTY),
    (8, 9, Quadrant.TRAPPED_LOYALTY), (9, 9, Quadrant.PURE_LOYALTY),
])
def test_a_quadrant_is_high_only_with_a_promoter(nps: int, nls: int, expected: Quadrant) -> None:
    assert quadrant(nps, nls) is expected


def test_the_net_score_and_its_plain_margin_meet_the_published_vector() -> None:
    assert net_score(291, 476, 395) == pytest.approx(-8.9501, abs=5e-5)
    assert net_margin(291, 476, 395) == pytest.approx(4.3877, abs=5e-5)


@pytest.mark.parametrize(("counts", "low", "high"), [
    ((5, 3, 2), -19.1, 65.2), ((50, 30, 20), 14.1, 44.2), ((20, 0, 0), 69.7, 100.0),
])
def test_the_adjusted_interval_meets_the_published_vectors(
    counts: tuple[int, int, int], low: float, high: float
) -> None:
    found = net_interval(*counts)
    assert (found.low, found.high) == (pytest.approx(low, abs=0.06), pytest.approx(high, abs=0.06))


def test_the_adjusted_centre_is_drawn_towards_the_middle() -> None:
    assert net_interval(5, 3, 2).centre == pytest.approx(23.1, abs=0.05)


def test_the_interval_of_a_share_meets_the_published_vector() -> None:
    found = share_interval(430, 474)
    assert (found.low, found.high) == (pytest.approx(0.877675, abs=1e-6), pytest.approx(0.930124, abs=1e-6))


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_every_figure_has_its_n_and_an_interval_within_the_scale(up: int, middle: int, down: int) -> None:
    found = figure_of(NPS, up, middle, down)
    assert found.n == up + middle + down
    if found.interval is not None:
        assert -100 <= found.interval.low <= found.interval.centre <= found.interval.high <= 100
    assert (found.value is None) == (found.n == 0)


def test_a_figure_counts_its_answers() -> None:
    found = figure(Answer(NPS, score) for score in (9, 10, 7, 6, 0))
    assert (found.n, found.promoters, found.passives, found.detractors, found.value) == (5, 2, 1, 2, 0.0)


def test_a_csat_figure_is_the_share_of_fours_and_fives() -> None:
    found = figure(Answer(CSAT, score) for score in (1, 3, 4, 5))
    assert found.value == 0.5


@pytest.mark.parametrize("other", [
    EUROPEAN_NPS, CSAT, with_bounds(NPS, passive_from=7, promoter_from=10),
])
def test_scales_are_never_mixed_in_one_figure(other: object) -> None:
    assert isinstance(other, type(NPS))
    with pytest.raises(ScoreError, match="one scale"):
        figure([Answer(NPS, 3), Answer(other, 3)])


def test_both_directions_of_effort_are_never_mixed() -> None:
    with pytest.raises(ScoreError, match="one scale"):
        figure([Answer(SCALES["ces-7"], 3), Answer(CES_EFFORT, 3)])


def test_a_figure_of_nothing_needs_to_know_its_scale_and_has_no_value() -> None:
    assert figure([], NPS).value is None
    with pytest.raises(ScoreError, match="none"):
        figure([])
