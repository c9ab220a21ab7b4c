"""Figures as people, countries and spreadsheets write them; what two people would read differently is none."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.config.customer_value import Valuation, value_of
from connector.config.figures import FigureError, read_figure
from connector.config.file import ConfigError, read_config
from connector.observe.customer_values import troubles

DUTCH = Valuation(10_000, country="NL")


@pytest.mark.parametrize(("text", "figure"), [
    ("12.000", "12000"), ("12.000,50", "12000.50"), ("€ 12.000", "12000"), ("EUR 12000", "12000"), ("12 000", "12000"),
    ("12\u00a0000", "12000"), ("12\u202f000", "12000"), ("12\u2009000", "12000"), ("12,000.00", "12000"),
    ("12000", "12000"), ("1.5", "1.5"), ("9.999,99", "9999.99"), ("1.234.567", "1234567"), ("12'000", "12000"),
    ("12\u2019000.50", "12000.50"), ("12.000,-", "12000"), ("€\u00a012.000,--", "12000"), ("12.000 EUR", "12000"),
    ("12000 euro", "12000"), ("US$ 12,000.00", "12000"), ("-5", "-5"), ("\u22125", "-5"), ("€ -5", "-5"),
    ("-€ 5", "-5"), ("5-", "-5"), ("(1.200)", "-1200"), ("(€ 1,200.00)", "-1200"), ("+7", "7"), ("0,125", "0.125"),
    ("1.2E7", "12000000"), ("1e4", "10000"), ("12,00,000", "1200000"), ("１２０００", "12000"), ("١٢٠٠٠", "12000"),
    ("12 000,50", "12000.50"), (" 7 ", "7"),
])
def test_a_figure_is_read_as_the_netherlands_write_it(text: str, figure: str) -> None:
    assert read_figure(text, "NL") == Decimal(figure)


@pytest.mark.parametrize("text", [
    "", " ", "€", "nan", "NaN", "inf", "-Infinity", "1e400", "9" * 30, "12k", "12 mln", "10%", "1,2,3", "1.23.456",
    "12 34", "1,234.567,8", "12½", "12²", "0x10", "1_000", "--5", "5 - 6", "EUR 5 EUR", "XQZ 5", "12.", "true",
    "9" * 99, "12\n000,0,0", "12,000", "(1,200)",
])
def test_what_is_no_figure_to_everybody_is_refused(text: str) -> None:
    with pytest.raises(FigureError):
        read_figure(text, "NL")


@pytest.mark.parametrize(("country", "text", "figure"), [
    ("US", "12,000", 12_000), ("GB", "£12,000", 12_000), ("CH", "CHF 12'000", 12_000), ("FR", "12.000", 12_000),
    ("AT", "12.000", 12_000), ("BE", "12.000", 12_000), ("US", "12.000", None), ("CH", "12.000", None),
    ("DE", "12,000", None), (None, "12.000", None), (None, "12,000", None), (None, "12.000,00", 12_000),
])
def test_the_country_settles_what_a_lonely_mark_is_or_nobody_does(
    country: str | None, text: str, figure: int | None
) -> None:
    if figure is not None:
        assert read_figure(text, country) == figure
        return
    with pytest.raises(FigureError, match="it may be 12 or 12000"):
        read_figure(text, country)


@pytest.mark.parametrize(("told", "high"), [
    ("12.000", True), ("12.000,50", True), ("€ 12.000", True), ("EUR 12000", True), ("12 000", True),
    ("12,000.00", True), ("12000", True), ("12\u00a0000", True), ("1.5", False), ("9.999,99", False), ("nan", False),
    ("inf", False), (12_000, True), (9_999.5, False), (10**400, True), (float("inf"), False), (True, False),
    (None, False), ("Gold ", True), ("silver", False),
])
def test_who_is_of_high_value(told: Any, high: bool) -> None:
    assert DUTCH.is_high(told) is high


@pytest.mark.parametrize(("told", "trouble"), [
    ("inf", True), ("nan", True), ("12k", True), (True, True), ("12,000", True), ("superb", True), (float("nan"), True),
    ("12.000", False), (5, False), ("gold", False), ("Silver", False), ("", False), (None, False),
])
def test_what_is_neither_a_figure_nor_a_known_word_is_trouble(told: Any, trouble: bool) -> None:
    assert bool(DUTCH.trouble_with(told)) is trouble


def test_trouble_is_told_once_for_each_field_and_counted() -> None:
    told: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"value": "inf", "tier": "gold"}, {}), ({"value": "12k"}, {}), ({}, {"context": {"customer_value": "x" * 50}}),
        ({"value": 5}, {"context": None}),
    ]  # fmt: skip
    assert [(each.field, each.example, each.answers) for each in troubles(told, DUTCH)] == [
        ("customer.value", "inf", 2), ("context.customer_value", f"{'x' * 19}…", 1),
    ]  # fmt: skip
    assert value_of({"tier": "gold"}, {"context": {"value": 3}}) == "gold"


@pytest.mark.parametrize(("written", "read"), [("10000", 10_000), ("'€ 10.000,00'", 10_000), ("1500.5", 1500.5)])
def test_the_threshold_may_be_any_figure_that_everybody_reads_the_same(written: str, read: float) -> None:
    config = read_config(f"customer_value: {{high_from: {written}, low: [Superb]}}", Path("ringback.yaml"), {})
    assert config.customer_value.high_from == read
    assert not config.customer_value.trouble_with("superb")


@pytest.mark.parametrize("written", ["10.000", "'12,000'", "true", ".inf", "1e400", "much", "[1]"])
def test_a_threshold_that_may_be_another_is_refused(written: str) -> None:
    with pytest.raises(ConfigError, match=r"customer_value\.high_from: is no number: .* as 10000\."):
        read_config(f"customer_value: {{high_from: {written}}}", Path("ringback.yaml"), {})
