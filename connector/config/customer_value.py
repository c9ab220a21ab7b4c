"""What a customer is worth to the house, as far as it was told: whose signals come first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_FACTS = ("value", "customer_value", "tier", "account_tier")
"""Where senders tell it: on the customer, or in the answer's context."""

DEFAULT_WORDS = frozenset({"high", "gold", "platinum", "vip", "key", "strategic", "enterprise"})


@dataclass(frozen=True, slots=True)
class Valuation:
    """Which customers are of high value. ``high_from`` is in the unit of the senders' figures (as a rule a year's
    revenue); None: figures do not decide. ``words`` are lower case."""

    high_from: float | None = None
    words: frozenset[str] = DEFAULT_WORDS

    def is_high(self, told: Any) -> bool:
        if isinstance(told, bool) or told is None:
            return False
        number = _number(told)
        if number is not None:
            return self.high_from is not None and number >= self.high_from
        return str(told).strip().lower() in self.words


def value_of(customer: Mapping[str, Any], event: Mapping[str, Any]) -> Any:
    """The value as it was told, a figure or a word; None when nobody told any."""
    context = event.get("context")
    sources = (customer, context if isinstance(context, Mapping) else {})
    told = (source.get(name) for source in sources for name in _FACTS)
    return next((value for value in told if isinstance(value, str | int | float) and value != ""), None)


def _number(told: Any) -> float | None:
    if isinstance(told, int | float):
        return float(told)
    try:
        return float(str(told).replace(" ", ""))
    except ValueError:
        return None
