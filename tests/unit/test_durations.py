"""Spans as people write them, and business time across nights, weekends, holidays and clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.calendars import BusinessCalendar
from workflows.durations import parse
from workflows.errors import DurationError

OFFICE = BusinessCalendar()
OFFICE_ZONE = ZoneInfo("Europe/Amsterdam")
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # 10:00 in Amsterdam


def after(text: str, now: datetime, calendar: BusinessCalendar = OFFICE) -> datetime:
    return parse(text).after(now, calendar)


@pytest.mark.parametrize(("text", "seconds"), [
    ("90 seconds", 90), ("1 second", 1), ("0 seconds", 0), ("5 minutes", 300), ("1 hour", 3600),
    ("7 days", 604_800), ("2 weeks", 1_209_600), ("  3   days ", 259_200),
])
def test_plain_spans_are_clock_time(text: str, seconds: int) -> None:
    assert after(text, MONDAY) - MONDAY == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", [
    "", "soon", "3", "days", "-1 days", "1.5 hours", "3 lightyears", "2 business weeks", "1 business second",
    "9999999999 days", "99999999 weeks", "٣ days", "3 day s", "P1D",
])
def test_what_is_no_span_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(DurationError, match="Write"):
        parse(text)


@given(st.integers(0, 500), st.sampled_from(["second", "minute", "hour", "day", "week"]))
def test_a_span_reads_back_as_it_is_written(amount: int, unit: str) -> None:
    duration = parse(f"{amount} {unit}s")
    assert parse(str(duration)) == duration


def test_business_hours_stop_at_night() -> None:
    assert after("8 business hours", MONDAY) == datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


def test_business_hours_end_exactly_at_closing_time() -> None:
    assert after("7 business hours", MONDAY) == datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


def test_business_hours_skip_the_weekend() -> None:
    friday = datetime(2026, 3, 6, 15, 0, tzinfo=UTC)  # 16:00, one hour before closing
    assert after("2 business hours", friday) == datetime(2026, 3, 9, 9, 0, tzinfo=UTC)


def test_business_hours_begin_at_the_next_opening_when_the_house_is_closed() -> None:
    saturday = datetime(2026, 3, 7, 12, 0, tzinfo=UTC)
    assert after("30 business minutes", saturday) == datetime(2026, 3, 9, 8, 30, tzinfo=UTC)


def test_business_hours_skip_holidays() -> None:
    calendar = BusinessCalendar(holidays=frozenset({date(2026, 4, 27)}))  # a Monday
    friday = datetime(2026, 4, 24, 14, 0, tzinfo=UTC)  # 16:00
    assert after("2 business hours", friday, calendar) == datetime(2026, 4, 28, 8, 0, tzinfo=UTC)


def test_a_business_day_keeps_the_time_of_day_across_the_change_to_summer_time() -> None:
    friday = datetime(2026, 3, 27, 9, 0, tzinfo=UTC)  # 10:00 CET; the clock changes on Sunday
    assert after("1 business day", friday) == datetime(2026, 3, 30, 8, 0, tzinfo=UTC)  # 10:00 CEST


def test_a_plain_day_is_24_hours_also_across_the_change() -> None:
    saturday = datetime(2026, 3, 28, 9, 0, tzinfo=UTC)
    assert after("1 day", saturday) - saturday == timedelta(hours=24)


def test_a_house_that_never_sleeps_counts_the_night_of_the_change_as_it_is() -> None:
    always = BusinessCalendar(hours=dict.fromkeys(range(7), ((time(0), time(0)),)))
    evening = datetime(2026, 3, 28, 20, 0, tzinfo=UTC)
    assert after("30 business hours", evening, always) - evening == timedelta(hours=30)


def test_two_business_days_from_a_weekend_begin_on_monday_morning() -> None:
    saturday = datetime(2026, 3, 7, 12, 0, tzinfo=UTC)
    assert after("2 business days", saturday) == datetime(2026, 3, 11, 8, 0, tzinfo=UTC)


def test_a_business_day_lands_within_shorter_hours() -> None:
    calendar = BusinessCalendar(hours={0: ((time(9), time(17)),), 1: ((time(9), time(12)),)})
    afternoon = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # Monday 16:00
    assert after("1 business day", afternoon, calendar) == datetime(2026, 3, 3, 11, 0, tzinfo=UTC)


def test_a_lunch_break_is_no_business_time() -> None:
    calendar = BusinessCalendar(hours={0: ((time(9), time(12)), (time(13), time(17)))})
    assert after("3 business hours", MONDAY, calendar) == datetime(2026, 3, 2, 13, 0, tzinfo=UTC)


def test_a_house_that_never_opens_says_so() -> None:
    with pytest.raises(DurationError, match="no open time"):
        after("1 business hour", MONDAY, BusinessCalendar(hours={}))


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(DurationError, match="Europe/Amsterdam"):
        BusinessCalendar("Mars/Olympus")


@pytest.mark.parametrize("openings", [
    ((time(17), time(9)),), ((time(9), time(12)), (time(11), time(17))), ((time(9), time(9)),),
])
def test_openings_that_do_not_fit_are_refused(openings: tuple[tuple[time, time], ...]) -> None:
    with pytest.raises(DurationError, match=r"hours\[0\]"):
        BusinessCalendar(hours={0: openings})


@given(st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)), st.integers(1, 400))  # noqa: DTZ001 - made aware below
def test_business_time_never_ends_while_the_house_is_closed(now: datetime, minutes: int) -> None:
    due = after(f"{minutes} business minutes", now.replace(tzinfo=UTC))
    local = due.astimezone(OFFICE_ZONE)
    assert local.weekday() < 5
    assert time(9) < local.time() <= time(17)
