"""Budgets: never more requests in any span than a limit allows, whoever asks when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.storage.flow_control.rate_budget import KindLimits, Limits, within

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
UPDATES = Limits({"updates": within(100, 60)}, {"updates": within(30, 600)})


@dataclass(frozen=True)
class Wanted:
    serial: str | None = None
    bucket: str | None = "updates"
    cost: int = 1


@pytest.mark.parametrize(("count", "seconds"), [(100, 60), (80, 60), (20, 60), (30, 600), (5, 60), (1, 1)])
@settings(max_examples=15)
@given(pauses=st.lists(st.sampled_from([0.0, 0.01, 0.3, 1.0, 7.0]), min_size=200, max_size=400))
def test_no_span_holds_more_than_the_limit_whenever_one_asks(count: int, seconds: float, pauses: list[float]) -> None:
    limits, stored, at, made = Limits({"updates": within(count, seconds)}), {}, NOW, []
    for pause in pauses:
        at += timedelta(seconds=pause)
        ledger = KindLimits(limits, stored, at)
        while ledger.take(Wanted()):
            made.append(at)
        stored = ledger.stored()
    span = timedelta(seconds=seconds)
    for first, beyond in zip(made, made[count:], strict=False):
        assert beyond - first >= span


def test_one_record_has_a_limit_of_its_own_and_others_go_on() -> None:
    ledger = KindLimits(UPDATES, None, NOW)
    taken = [ledger.take(Wanted("ticket:1")) for _ in range(5)]
    assert taken == [True, True, True, False, False]
    assert ledger.spent() == ([], ["ticket:1"])
    assert ledger.take(Wanted("ticket:2"))
    later = KindLimits(UPDATES, ledger.stored(), NOW + timedelta(seconds=30))
    assert later.take(Wanted("ticket:1"))


def test_what_makes_several_requests_makes_the_next_wait_longer() -> None:
    ledger = KindLimits(Limits({"updates": within(20, 60)}), None, NOW)
    assert [ledger.take(Wanted(cost=3)) for _ in range(2)] == [True, False]


def test_a_kind_that_the_vendor_refused_waits_and_other_kinds_do_not() -> None:
    ledger = KindLimits(UPDATES, None, NOW)
    ledger.refuse("updates", NOW + timedelta(seconds=40))
    assert not ledger.take(Wanted())
    assert ledger.take(Wanted(bucket="creations"))
    assert ledger.affordable([Wanted(), Wanted(bucket=None)]) == [Wanted(bucket=None)]
    assert KindLimits(UPDATES, ledger.stored(), NOW + timedelta(seconds=40)).take(Wanted())


def test_what_can_be_afforded_is_not_counted_before_it_is_taken() -> None:
    ledger = KindLimits(UPDATES, None, NOW)
    wanted = [Wanted() for _ in range(50)]
    assert len(ledger.affordable(wanted)) == len(ledger.affordable(wanted)) == 10
    assert ledger.stored() == {}


def test_what_is_past_is_forgotten() -> None:
    ledger = KindLimits(UPDATES, None, NOW)
    ledger.take(Wanted("ticket:1"))
    assert KindLimits(UPDATES, ledger.stored(), NOW + timedelta(hours=1)).stored() == {}
