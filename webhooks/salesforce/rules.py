"""What a Salesforce record's state means: our own rules for the standard objects, and those of the connection.

    events:
      Account: account.changed                     # every message about an account
      IO__Order__c:
        - type: order.delivered
          when: {IO__Status__c: [Delivered, Picked up]}
          at: IO__Delivered_At__c                  # when it happened: the same moment is the same fact
          fields: {order: Name, amount: IO__Total__c}
          contact: IO__Customer__c                 # or email:, name:, phone:, lead:
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from webhooks.event_types import is_event_type
from webhooks.parsing import excerpt, mapping
from webhooks.salesforce.records import RecordNotification
from workflows.whole import whole

_FIELD = re.compile(r"[A-Za-z]\w{0,79}", re.ASCII)
_KEYS = ("type", "when", "at", "fields", "contact", "lead", "email", "name", "phone")
_LOOKUPS = ("contact", "lead", "email", "name", "phone")

Values = tuple[str | float | bool, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One event that a record may mean.

    A rule with conditions (``when``: field → the values it may have, or ``instead`` where that field was not selected)
    is about a fact, which has a moment (``at``: the first of these fields that holds one). A rule without is about the
    record's state: it speaks where no fact does. ``hint`` says what to select for it.
    """

    type: str
    when: Mapping[str, Values] = field(default_factory=dict)
    instead: Mapping[str, Mapping[str, Values]] = field(default_factory=dict)
    at: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    lookups: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""

    def unmet(self, telling: RecordNotification) -> str:
        """Why the record does not mean it; "" if it does."""
        unmet = [name for name, values in self.when.items() if not self._has(telling, name, values)]
        return (self.hint or f"{', '.join(unmet)}: not as {self.type} asks") if unmet else ""

    def _has(self, telling: RecordNotification, name: str, values: Values) -> bool:
        if name not in telling.fields and name in self.instead:
            return all(_among(telling.fields.get(other), wanted) for other, wanted in self.instead[name].items())
        return _among(telling.fields.get(name), values)


STATES: Mapping[str, Rule] = {
    "Contact": Rule("contact.changed"),
    "Lead": Rule("lead.changed"),
}
"""What any message about these objects means."""

FACTS: Mapping[str, tuple[Rule, ...]] = {
    "Lead": (Rule("lead.converted", when={"IsConverted": (True,)}),),
    "Case": (
        Rule("case.closed", when={"IsClosed": (True,)}, instead={"IsClosed": {"Status": ("closed",)}},
             at=("ClosedDate",), hint="the case is not closed; select IsClosed and Status for the outbound message"),
    ),
    "Opportunity": (
        Rule("opportunity.won", when={"IsWon": (True,)}, instead={"IsWon": {"StageName": ("closed won",)}},
             at=("LastStageChangeDate",),
             hint="the opportunity is not won; select IsWon and StageName for the outbound message"),
    ),
    "Order": (
        Rule("order.delivered", when={"Status": ("delivered",)}, lookups={"contact": "BillToContactId"},
             hint="the order's Status is not Delivered"),
    ),
}  # fmt: skip


def meaning(telling: RecordNotification, events: Mapping[str, Any] | None) -> tuple[tuple[Rule, ...], str]:
    """The rules that hold, or why none does. ``events`` is the connection's setting, as ``mistakes`` approved of it."""
    own = rules_of(telling.kind, events)
    facts = (*FACTS.get(telling.kind, ()), *(rule for rule in own if rule.when))
    unmet = [(rule, rule.unmet(telling)) for rule in facts]
    met = tuple(rule for rule, why in unmet if not why)
    named = tuple(rule for rule in own if not rule.when)
    state = (STATES[telling.kind],) if telling.kind in STATES and not named else ()
    found = (*met, *state) if met else (*named, *state)
    if found:
        return found, ""
    nobody = f"nobody listens to {excerpt(telling.kind)}; map it under events in the connection's settings"
    return (), "; ".join(why for _, why in unmet) or nobody


def rules_of(kind: str, events: Mapping[str, Any] | None) -> tuple[Rule, ...]:
    """The connection's own rules for an sObject. Raises ValueError that says what is wrong with them."""
    given = (events or {}).get(kind)
    if given is None:
        return ()
    wrong = list(_mistakes_in(kind, given))
    if wrong:
        raise ValueError("; ".join(wrong))
    return tuple(_rule(each) for each in _rules_in(given))


def types(events: Any) -> frozenset[str]:
    """The types of events that records mean, by the connection's own rules, too, as far as these can be read."""
    own = {kind: given for kind, given in mapping(events).items() if not list(_mistakes_in(str(kind), given))}
    told = (rule.type for kind in own for rule in rules_of(kind, own))
    usual = (rule.type for rule in (*STATES.values(), *(rule for each in FACTS.values() for rule in each)))
    return frozenset((*usual, *told, "contact.merged", "contact.deleted"))


def fields_used(kind: str, events: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The record's fields that the connection's own rules for an sObject read."""
    names = [name for rule in rules_of(kind, events)
             for name in (*rule.when, *rule.at, *rule.fields.values(), *rule.lookups.values())]  # fmt: skip
    return tuple(dict.fromkeys(names))


def mistakes(events: Any) -> Iterator[str]:
    """What is wrong with ``events:``, each with its path below it and the remedy."""
    if not isinstance(events, Mapping):
        yield "is no mapping; write an object's API name with an event type, as Account: account.changed"
        return
    for kind, given in events.items():
        yield from _mistakes_in(str(kind), given)


def _mistakes_in(kind: str, given: Any) -> Iterator[str]:
    if not _FIELD.fullmatch(kind):
        yield f"{excerpt(kind)} is no API name of an object; write it as IO__Order__c"
    for rule in _rules_in(given):
        yield from (f"{kind}{said}" for said in _mistakes_of(rule))


def _mistakes_of(rule: Any) -> Iterator[str]:
    if not isinstance(rule, Mapping):
        yield f' is {excerpt(rule)}; name an event type such as "order.delivered", or write type: below it'
        return
    for key in rule:
        if key not in _KEYS:
            near = get_close_matches(str(key), _KEYS, n=1)
            yield f".{key} is not known; {f'did you mean {near[0]}?' if near else 'known are ' + ', '.join(_KEYS)}"
    if not is_event_type(rule.get("type")):
        at = "" if list(rule) == ["type"] else ".type"
        yield f'{at} is {excerpt(rule.get("type"))}; name an event type such as "order.delivered"'
    for key in ("at", *_LOOKUPS):
        if key in rule and not is_name(rule[key]):
            yield f".{key} is {excerpt(rule[key])}; name a field of the record"
    yield from _mistakes_of_mappings(rule)


def _mistakes_of_mappings(rule: Mapping[str, Any]) -> Iterator[str]:
    for key, example in (("when", "{Status__c: Delivered}"), ("fields", "{order: Name}")):
        if key in rule and not (isinstance(rule[key], Mapping) and rule[key]):
            yield f".{key} is no mapping; write it as {example}"
    when, fields = rule.get("when"), rule.get("fields")
    for name, values in when.items() if isinstance(when, Mapping) else ():
        wanted = _values(values)
        if not is_name(name) or not wanted or not all(isinstance(each, str | int | float | bool) for each in wanted):
            yield f".when.{name} needs a field's name, and one value or a list of them"
    for name, source in fields.items() if isinstance(fields, Mapping) else ():
        if not is_name(source) or not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", str(name)):
            yield f".fields.{name} needs a name in small letters, and a field of the record"


def _rule(given: Mapping[str, Any]) -> Rule:
    return Rule(
        given["type"],
        when={name: tuple(_values(values)) for name, values in given.get("when", {}).items()},
        at=(given["at"],) if "at" in given else (),
        fields=dict(given.get("fields", {})),
        lookups={name: given[name] for name in _LOOKUPS if name in given},
    )


def _rules_in(given: Any) -> Sequence[Any]:
    """One rule or a list of them; a bare event type is a rule."""
    listed = given if isinstance(given, list) else [given]
    return [{"type": each} if isinstance(each, str) else each for each in listed]


def _values(given: Any) -> Sequence[Any]:
    return given if isinstance(given, list) else [given]


def is_name(name: Any) -> bool:
    """Whether it can be the API name of an object or a field."""
    return isinstance(name, str) and _FIELD.fullmatch(name) is not None


def _among(value: Any, wanted: Values) -> bool:
    return any(_same(value, each) for each in wanted)


def _same(value: Any, wanted: str | float | bool) -> bool:
    """Text without regard to case; numbers and yes or no by what they say, however they are written: 9.0 is "9"."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return str(value).lower() == str(wanted).lower()
    if isinstance(value, int | float) and isinstance(wanted, int | float):
        return value == wanted
    return value is not None and _written(value) == _written(wanted)


def _written(value: Any) -> str:
    number = whole(value)
    return str(value if number is None else number).strip().casefold()
