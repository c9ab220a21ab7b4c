"""retention: in ringback.yaml, and the ids that tell their age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.config.file import read_config
from connector.config.retention import Retention
from connector.ids import made_at, new_id
from tests.unit.test_config import mistakes, read


def test_without_a_word_contents_stay_a_month_and_the_rest_more_than_a_year() -> None:
    periods = read("").retention
    assert (periods.contents, periods.archive) == (timedelta(days=30), None)
    rest = (periods.deliveries, periods.runs, periods.events, periods.suppressions, periods.conflicts)
    assert rest == (timedelta(days=400),) * 5


def test_periods_are_read_and_the_others_keep_their_default(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    periods = read("retention: {contents: 1 day, runs: 26 weeks, events: forever, archive: gone/}", tmp_path).retention
    assert periods == Retention(
        contents=timedelta(days=1), runs=timedelta(days=182), events=None, archive=tmp_path / "gone"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{deliveries: 29 days}", "retention.deliveries: '29 days' is shorter than 30 days. Give it 30 days or more"),
        ("{contents: 23 hours}", "retention.contents: '23 hours' is shorter than 1 day."),
        ("{runs: 40}", "retention.runs: 40 is no time span."),
        ("{runs: 40 business days}", "retention.runs: counts business time."),
        ("{runs: a while}", "is no time span"),
        ("{customers: 30 days}", "retention.customers: is not known here."),
        ("{archive: nowhere/}", "does not exist"),
        ("{traces: 31 days}", "retention.traces: '31 days' is longer than 30 days. Give it 30 days or less."),
        ("{traces: forever}", "retention.traces: 'forever' is longer than 30 days."),
        ("{contents: 40 days, events: 39 days}", "retention.contents: are kept longer than events."),
        ("{contents: forever}", "retention.contents: are kept longer than events."),
        ("[]", "retention: must be a mapping."),
    ],
)
def test_a_period_that_would_lose_what_is_needed_is_refused(text: str, said: str) -> None:
    [told] = mistakes(f"retention: {text}")
    assert said in told


def test_the_example_is_in_order() -> None:
    file = Path(__file__).parents[2] / "examples" / "ringback.yaml"
    secrets = {"ZENDESK_CLIENT_ID", "ZENDESK_CLIENT_SECRET", "ZENDESK_WEBHOOK_SECRET", "SALESFORCE_CLIENT_ID",
               "SALESFORCE_CLIENT_SECRET", "SALESFORCE_WEBHOOK_TOKEN", "SHOP_WEBHOOK_SECRET"}  # fmt: skip
    config = read_config(file.read_text(), file, dict.fromkeys(secrets, "x"))
    assert config.retention.contents == timedelta(days=30)


def test_an_id_tells_when_it_was_made() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    made = made_at(new_id())
    assert made is not None
    assert before <= made <= datetime.now(UTC)
    assert made_at("run1") is None
    assert made_at("i" * 26) is None
