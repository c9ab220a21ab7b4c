"""A slice of the scanner trial: what fetches and presses everything never counts, and no kind of person is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from benchmarks import scanner_trial
from benchmarks.scanner_trial import KINDS, Trial, from_addresses
from connector.feedback.surveys.who_pressed import doubts


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    with from_addresses(tmp_path) as site:
        yield Trial(site)


def test_fetching_every_link_answers_nothing_and_stops_nothing(trial: Trial) -> None:
    scanner_trial.fetchers(trial, 2)
    assert trial.counted.total() == 0
    assert trial.site.person().opted_out_at is None


@pytest.mark.browser
@pytest.mark.parametrize("late", [False, True], ids=["at delivery", "an hour later, slowly"])
def test_a_browser_that_presses_everything_counts_for_nothing(trial: Trial, browser: Browser, late: bool) -> None:
    scanner_trial.pressers(trial, browser, 1, late=late)
    assert (trial.counted.total(), trial.opted_out.total()) == (0, 0)
    with trial.site.database.read() as tx:
        found = doubts.listed(tx, verdict=None, status=None)
    assert {"trap_link", "trap_field"} <= {signal for doubt in found for signal in doubt.signals}


def test_people_of_every_kind_count_and_none_is_lost(trial: Trial) -> None:
    scanner_trial.people(trial, 3 * len(KINDS))
    assert trial.made.total() == 3 * len(KINDS)
    assert trial.counted.total() + trial.asked.total() == trial.made.total()
    assert trial.asked.total() <= 1
