"""Whether what senders tell of customers' worth can be read: else it counts as ordinary, and somebody should know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, select

from connector.config.customer_value import Valuation, value_of, values_told
from connector.observe.findings import Finding, ok, warning
from connector.storage.schema.tables import customers, responses

LOOKED_AT = 1_000
"""The newest answers; what was told long ago nobody can mend."""

_SHOWN = 20  # characters of a value
_CHECK = "customer value"
_TOLD = (
    select(customers.c.facts, responses.c.context)
    .select_from(responses.outerjoin(customers, customers.c.id == responses.c.customer_id))
    .order_by(responses.c.id.desc())
    .limit(LOOKED_AT)
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A field whose value cannot be read: an example, why, and in how many of the answers."""

    field: str
    example: str
    why: str
    answers: int = 1


def check_values(tx: Connection, valuation: Valuation) -> list[Finding]:
    """One finding for every field that tells of a customer's worth in words or signs we cannot read."""
    told = [(row.facts or {}, {"context": row.context}) for row in tx.execute(_TOLD)]
    found = list(troubles(told, valuation))
    if not found and any(value_of(*each) is not None for each in told):
        return [ok(_CHECK, "what senders tell of it can be read")]
    return [_finding(each) for each in found]


def troubles(told: Iterable[tuple[dict[str, Any], dict[str, Any]]], valuation: Valuation) -> Iterator[Trouble]:
    """The troubles among customers' facts and what their answers tell, by field."""
    found: dict[str, Trouble] = {}
    for customer, event in told:
        for field, value in values_told(customer, event):
            if why := valuation.trouble_with(value):
                known = found.get(field)
                found[field] = replace(known, answers=known.answers + 1) if known else _first(field, value, why)
    yield from found.values()


def _first(field: str, value: Any, why: str) -> Trouble:
    shown = " ".join(str(value).split())
    return Trouble(field, shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 1]}…", why)


def _finding(trouble: Trouble) -> Finding:
    says = (
        f"{trouble.field} is {trouble.example!r}: {trouble.why}, and no word we know, so it does not count as high "
        f"({trouble.answers} of the latest answers)."
    )
    remedy = "Send a figure as 12000, or name the word in ringback.yaml: customer_value: {high: […], low: […]}."
    return warning(_CHECK, says, remedy)
