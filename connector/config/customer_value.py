"""What a customer is worth to the house, as far as it was told: whose signals come first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connector.config.figures import FigureError, read_figure

_FACTS = ("value", "customer_value", "tier", "account_tier")
"""Where senders tell it: on the customer, or in the answer's context."""

DEFAULT_WORDS = frozenset({"high", "gold", "platinum", "vip", "key", "strategic", "enterprise"})

ORDINARY_WORDS = frozenset({
    "low", "medium", "normal", "standard", "regular", "basic", "silver", "bronze", "small", "none", "unknown", "free",
})
"""What senders call everybody else: known words, so nobody need be told of them."""


@dataclass(frozen=True, slots=True)
class Valuation:
    """Which customers are of high value. ``high_from`` is in the unit of the senders' figures (as a rule a year's
    revenue); None: figures do not decide. ``words`` (high) and ``ordinary`` are lower case. ``country`` is where
    figures as text are from."""

    high_from: Decimal | float | None = None
    words: frozenset[str] = DEFAULT_WORDS
    ordinary: frozenset[str] = ORDINARY_WORDS
    country: str | None = None

    def is_high(self, told: Any) -> bool:
        """What cannot be read is not high; ``trouble_with`` tells of it."""
        if _word(told) in self.words:
            return True
        number = self._figure(told)
        return number is not None and self.high_from is not None and number >= self.high_from

    def trouble_with(self, told: Any) -> str:
        """Why a value that was told is neither a figure nor a word we know; "" where it is one, or nothing was told."""
        is_known = isinstance(told, str) and (_word(told) in self.words | self.ordinary or not told.strip())
        if told is None or is_known:
            return ""
        try:
            self._read(told)
        except FigureError as error:
            return str(error)
        return ""

    def _figure(self, told: Any) -> Decimal | float | None:
        try:
            return self._read(told)
        except FigureError:
            return None

    def _read(self, told: Any) -> Decimal | float:
        """Raises FigureError."""
        if isinstance(told, int | float) and not isinstance(told, bool) and told - told == 0:
            return told
        if not isinstance(told, str):
            raise FigureError("it is no figure")
        return read_figure(told, self.country)


def value_of(customer: Mapping[str, Any], event: Mapping[str, Any]) -> Any:
    """The value as it was told, a figure or a word; None when nobody told any."""
    return next((value for _, value in values_told(customer, event)), None)


def values_told(customer: Mapping[str, Any], event: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every value that was told, with its field ("customer.tier"), the one that counts first."""
    context = event.get("context")
    sources = {"customer": customer, "context": context if isinstance(context, Mapping) else {}}
    for holder, source in sources.items():
        for name in _FACTS:
            if isinstance(value := source.get(name), str | int | float) and value != "":
                yield f"{holder}.{name}", value


def _word(told: Any) -> str:
    return told.strip().lower() if isinstance(told, str) else ""
