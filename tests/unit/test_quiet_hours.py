"""Quiet hours by the recipient's own clock, over every change of it; and whose clock that is."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connector.config.file import ConfigError, read_config
from connector.config.quiet_hours import QuietChange, change_of, rules_of
from connector.feedback.customers.identity import Customer
from connector.feedback.customers.time_zones import Home, Whereabouts, days_off, whereabouts
from workflows.errors import DurationError
from workflows.quiet_hours import NEVER_QUIET, QuietHours, next_allowed, why_quiet

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
EVENING = QuietHours(time(20), time(9))
NIGHT = QuietHours()

CHANGES = {
    "Europe/Amsterdam": (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)),
    "Europe/London": (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)),
    "America/New_York": (datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)),
    "Australia/Sydney": (datetime(2026, 4, 4, 16, tzinfo=UTC), datetime(2026, 10, 3, 16, tzinfo=UTC)),
    "Asia/Kathmandu": (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)),
}
"""Both changes of the year; Kathmandu has none, and a quarter of an hour that others have not."""

no_day_off = lambda _day: ""  # noqa: E731


def at(text: str, zone: ZoneInfo = AMSTERDAM) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def weekend(day: date) -> str:
    return "a weekend" if day.weekday() > 4 else ""


@pytest.mark.parametrize(("wanted", "leaves"), [
    ("2026-03-02T12:00", "2026-03-02T12:00"),
    ("2026-03-02T19:59:59", "2026-03-02T19:59:59"),
    ("2026-03-02T20:00", "2026-03-03T09:00"),
    ("2026-03-03T03:00", "2026-03-03T09:00"),
    ("2026-03-03T08:59:59", "2026-03-03T09:00"),
    ("2026-03-03T09:00", "2026-03-03T09:00"),
    ("2026-03-28T22:00", "2026-03-29T09:00"),  # the night is an hour shorter
    ("2026-10-24T22:00", "2026-10-25T09:00"),  # and an hour longer
])  # fmt: skip
def test_a_mail_that_is_due_at_night_leaves_in_the_morning(wanted: str, leaves: str) -> None:
    assert next_allowed(EVENING, at(wanted), [AMSTERDAM], no_day_off) == at(leaves)


def test_a_weekend_and_a_holiday_after_it_are_passed_over() -> None:
    easter = lambda day: weekend(day) or ("a holiday" if day == date(2026, 4, 6) else "")  # noqa: E731
    assert next_allowed(EVENING, at("2026-04-03T21:00"), [AMSTERDAM], easter) == at("2026-04-07T09:00")
    assert why_quiet(EVENING, at("2026-04-06T12:00"), [AMSTERDAM], easter) == "a holiday"


def test_a_span_within_one_day_is_quiet_too() -> None:
    lunch = QuietHours(time(12), time(13, 30))
    assert next_allowed(lunch, at("2026-03-02T12:10"), [AMSTERDAM], no_day_off) == at("2026-03-02T13:30")
    assert next_allowed(lunch, at("2026-03-02T13:30"), [AMSTERDAM], no_day_off) == at("2026-03-02T13:30")


def test_of_a_country_with_several_zones_all_must_be_awake() -> None:
    both = [ZoneInfo("America/New_York"), ZoneInfo("America/Los_Angeles")]
    leaves = next_allowed(EVENING, datetime(2026, 3, 2, 14, tzinfo=UTC), both, no_day_off)
    assert leaves == datetime(2026, 3, 2, 17, tzinfo=UTC)  # nine in Los Angeles, noon in New York


def test_zones_that_share_no_hour_have_no_moment() -> None:
    apart = [ZoneInfo("Europe/Amsterdam"), ZoneInfo("Pacific/Auckland")]
    assert next_allowed(QuietHours(time(18), time(9)), at("2026-03-02T12:00"), apart, no_day_off) is None


def test_an_end_that_the_clock_leaps_over_or_shows_twice_is_no_loss() -> None:
    leapt = QuietHours(time(22), time(2, 30))
    found = next_allowed(leapt, at("2026-03-28T23:00"), [AMSTERDAM], no_day_off)
    assert found is not None
    assert not why_quiet(leapt, found, [AMSTERDAM], no_day_off)
    assert found <= at("2026-03-29T03:30")
    second = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 for the second time
    assert next_allowed(leapt, second, [AMSTERDAM], no_day_off) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_without_quiet_hours_every_moment_will_do() -> None:
    assert next_allowed(NEVER_QUIET, at("2026-03-02T03:00"), [AMSTERDAM], no_day_off) == at("2026-03-02T03:00")
    with pytest.raises(DurationError):
        QuietHours(time(9), time(9))
    with pytest.raises(DurationError):
        QuietHours(time(9), None)


half_hours = st.integers(0, 47).map(lambda n: time(n // 2, n % 2 * 30))


@settings(deadline=None, max_examples=150)
@given(
    zone=st.sampled_from(sorted(CHANGES)), change=st.integers(0, 1), start=half_hours, until=half_hours,
    weekends=st.booleans(), half=st.integers(-60, 60),
)  # fmt: skip
@example(zone="Europe/Amsterdam", change=0, start=time(20), until=time(2, 30), weekends=False, half=-3)
@example(zone="Europe/London", change=1, start=time(20), until=time(1, 30), weekends=True, half=0)
def test_every_half_hour_over_every_change_finds_the_first_moment_that_is_not_quiet(
    zone: str, change: int, start: time, until: time, weekends: bool, half: int
) -> None:
    """Held against a walk minute by minute with a clock on the wall and no sums at all."""
    if start == until:
        return
    clock, wanted = ZoneInfo(zone), CHANGES[zone][change] + timedelta(minutes=30 * half)
    off = weekend if weekends else no_day_off

    def quiet(moment: datetime) -> bool:
        wall = moment.astimezone(clock)
        within = start <= wall.time() < until if start < until else not until <= wall.time() < start
        return within or bool(off(wall.date()))

    found = next_allowed(QuietHours(start, until), wanted, [clock], off)
    assert found is not None
    assert found >= wanted
    assert not quiet(found)
    walked, skipped = wanted, 0
    while walked < found and skipped < 60:
        skipped = skipped + 1 if not quiet(walked) else 0  # what the clock leaps over may cost the rest of that hour
        walked += timedelta(minutes=1)
    assert skipped < 60


# --- whose clock


def first(home: Home = Home(), **known: object) -> Whereabouts:  # noqa: B008 - frozen
    return next(whereabouts(Customer("c", **known), home))  # type: ignore[arg-type]


@pytest.mark.parametrize(("known", "zone", "source"), [
    ({"time_zone": "Asia/Kathmandu", "facts": {"time_zone": "Europe/London"}}, "Asia/Kathmandu", "the helpdesk"),
    ({"facts": {"time_zone": "Europe/London"}, "phone": "+61412345678"}, "Europe/London", "the customer's record"),
    ({"facts": {"country": "Belgium"}, "phone": "+9779841234567"}, "Europe/Brussels",
     "the country on the customer's record"),
    ({"phone": "+9779841234567", "locale": "fr-BE"}, "Asia/Kathmandu", "the country of their telephone"),
    ({"locale": "fr-BE"}, "Europe/Brussels", "their locale, fr-BE"),
    ({"locale": "en-US"}, "Europe/London", "the brand"),
    ({"locale": "nl"}, "Europe/London", "the brand"),
    ({"facts": {"time_zone": ["Europe/Paris"], "country": {"code": "FR"}, "address": 5}}, "Europe/London", "the brand"),
    ({"facts": {"time_zone": "../../etc/passwd"}, "locale": "x" * 300}, "Europe/London", "the brand"),
    ({"time_zone": "Nowhere/Atall", "facts": {"time_zone": 7, "country": "Oz"}, "phone": "112"}, "Europe/London",
     "the brand"),
])  # fmt: skip
def test_the_better_witness_of_a_persons_zone_comes_first(known: dict[str, object], zone: str, source: str) -> None:
    found = first(Home("Europe/London", "Europe/Amsterdam", "NL"), **known)
    assert (found.zones, found.source) == ((zone,), source)


def test_without_any_witness_it_is_the_houses_clock() -> None:
    assert first(Home("", "Europe/Madrid", "ES")) == Whereabouts(("Europe/Madrid",), "ES", "the house")


def test_a_locale_of_all_who_read_english_counts_where_it_is_at_home() -> None:
    assert first(Home("", "America/New_York", "US"), locale="en-US").country == "US"


def test_weekends_and_holidays_are_those_of_the_country() -> None:
    all_of_them = QuietHours(weekends=True, holidays=True)
    riyadh, amsterdam = (Whereabouts((), country, "") for country in ("SA", "NL"))
    friday, sunday, kings_day = date(2026, 3, 6), date(2026, 3, 8), date(2026, 4, 27)
    assert [bool(days_off(where, all_of_them)(friday)) for where in (riyadh, amsterdam)] == [True, False]
    assert [bool(days_off(where, all_of_them)(sunday)) for where in (riyadh, amsterdam)] == [False, True]
    assert days_off(amsterdam, all_of_them)(kings_day).startswith("a holiday (")
    assert days_off(amsterdam, NIGHT)(kings_day) == ""
    nowhere = Whereabouts((), "", "")
    assert [days_off(nowhere, all_of_them)(day) for day in (sunday, kings_day)] == ["a weekend", ""]


# --- as people write them


def test_without_a_word_nights_are_quiet() -> None:
    assert read_config("", Path("ringback.yaml"), {}).quiet_hours.of("", None) == QuietHours(time(21), time(8))


def test_a_brand_and_a_survey_differ_from_the_house_in_what_they_say() -> None:
    rules = rules_of({"from": "20:00", "weekends": True, "brands": {"shop": {"until": "11:00"}, "line": "none"}})
    assert rules.of("acme", None) == QuietHours(time(20), time(8), weekends=True)
    assert rules.of("shop", None) == QuietHours(time(20), time(11), weekends=True)
    assert rules.of("line", None) == NEVER_QUIET
    assert rules.of("shop", change_of({"weekends": False})) == QuietHours(time(20), time(11))
    assert rules.of("shop", QuietChange(off=True)) == NEVER_QUIET
    assert rules.of("line", change_of({"from": "18:00"})) == QuietHours(time(18), time(8))


@pytest.mark.parametrize(("written", "says"), [
    ("quiet_hours: {from: 2100}", r"from: '2100' is no time of day\."),
    ('quiet_hours: {from: "25:00"}', "no time of day"),
    ('quiet_hours: {from: "08:00", until: "08:00"}', "from and until are the same time"),
    ("quiet_hours: {weekend: true}", "'weekend' is not known here"),
    ("quiet_hours: {weekends: sometimes}", "neither true nor false"),
    ("quiet_hours: never", "neither a mapping nor none"),
    ("quiet_hours: {brands: [shop]}", "brands must be a mapping"),
    ('quiet_hours: {brands: {shop: {from: "08:00"}}}', "from and until are the same time"),
])  # fmt: skip
def test_a_mistake_is_told_with_its_remedy(written: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_config(written, Path("ringback.yaml"), {})
