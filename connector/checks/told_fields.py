"""Fields of events and customers that a file reads and that nobody tells: a misspelt one decides nothing, in silence.

Of who chooses its own body (an inbound connection, a trigger that an admin wrote) we cannot know every field. There a
field is refused only where it is a slip of the pen beside one that is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connector.config.file import Config
from connector.feedback.customers.identity import Customer
from connector.vendors.base import Vendors
from connector.vendors.emitted_types import OWN
from workflows.definitions import Workflow
from workflows.errors import Mistake
from workflows.events import known_fields
from workflows.reads import FieldRead, fields_read
from workflows.suggestions import did_you_mean

_CUSTOMER = frozenset(Customer("").view()) | {
    "value", "customer_value", "tier", "account_tier", "segment", "country", "country_code", "address", "birthday",
    "since", "do_not_call", "first_name", "last_name", "company",
}  # fmt: skip
"""What customers have, and the facts that the documents speak of."""

_SHORTEST = 4
"""Letters; of shorter names too many are near each other."""


@dataclass(frozen=True, slots=True)
class ToldFields:
    """``own_words``: a connection may tell whatever it likes. ``facts`` are names that customers have."""

    own_words: bool
    sent: frozenset[str]
    facts: frozenset[str]

    def untold(self, workflow: Workflow) -> Iterator[Mistake]:
        """Each field that the workflow reads and nobody tells, once for each place."""
        for read in fields_read(workflow):
            yield from self.of_event(read) if read.events else self.of_customer(read.path, read.field)

    def of_event(self, read: FieldRead) -> Iterator[Mistake]:
        fields = [known_fields(type_) for type_ in read.events]
        if None in fields:
            return  # a type that a connection named itself
        known = frozenset().union(*(each or () for each in fields))
        is_open = self.own_words or any(type_ not in OWN or type_ in self.sent for type_ in read.events)
        if read.field not in known and (not is_open or _slip_of(read.field, known)):
            whose = " or ".join(read.events)
            yield Mistake(read.path, f"Nobody tells {read.name}: {whose} has no such field.", _near(read.field, known))

    def of_customer(self, path: str, field: str) -> Iterator[Mistake]:
        known = self.facts | _CUSTOMER
        if field not in known and (not self.own_words or _slip_of(field, known)):
            yield Mistake(path, f"Nobody tells customer.{field}.", _near(field, known))


def told_fields(config: Config, vendors: Vendors, facts: frozenset[str] = frozenset()) -> ToldFields:
    """With this configuration. ``facts`` are names that customers are known to have."""
    rows = [(vendors[each.kind], each) for each in config.connections.values() if each.kind in vendors]
    dates = {each.field.split(".")[0] for each in config.dates}
    sent = frozenset(type_ for vendor, each in rows for type_ in vendor.emits(each.options))
    return ToldFields(not rows or any(vendor.emits_anything for vendor, _ in rows), sent, facts | dates)


def _near(field: str, known: frozenset[str]) -> str:
    slip = _slip_of(field, known)
    return f'Did you mean "{slip}"?' if slip else did_you_mean(field, known)


def _slip_of(field: str, known: frozenset[str]) -> str:
    """The known name that was probably meant; "" where none is one letter away."""
    if len(field) < _SHORTEST:
        return ""
    return next((name for name in sorted(known) if len(name) >= _SHORTEST and _one_letter_apart(field, name)), "")


def _one_letter_apart(one: str, other: str) -> bool:
    """A letter too many, too few, wrong, or two that changed places. A plural is a word of its own."""
    if {one, other} == {f"{one.removesuffix('s')}", f"{one.removesuffix('s')}s"}:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
