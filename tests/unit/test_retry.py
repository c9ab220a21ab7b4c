"""What follows a failure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.definitions import Retry
from workflows.retry import Again, Park, PauseConnection, Reconcile, decide

POLICY = Retry(attempts=3, first=10.0, longest=60.0)


def most() -> float:
    return 1.0


@pytest.mark.parametrize(("attempt", "pause"), [(1, 10.0), (2, 20.0)])
def test_the_pause_after_a_transient_failure_doubles(attempt: int, pause: float) -> None:
    assert decide("transient", attempt, POLICY, None, most) == Again(pause, counts=True)


def test_the_pause_never_grows_past_the_longest() -> None:
    patient = Retry(attempts=500, first=10.0, longest=60.0)
    assert decide("transient", 400, patient, None, most) == Again(60.0, counts=True)


def test_the_last_attempt_parks_with_the_number_of_tries() -> None:
    found = decide("transient", 3, POLICY, None, most)
    assert isinstance(found, Park)
    assert "3 times" in found.reason


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 2))
def test_the_jitter_is_full(drawn: float, attempt: int) -> None:
    found = decide("transient", attempt, POLICY, None, lambda: drawn)
    assert found == Again(drawn * 10.0 * 2 ** (attempt - 1), counts=True)


def test_a_transient_failure_respects_the_vendors_wish() -> None:
    assert decide("transient", 1, POLICY, 45.0, most) == Again(45.0, counts=True)


@pytest.mark.parametrize(("told", "pause"), [(None, 60.0), (7.0, 7.0), (0.0, 1.0), (-5.0, 1.0), (1e9, 86_400.0)])
def test_a_rate_limit_costs_no_attempt_and_waits_as_told(told: float | None, pause: float) -> None:
    assert decide("rate_limited", 99, POLICY, told, most) == Again(pause, counts=False)


def test_the_other_classes_are_not_tried_again() -> None:
    assert isinstance(decide("permanent", 1, POLICY, None, most), Park)
    assert decide("ambiguous", 1, POLICY, None, most) == Reconcile()
    assert decide("auth", 1, POLICY, None, most) == PauseConnection()


def test_an_unknown_class_is_parked_and_named() -> None:
    found = decide("gremlins", 1, POLICY, None, most)
    assert isinstance(found, Park)
    assert "gremlins" in found.reason
