"""High-value customers come first, however their worth is written; what cannot be read is told to the admin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.config.customer_value import Valuation
from connector.observe.customer_values import check_values
from connector.observe.findings import Verdict
from sandbox.clock import HandClock
from sandbox.world import World
from tests.support.callbacks import detractor
from tests.support.house import Harness, a_house, config_of

OPEN = """\
trigger: {event: survey.answered}
steps:
  - id: callback
    do: ticket.open
    with: {connection: zendesk, subject: Call, priority: high, high_value_priority: urgent}
"""
FIGURES = ("12.000", "12.000,50", "€ 12.000", "EUR 12000", "12 000", "12,000.00", "12000", "12\u00a0000", 12_000.0)
OTHERS = ("1.5", "9.999,99", "nan", "inf", 9_999, "silver", True)


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    clock = HandClock()
    with World(clock=clock) as world:
        config = config_of(world) + "customer_value: {high_from: 10000}\nbrands: {default: {country: NL}}\n"
        with a_house(database_url, world, {"open": OPEN}, clock=clock, config=config) as home:
            yield home


def priorities(home: Harness) -> list[Any]:
    return [ticket["priority"] for ticket in home.world.zendesk.tickets]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_callback_of_a_high_value_customer_is_urgent_however_the_figure_is_written(home: Harness) -> None:
    for number, value in enumerate((*FIGURES, *OTHERS)):
        if number % 2:
            detractor(home, number, customer={"value": value})
        else:
            detractor(home, number, context={"customer_value": value})
    assert priorities(home) == ["urgent"] * len(FIGURES) + ["high"] * len(OTHERS)


def test_what_cannot_be_read_is_told_with_its_field_and_the_remedy(home: Harness) -> None:
    valuation = Valuation(10_000, country="NL")
    with home.house.database.read() as tx:
        assert check_values(tx, valuation) == []
    detractor(home, 1, customer={"value": "12.000"}, context={"tier": "gold"})
    with home.house.database.read() as tx:
        [fine] = check_values(tx, valuation)
    assert fine.verdict is Verdict.OK
    detractor(home, 2, customer={"value": "inf"})
    detractor(home, 3, context={"customer_value": "12k"})
    with home.house.database.read() as tx:
        newest, older = check_values(tx, valuation)
    assert newest.says.startswith("context.customer_value is '12k': it is no figure, and no word we know")
    assert older.says.startswith("customer.value is 'inf': it is no figure, and no word we know")
    assert older.verdict is Verdict.WARNING
    assert "customer_value: {high: […], low: […]}" in older.remedy
