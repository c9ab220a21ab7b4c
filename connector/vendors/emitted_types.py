"""Which events can happen here at all: those that a configured connection sends, and those that we tell ourselves.

A workflow that waits for an event which nobody sends would look good and never do anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from connector.config.dates import ANNIVERSARY
from connector.config.file import Config
from connector.vendors.base import Vendors
from workflows.definitions import Wait, Workflow
from workflows.errors import Mistake
from workflows.events import EVENT_TYPES
from workflows.step_positions import every_step

OWN = frozenset({
    "survey.sent", "survey.opened", "survey.started", "survey.score_given", "survey.answered", "survey.changed",
    "survey.doubted", "survey.reminded", "survey.expired", "customer.opted_out", "survey.requested", "feedback.logged",
    "callback.outcome",
})  # fmt: skip
"""What our own surveys, pages and the sidebar tell, whatever is connected."""

_INBOUND = "Connect whoever sends it: a connection of kind inbound may send any type."
_DATES = "Write the date into ringback.yaml: dates: [{field: customer.since}]."


@dataclass(frozen=True, slots=True)
class EmittedTypes:
    """``types`` can happen; ``any_type``: somebody may send whatever they like; ``by_kind``: what another kind of
    connection would send."""

    types: frozenset[str]
    any_type: bool
    by_kind: Mapping[str, frozenset[str]]

    def unheard(self, workflow: Workflow) -> Iterator[Mistake]:
        """Triggers and waits on events that nobody sends."""
        for event in workflow.trigger.events:
            yield from self._unheard("trigger.event", event)
        for step in every_step(workflow.steps):
            if isinstance(step, Wait) and step.event:
                yield from self._unheard(f"{step.path}.wait.event", step.event)

    def _unheard(self, path: str, type_: str) -> Iterator[Mistake]:
        if not self.any_type and type_ not in self.types:
            yield Mistake(path, f"nothing that is configured sends {type_}.", self._remedy(type_))

    def _remedy(self, type_: str) -> str:
        if type_ == ANNIVERSARY:
            return _DATES
        kinds = [kind for kind, types in self.by_kind.items() if type_ in types]
        if not kinds:
            close = "" if type_ in EVENT_TYPES else " Or correct its name: docs/workflows.md lists those there are."
            return f"{_INBOUND}{close}"
        return f"Connect one of kind {' or '.join(kinds)}, or a connection of kind inbound that sends it."


def emitted_types(config: Config, vendors: Vendors) -> EmittedTypes | None:
    """What can happen with this configuration; None where it connects nothing, and so says nothing."""
    if not config.connections:
        return None
    rows = [(vendors[each.kind], each) for each in config.connections.values() if each.kind in vendors]
    sent = {type_ for vendor, each in rows for type_ in vendor.emits(each.options)}
    dates = {each.event for each in config.dates}
    by_kind = {kind: frozenset(vendor.emits({})) for kind, vendor in vendors.items()}
    return EmittedTypes(OWN | sent | dates, any(vendor.emits_anything for vendor, _ in rows), by_kind)
