"""The day's calls at a vendor: when they run out, and that others' part is left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from connector.observe.findings import Verdict
from connector.observe.usage import check_usage, forecast
from integrations.error_mapping import Limit
from integrations.errors import RateLimited
from integrations.salesforce.budget import LOOK_AGAIN, DailyCalls

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def seen(*samples: tuple[float, int], total: int = 1000) -> list[Any]:
    """Samples of (hours ago, used), oldest first."""
    return [
        SimpleNamespace(seen_at=NOW - timedelta(hours=hours), used=used, total=total) for hours, used in samples
    ]


@pytest.mark.parametrize(
    ("rows", "an_hour", "hours"),
    [
        (seen((5, 100), (4, 150), (0, 350)), 50, 9),  # 800 may be used, 450 are left
        (seen((20, 0), (5, 100), (0, 350)), 50, 9),  # what is long ago does not count
        (seen((0, 350)), None, None),
        (seen((0.05, 300), (0, 350)), None, None),  # too short to tell a pace
        (seen((5, 350), (0, 300)), -10, None),  # it falls: never
        (seen((5, 700), (0, 800)), 20, 0),
        (seen((0, 900)), None, 0),
    ],
)
def test_the_pace_of_the_last_hours_is_drawn_on(rows: list[Any], an_hour: float | None, hours: float | None) -> None:
    found = forecast("salesforce", rows, 0.2, NOW)
    assert found is not None
    assert (found.an_hour, found.hours) == (an_hour, hours)


def test_old_news_is_no_news() -> None:
    assert forecast("salesforce", seen((3, 100)), 0.2, NOW) is None
    assert forecast("salesforce", [], 0.2, NOW) is None


def test_the_doctor_warns_when_the_reserve_is_near() -> None:
    def finding(*samples: tuple[float, int]) -> Any:
        found = forecast("salesforce", seen(*samples), 0.2, NOW)
        assert found is not None
        [said] = check_usage([found])
        return said

    assert finding((5, 100), (0, 350)).verdict is Verdict.OK
    near = finding((5, 300), (0, 700))
    assert (near.verdict, "in 1.2 hours" in near.says) == (Verdict.WARNING, True)
    assert "ours wait" in finding((0, 900)).says


def test_calls_stop_at_the_reserve_and_one_finds_out_after_a_while() -> None:
    now = [0.0]
    limits = {"api-usage": Limit("api-usage", 1000, 200)}
    calls = DailyCalls(lambda: limits, 0.2, lambda: now[0])
    with pytest.raises(RateLimited) as held:
        calls.check()
    assert held.value.retry_after == LOOK_AGAIN
    now[0] += LOOK_AGAIN
    calls.check()  # the one that finds out
    with pytest.raises(RateLimited):
        calls.check()
    limits["api-usage"] = Limit("api-usage", 1000, 201)
    calls.check()


def test_without_a_reserve_the_vendor_decides() -> None:
    DailyCalls(lambda: {"api-usage": Limit("api-usage", 1000, 1)}, 0.0).check()
    DailyCalls(dict, 0.5).check()
